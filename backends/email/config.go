package email

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/notifyd/notifyd/backends/email/back"
)

// The values of Config.TLS.
const (
	TLSStart         = "starttls"      // STARTTLS or no mail (RFC 3207)
	TLSImplicit      = "implicit"      // TLS from the first byte (RFC 8314)
	TLSOpportunistic = "opportunistic" // STARTTLS when offered, the certificate unchecked (RFC 7435)
	TLSNone          = "none"          // never
)

// Config says which server takes the mail and what the mail looks like. The zero value of each key but Host and From
// is its default.
type Config struct {
	Host           string        `yaml:"host"`                   // the server's name; its certificate must bear it
	Port           int           `yaml:"port"`                   // 587; tls implicit: 465; opportunistic, none: 25
	TLS            string        `yaml:"tls"`                    // starttls (default), implicit, opportunistic, none
	CAFile         string        `yaml:"ca_file"`                // PEM certificates to trust instead of the system's
	Username       string        `yaml:"username"`               // "" does not log in
	Password       string        `yaml:"password" secret:"true"` // or password_file
	Helo           string        `yaml:"helo"`                   // our name in EHLO; the host's name
	From           string        `yaml:"from"`                   // address in From
	FromName       string        `yaml:"from_name"`              // name in From; notifyd
	EnvelopeFrom   string        `yaml:"envelope_from"`          // where bounces go (RFC 5321 MAIL FROM); from
	ListDomain     string        `yaml:"list_domain"`            // of ids and List-Id; that of from. Never change it
	RelationDomain string        `yaml:"relation_domain"`        // of addresses in Cc that say the relation; none
	Templates      string        `yaml:"templates"`              // folder of the site's own bodies of mails; built in
	SubjectPrefix  string        `yaml:"subject_prefix"`         // before every subject, e.g. "[example]"; none
	Timeout        time.Duration `yaml:"timeout"`                // for connecting, and for one message; 1 min
	Connections    int           `yaml:"connections"`            // at most at once; 16. How many adapts
	PerConnection  int           `yaml:"per_connection"`         // messages before a connection is renewed; 100
	Idle           time.Duration `yaml:"idle"`                   // how long a connection is kept unused; 20 s
	MaxBytes       int           `yaml:"max_bytes"`              // of a message as sent; 500 000, at least 65 536
	Bounces        back.Config   `yaml:"bounces"`                // what comes back; nothing
}

const minBytes = 64 << 10

// SetDefaults fills in what zero values stand for; the configuration calls it, so that it prints what is in effect.
func (c *Config) SetDefaults() { *c = c.withDefaults() }

func (c Config) withDefaults() Config {
	if c.TLS == "" {
		c.TLS = TLSStart
	}
	if c.Port == 0 {
		c.Port = map[string]int{TLSStart: 587, TLSImplicit: 465}[c.TLS]
	}
	if c.Port == 0 {
		c.Port = 25
	}
	c.From, c.EnvelopeFrom = canonical(c.From), canonical(c.EnvelopeFrom)
	setDefault(&c.FromName, "notifyd")
	setDefault(&c.EnvelopeFrom, c.From)
	setDefault(&c.ListDomain, c.From[strings.LastIndexByte(c.From, '@')+1:])
	setDefault(&c.Timeout, time.Minute)
	setDefault(&c.Connections, 16)
	setDefault(&c.PerConnection, 100)
	setDefault(&c.Idle, 20*time.Second)
	setDefault(&c.MaxBytes, 500_000)
	c.Bounces.SetDefaults()
	return c
}

// canonical returns the form of an address that may stand in a header. It returns a wrong one as it is, for Check.
func canonical(address string) string {
	if ascii, err := CheckAddress(address); err == nil {
		return ascii
	}
	return address
}

