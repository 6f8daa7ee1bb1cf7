package amqp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/internal/tlsfiles"
	"github.com/notifyd/notifyd/internal/watch"
)

// An address is a URL, taken apart.
type address struct {
	host, port     string
	vhost          string
	user, password string
	tls            bool
}

// String says where it is, without the login, as a URL does: host:port/%2Fvhost.
func (a address) String() string {
	return net.JoinHostPort(a.host, a.port) + "/" + url.PathEscape(a.vhost)
}

// parseURL reads a URL. Its error does not quote it: a password may be anywhere in one that is wrong.
func parseURL(text string) (address, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "amqp" && u.Scheme != "amqps" || u.Hostname() == "" || u.Opaque != "" {
		return address{}, errors.New("url: amqp://user:password@host/vhost was expected, or amqps; special characters " +
			"of user, password and vhost are percent-encoded")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return address{}, errors.New("url: nothing may follow the vhost; the keys beside url say the rest, and a ? or # " +
			"in the password is percent-encoded")
	}
	a := address{host: u.Hostname(), port: u.Port(), tls: u.Scheme == "amqps"}
	if a.port == "" {
		a.port = map[bool]string{false: "5672", true: "5671"}[a.tls]
	}
	if _, err := strconv.ParseUint(a.port, 10, 16); err != nil {
		return address{}, errors.New("url: the port is none")
	}
	if u.User != nil {
		a.user = u.User.Username()
		a.password, _ = u.User.Password()
	}
	if a.vhost = strings.TrimPrefix(u.Path, "/"); a.vhost == "" {
		a.vhost = "/"
	}
	return a, nil
}

// maxName is how long the names of AMQP may be, and its topics, in bytes.
const maxName = 255

// check refuses what cannot be meant, or what the broker would refuse.
func (c BrokerConfig) check() error {
	for _, n := range []struct{ key, value string }{
		{"exchange", c.Exchange}, {"queue", c.Queue}, {"dead_letter", c.DeadLetter},
	} {
		if len(n.value) > maxName || !utf8.ValidString(n.value) {
			return fmt.Errorf("%s: at most %d bytes of text were expected", n.key, maxName)
		}
	}
	for _, t := range c.Topics {
		if t == "" || len(t) > maxName {
			return fmt.Errorf("topics: %q; a pattern of 1 to %d bytes was expected", t, maxName)
		}
	}
	switch {
	case strings.HasPrefix(c.Queue, "amq."), strings.HasPrefix(c.DeadLetter, "amq.") && !c.Passive:
		return errors.New("queue, dead_letter: names that begin with amq. are the broker's own")
	case c.Passive && c.Queue == "":
		return errors.New("passive: the name of the queue that is there was expected in queue")
	case c.QueueType != "" && c.QueueType != "classic" && c.QueueType != "quorum":
		return fmt.Errorf("queue_type: %q; classic or quorum was expected", c.QueueType)
	case c.QueueType == "quorum" && c.Queue == "":
		return errors.New("queue_type: a quorum queue needs a name in queue")
	case c.Prefetch < 1 || c.Prefetch > 10_000:
		return fmt.Errorf("prefetch: %d; 1 to 10000 was expected", c.Prefetch)
	case (c.CertFile == "") != (c.KeyFile == ""):
		return errors.New("cert_file, key_file: both or none were expected") // also where the url says no TLS
	}
	if err := c.checkArguments(); err != nil {
		return err
	}
	return c.checkTimes()
}

// ownArguments are the arguments of a queue that have keys of their own.
var ownArguments = map[string]string{"x-queue-type": "queue_type", "x-dead-letter-exchange": "dead_letter"}

func (c BrokerConfig) checkArguments() error {
	for _, name := range slices.Sorted(maps.Keys(c.Arguments)) {
		if key := ownArguments[name]; key != "" {
			return fmt.Errorf("arguments: %s is said by the key %s", name, key)
		}
		if name == "" || len(name) > 128 {
			return errors.New("arguments: a name of 1 to 128 bytes was expected")
		}
	}
	return nil
}

// checkTimes refuses durations that cannot be meant: a number without a unit is some nanoseconds.
func (c BrokerConfig) checkTimes() error {
	for _, d := range []struct {
		key          string
		value, least time.Duration
	}{
		{"heartbeat", c.Heartbeat, time.Second}, {"timeout", c.Timeout, 10 * time.Millisecond},
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

// queueArguments gives the arguments of the queue, each as what it looks like.
func (c BrokerConfig) queueArguments() amqp091.Table {
	table := amqp091.Table{}
	for name, text := range c.Arguments {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			table[name] = n
		} else if b, err := strconv.ParseBool(text); err == nil {
			table[name] = b
		} else {
			table[name] = text
		}
	}
	if c.QueueType != "" {
		table["x-queue-type"] = c.QueueType
	}
	if c.DeadLetter != "" {
		table["x-dead-letter-exchange"] = c.DeadLetter
	}
	return table
}

// tlsConfig reads the files of c; nil where the URL is one without TLS.
func (c BrokerConfig) tlsConfig(a address) (*tls.Config, error) {
	if !a.tls {
		if c.CAFile != "" || c.CertFile != "" {
			return nil, errors.New("ca_file, cert_file: the url says amqp, without TLS; amqps was expected")
		}
		return nil, nil
	}
	config, err := tlsfiles.Files{CA: c.CAFile, Cert: c.CertFile, Key: c.KeyFile}.Config(watch.ReadFile)
	if err != nil {
		return nil, err
	}
	config.ServerName = a.host
	return config, nil
}

// login gives how the broker is told who we are.
func (c BrokerConfig) login(a address) []amqp091.Authentication {
	switch {
	case c.CertFile != "" && a.password == "":
		return []amqp091.Authentication{&amqp091.ExternalAuth{}}
	case a.user == "":
		a.user, a.password = "guest", "guest" // as RabbitMQ has it
	}
	return []amqp091.Authentication{&amqp091.PlainAuth{Username: a.user, Password: a.password}}
}
