package irc

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

// Config is the section of the configuration about IRC. Zero values stand for the defaults.
type Config struct {
	Networks    []Network `yaml:"networks"`
	Manage      string    `yaml:"manage"`       // page that `help` points to; normally the base URL of the web pages
	NoticeLines int       `yaml:"notice_lines"` // most lines of one notice; 2
	DigestLines int       `yaml:"digest_lines"` // most lines of a digest that tell notices; 5
}

// A Network is one IRC network and how notifyd appears there.
type Network struct {
	Name           string        `yaml:"name"`    // behind the @ of an address: lower case letters, digits, "." and "-"
	Address        string        `yaml:"address"` // host:port
	TLS            bool          `yaml:"tls"`
	CAFile         string        `yaml:"ca_file"`                   // PEM; the system's authorities when empty
	ClientCert     string        `yaml:"client_cert"`               // PEM, for SASL EXTERNAL
	ClientKey      string        `yaml:"client_key" secret:"false"` // PEM, a path
	Nick           string        `yaml:"nick"`
	User           string        `yaml:"user"`                   // the nick when empty
	RealName       string        `yaml:"realname"`               // the nick when empty
	Password       string        `yaml:"password" secret:"true"` // of the server (PASS), not of the account
	SASL           SASL          `yaml:"sasl"`
	RequireAccount string        `yaml:"require_account"` // auto (where there are services), true or false
	Burst          int           `yaml:"burst"`           // lines at once; 4
	PerSecond      float64       `yaml:"per_second"`      // lines a second after that; 1
	NewTargets     string        `yaml:"new_targets"`     // see parseOpenings; auto
	LateAnswers    time.Duration `yaml:"late_answers"`    // wait for those of other servers of the network; 2s
	ConnectTimeout time.Duration `yaml:"connect_timeout"` // from dialling to the end of the registration; 60s
	SendTimeout    time.Duration `yaml:"send_timeout"`    // for the server's answer to one line; 30s
	KeepAlive      time.Duration `yaml:"keep_alive"`      // between PINGs, and between attempts to get the nick back; 60s
	ReconnectMin   time.Duration `yaml:"reconnect_min"`   // first delay before the next attempt; 2s
	ReconnectMax   time.Duration `yaml:"reconnect_max"`   // longest; 5m
}

// SASL is how notifyd logs in to its account (IRCv3 SASL 3.1). An empty mechanism means not at all.
type SASL struct {
	Mechanism string `yaml:"mechanism"` // plain, scram-sha-256 or external
	Username  string `yaml:"username"`
	Password  string `yaml:"password" secret:"true"`
}

// SetDefaults fills in what zero values stand for; the configuration calls it, so that it prints what is in effect.
func (c *Config) SetDefaults() { *c = c.withDefaults() }

func (c Config) withDefaults() Config {
	setDefault(&c.NoticeLines, 2)
	setDefault(&c.DigestLines, 5)
	networks := make([]Network, len(c.Networks))
	for i, n := range c.Networks {
		setDefault(&n.User, n.Nick)
		setDefault(&n.RealName, n.Nick)
		setDefault(&n.RequireAccount, requireAuto)
		setDefault(&n.NewTargets, newTargetsAuto)
		setDefault(&n.Burst, 4)
		setDefault(&n.PerSecond, 1)
		setDefault(&n.LateAnswers, 2*time.Second)
		setDefault(&n.ConnectTimeout, 60*time.Second)
		setDefault(&n.SendTimeout, 30*time.Second)
		setDefault(&n.KeepAlive, 60*time.Second)
		setDefault(&n.ReconnectMin, 2*time.Second)
		setDefault(&n.ReconnectMax, 5*time.Minute)
		networks[i] = n
	}
	c.Networks = networks
	return c
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Check says everything that is wrong, one line a key, with the key's path below the section.
func (c Config) Check() error {
	c = c.withDefaults()
	var errs []error
	bad := func(key, problem string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(problem, args...)))
	}
	if len(c.Networks) == 0 {
		bad("networks", "needs at least one network")
	}
	if c.NoticeLines < 1 || c.NoticeLines > 10 {
		bad("notice_lines", "is %d, must be 1 to 10", c.NoticeLines)
	}
	if c.DigestLines < 1 || c.DigestLines > 50 {
		bad("digest_lines", "is %d, must be 1 to 50", c.DigestLines)
	}
	seen := map[string]bool{}
	for i, n := range c.Networks {
		path := fmt.Sprintf("networks[%d].", i)
		n.check(func(key, problem string, args ...any) { bad(path+key, problem, args...) })
		if seen[n.Name] {
			bad(path+"name", "%q is taken by another network", n.Name)
		}
		seen[n.Name] = true
	}
	return errors.Join(errs...)
}

