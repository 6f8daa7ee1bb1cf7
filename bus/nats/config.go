package nats

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/notifyd/notifyd/internal/tlsfiles"
	"github.com/notifyd/notifyd/internal/watch"
)

// checkURL gives the address of a URL, and whether it wants TLS. Its error does not quote it: somebody may have put a
// password there.
func checkURL(text string) (address string, secure bool, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "nats" && u.Scheme != "tls" || u.Hostname() == "" || u.Opaque != "" {
		return "", false, errors.New("urls: nats://host:port or tls://host:port was expected")
	}
	if u.User != nil {
		return "", false, errors.New("urls: no login was expected here; user, password, token, creds_file and nkey_file " +
			"are keys of their own")
	}
	if u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" {
		return "", false, errors.New("urls: nothing was expected after the port")
	}
	port := u.Port()
	if port == "" {
		port = "4222"
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", false, errors.New("urls: the port is none")
	}
	return net.JoinHostPort(u.Hostname(), port), u.Scheme == "tls", nil
}

// addresses gives those of all URLs, and whether TLS is a must.
func (c ServerConfig) addresses() (all []string, secure bool, err error) {
	if len(c.URLs) == 0 {
		return nil, false, errors.New("urls: at least one nats://host:port was expected")
	}
	secure = c.CAFile != "" || c.CertFile != ""
	for _, text := range c.URLs {
		address, wants, err := checkURL(text)
		if err != nil {
			return nil, false, err
		}
		all, secure = append(all, address), secure || wants
	}
	return all, secure, nil
}

// check refuses what cannot be meant, or what the server would refuse.
func (c ServerConfig) check() error {
	for _, n := range []struct{ key, value string }{{"stream", c.Stream}, {"durable", c.Durable}} {
		if n.value == "" || len(n.value) > 255 || strings.ContainsAny(n.value, ".*>/\\ \t\r\n") {
			return fmt.Errorf("%s: %q; a name without dots, blanks, slashes, * and > was expected", n.key, n.value)
		}
	}
	for _, s := range c.Subjects {
		if !isSubject(s, true) {
			return fmt.Errorf("subjects: %q; words with dots between were expected, * for any one, > for the rest", s)
		}
		if slices.Contains(strings.Split(s, "."), "#") {
			return fmt.Errorf("subjects: %q; > was expected instead of #, which is AMQP's", s)
		}
		if c.DeadLetter != "" && matches(s, c.DeadLetter) {
			return fmt.Errorf("dead_letter: %q is among subjects; what is no message would come again for ever", c.DeadLetter)
		}
	}
	for _, n := range []struct{ key, value string }{
		{"prefix", c.Prefix}, {"dead_letter", c.DeadLetter}, {"inbox", c.Inbox},
	} {
		if n.value != "" && !isSubject(n.value, false) {
			return fmt.Errorf("%s: %q; words with dots between were expected", n.key, n.value)
		}
	}
	switch {
	case c.Create != createConsumer && c.Create != createStream && c.Create != createNothing:
		return fmt.Errorf("create: %q; consumer, stream or nothing was expected", c.Create)
	case c.Create == createStream && len(c.Subjects) == 0:
		return errors.New("create: a stream that is made needs subjects")
	case c.Start != startAll && c.Start != startNew:
		return fmt.Errorf("start: %q; all or new was expected", c.Start)
	case c.Replicas < 1 || c.Replicas > 5:
		return fmt.Errorf("replicas: %d; 1 to 5 was expected", c.Replicas)
	case c.MaxAckPending < 1 || c.MaxAckPending > 10_000:
		return fmt.Errorf("max_ack_pending: %d; 1 to 10000 was expected", c.MaxAckPending)
	}
	return c.checkTimes()
}

// checkTimes refuses durations that cannot be meant: a number without a unit is some nanoseconds.
func (c ServerConfig) checkTimes() error {
	for _, d := range []struct {
		key          string
		value, least time.Duration
	}{
		{"max_age", c.MaxAge, time.Minute}, {"ack_wait", c.AckWait, time.Second}, {"timeout", c.Timeout, time.Second},
		{"retry_min", c.RetryMin, time.Millisecond},
	} {
		if d.value < d.least {
			return fmt.Errorf("%s: %v; at least %v", d.key, d.value, d.least)
		}
	}
	if c.Silence > 0 && c.Silence < 10*time.Millisecond {
		return fmt.Errorf("silence: %v; at least 10ms, or negative for never", c.Silence)
	}
	return nil
}

// login gives how the server is told who we are.
func (c ServerConfig) login() (natsgo.Option, error) {
	var ways []string
	for _, n := range []struct{ key, value string }{
		{"user", c.User}, {"token", c.Token}, {"creds_file", c.CredsFile}, {"nkey_file", c.NkeyFile},
	} {
		if n.value != "" {
			ways = append(ways, n.key)
		}
	}
	switch {
	case len(ways) > 1:
		return nil, fmt.Errorf("%s: only one way to log in was expected", strings.Join(ways, ", "))
	case (c.User == "") != (c.Password == ""):
		return nil, errors.New("user, password: both or none were expected")
	case c.User != "":
		return natsgo.UserInfo(c.User, c.Password), nil
	case c.Token != "":
		return natsgo.Token(c.Token), nil
	case c.CredsFile != "":
		if err := checkFile("creds_file", c.CredsFile, "-----BEGIN NATS USER JWT-----"); err != nil {
			return nil, err
		}
		return natsgo.UserCredentials(c.CredsFile), nil
	case c.NkeyFile != "":
		if err := checkFile("nkey_file", c.NkeyFile, "SU"); err != nil {
			return nil, err
		}
		option, err := natsgo.NkeyOptionFromSeed(c.NkeyFile)
		if err != nil {
			return nil, fmt.Errorf("nkey_file: %s holds no seed of a user", c.NkeyFile) // what else it holds is a secret
		}
		return option, nil
	}
	return nil, nil
}

// checkFile looks whether a file can be read and has a text that it must have.
func checkFile(key, path, has string) error {
	text, err := watch.ReadFile(path, 1<<20)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if !strings.Contains(string(text), has) {
		return fmt.Errorf("%s: %s has no %q", key, path, has)
	}
	return nil
}

// tlsConfig reads the files for TLS.
func (c ServerConfig) tlsConfig() (*tls.Config, error) {
	return tlsfiles.Files{CA: c.CAFile, Cert: c.CertFile, Key: c.KeyFile}.Config(watch.ReadFile)
}