// isHostName reports a host name in ASCII, in any case.
func isHostName(s string) bool {
	ascii, err := hostName(s)
	return err == nil && strings.EqualFold(ascii, s)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Check returns what is wrong with the configuration, each mistake on a line that begins with its key.
func (c Config) Check() error {
	return errors.Join(c.checkServer(), c.checkLogin(), c.checkSender(), c.checkBounds(), c.Bounces.Check())
}

func (c Config) checkServer() error {
	var errs []error
	if c.Host == "" || strings.ContainsAny(c.Host, " /@\r\n\t") {
		errs = append(errs, fmt.Errorf("host: %q is not the name or address of a mail server", c.Host))
	}
	if c.Port < 0 || c.Port > 65535 {
		errs = append(errs, fmt.Errorf("port: %d is not in 1 to 65535", c.Port))
	}
	switch c.TLS {
	case "", TLSStart, TLSImplicit, TLSOpportunistic, TLSNone:
	default:
		errs = append(errs, fmt.Errorf("tls: %q is none of starttls, implicit, opportunistic, none", c.TLS))
	}
	if c.Helo != "" && !isHostName(c.Helo) {
		errs = append(errs, fmt.Errorf("helo: %q is not a host name", c.Helo))
	}
	return errors.Join(errs...)
}

// checkLogin refuses to send a password where anybody on the way could read it.
func (c Config) checkLogin() error {
	if c.Username == "" && c.Password == "" {
		return nil
	}
	if c.Username == "" || c.Password == "" {
		return errors.New("username, password: one is given without the other")
	}
	if (c.TLS == TLSNone || c.TLS == TLSOpportunistic) && !isLoopback(c.Host) {
		return fmt.Errorf("tls: %s would send the password unprotected; use starttls or implicit", c.TLS)
	}
	return nil
}

func (c Config) checkSender() error {
	var errs []error
	if _, err := CheckAddress(c.From); err != nil {
		errs = append(errs, fmt.Errorf("from: %w", err))
	}
	if c.EnvelopeFrom != "" {
		if _, err := CheckAddress(c.EnvelopeFrom); err != nil {
			errs = append(errs, fmt.Errorf("envelope_from: %w", err))
		}
	}
	if c.ListDomain != "" && (!isHostName(c.ListDomain) || len(c.ListDomain) > 150) {
		errs = append(errs, fmt.Errorf("list_domain: %q is not a domain name of up to 150 characters", c.ListDomain))
	}
	if c.RelationDomain != "" && (!isHostName(c.RelationDomain) || len(c.RelationDomain) > 150) {
		errs = append(errs, fmt.Errorf("relation_domain: %q is not a domain name of up to 150 characters", c.RelationDomain))
	}
	if c.SubjectPrefix != headerValue(c.SubjectPrefix, 40) {
		errs = append(errs, fmt.Errorf("subject_prefix: %q is not one line of up to 40 characters", c.SubjectPrefix))
	}
	if c.FromName != headerValue(c.FromName, 80) {
		errs = append(errs, fmt.Errorf("from_name: %q is not one line of up to 80 characters", c.FromName))
	}
	return errors.Join(errs...)
}

func (c Config) checkBounds() error {
	var errs []error
	for _, d := range []struct {
		key   string
		value time.Duration
	}{{"timeout", c.Timeout}, {"idle", c.Idle}} {
		if d.value != 0 && (d.value < time.Second || d.value > 10*time.Minute) {
			errs = append(errs, fmt.Errorf("%s: %v is not in 1s to 10m", d.key, d.value))
		}
	}
	if c.Connections < 0 || c.Connections > 100 {
		errs = append(errs, fmt.Errorf("connections: %d is not in 1 to 100", c.Connections))
	}
	if c.PerConnection < 0 {
		errs = append(errs, fmt.Errorf("per_connection: %d is negative", c.PerConnection))
	}
	if c.MaxBytes != 0 && (c.MaxBytes < minBytes || c.MaxBytes > 50<<20) {
		errs = append(errs, fmt.Errorf("max_bytes: %d is not in %d to %d", c.MaxBytes, minBytes, 50<<20))
	}
	return errors.Join(errs...)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