func (n Network) check(bad func(key, problem string, args ...any)) {
	if !isNetworkName(n.Name) {
		bad("name", "is %q, must be 1 to 63 of a-z 0-9 . - and begin with a letter or digit", n.Name)
	}
	if host, port, err := net.SplitHostPort(n.Address); err != nil || host == "" || port == "" {
		bad("address", "is %q, must be host:port", n.Address)
	}
	if err := checkNick(n.Nick); err != nil {
		bad("nick", "%v", err)
	}
	for _, v := range []struct{ key, value, forbidden string }{
		{"user", n.User, "\r\n\x00 @!:"}, {"realname", n.RealName, "\r\n\x00"}, {"password", n.Password, "\r\n\x00"},
	} {
		if strings.ContainsAny(v.value, v.forbidden) || len(v.value) > 200 {
			bad(v.key, "has a character that cannot be sent, or is longer than 200 bytes")
		}
	}
	if !slices.Contains([]string{requireAuto, requireYes, requireNo}, n.RequireAccount) {
		bad("require_account", "is %q, must be auto, true or false", n.RequireAccount)
	}
	n.checkSASL(bad)
	n.checkNumbers(bad)
}

func (n Network) checkSASL(bad func(key, problem string, args ...any)) {
	switch n.SASL.Mechanism {
	case "":
		if n.SASL.Username != "" || n.SASL.Password != "" {
			bad("sasl.mechanism", "is empty but there is a username or password; must be plain, scram-sha-256 or external")
		}
	case "plain", "scram-sha-256":
		if n.SASL.Username == "" || n.SASL.Password == "" {
			bad("sasl", "mechanism %s needs username and password", n.SASL.Mechanism)
		}
	case "external":
		if n.ClientCert == "" || !n.TLS {
			bad("sasl", "mechanism external needs tls: true, client_cert and client_key")
		}
	default:
		bad("sasl.mechanism", "is %q, must be plain, scram-sha-256 or external", n.SASL.Mechanism)
	}
	if strings.ContainsRune(n.SASL.Username+n.SASL.Password, 0) {
		bad("sasl", "username and password must not have a NUL")
	}
	if (n.SASL.Password != "" || n.Password != "") && !n.TLS && !isLoopback(n.host()) {
		bad("tls", "must be true: a password would cross the net in the clear")
	}
	if (n.ClientCert == "") != (n.ClientKey == "") {
		bad("client_cert", "needs client_key, and the other way round")
	}
	if !n.TLS && (n.ClientCert != "" || n.CAFile != "") {
		bad("tls", "must be true for ca_file and client_cert to mean anything")
	}
}

func (n Network) checkNumbers(bad func(key, problem string, args ...any)) {
	if n.Burst < 1 || n.Burst > 100 {
		bad("burst", "is %d, must be 1 to 100", n.Burst)
	}
	if !(n.PerSecond >= 0.01 && n.PerSecond <= 100) {
		bad("per_second", "is %v, must be 0.01 to 100", n.PerSecond)
	}
	if _, err := parseOpenings(n.NewTargets); err != nil {
		bad("new_targets", "%s", err)
	}
	for _, v := range []struct {
		key   string
		value time.Duration
	}{
		{"late_answers", n.LateAnswers},
		{"connect_timeout", n.ConnectTimeout}, {"send_timeout", n.SendTimeout}, {"keep_alive", n.KeepAlive},
		{"reconnect_min", n.ReconnectMin}, {"reconnect_max", n.ReconnectMax},
	} {
		if v.value < 10*time.Millisecond || v.value > time.Hour {
			bad(v.key, "is %v, must be 10ms to 1h", v.value)
		}
	}
	if n.ReconnectMax < n.ReconnectMin {
		bad("reconnect_max", "is shorter than reconnect_min")
	}
}

// host is the host of the address in lower case.
func (n Network) host() string {
	host, _, _ := net.SplitHostPort(n.Address)
	return strings.ToLower(host)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// tlsConfig reads the certificates; nil without TLS.
func (n Network) tlsConfig() (*tls.Config, error) {
	if !n.TLS {
		return nil, nil
	}
	c := &tls.Config{ServerName: n.host(), MinVersion: tls.VersionTLS12}
	if n.CAFile != "" {
		pem, err := os.ReadFile(n.CAFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file: no PEM certificate in %q", n.CAFile)
		}
	}
	if n.ClientCert != "" {
		pair, err := tls.LoadX509KeyPair(n.ClientCert, n.ClientKey)
		if err != nil {
			return nil, fmt.Errorf("client_cert: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
