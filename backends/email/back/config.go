package back

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// Config says where what comes back goes, and how it comes in. It is off without a Domain.
type Config struct {
	Domain   string `yaml:"domain"`   // b.example.org: its mail must lead here; "": nothing comes back
	Local    string `yaml:"local"`    // before each token, such as "notifyd+" at a domain that has other mail too
	Replies  bool   `yaml:"replies"`  // people may answer a notice: "stop", "mute 2d"
	LMTP     string `yaml:"lmtp"`     // where a mail system hands messages over: host:port, or unix:/path
	IMAP     IMAP   `yaml:"imap"`     // a mailbox that is read
	Days     int    `yaml:"days"`     // of nothing but failures, before an address is off; 7
	Failures int    `yaml:"failures"` // mails that must have failed in these days; 5
}

// IMAP is a mailbox that is read. It is off without a Host.
type IMAP struct {
	Host     string        `yaml:"host"`
	Port     int           `yaml:"port"`    // 993; tls starttls, none: 143
	TLS      string        `yaml:"tls"`     // implicit, starttls, none (on this machine alone)
	CAFile   string        `yaml:"ca_file"` // PEM certificates to trust instead of the system's
	Username string        `yaml:"username"`
	Password string        `yaml:"password" secret:"true"` // or password_file
	Folder   string        `yaml:"folder"`                 // INBOX
	Every    time.Duration `yaml:"every"`                  // how often it is read; 1 min
	Delete   bool          `yaml:"delete"`                 // what was taken is deleted, and not only marked as seen
}

// SetDefaults fills in what zero values stand for.
func (c *Config) SetDefaults() {
	setDefault(&c.Days, 7)
	setDefault(&c.Failures, 5)
	setDefault(&c.IMAP.TLS, "implicit")
	if c.IMAP.Port == 0 {
		c.IMAP.Port = map[bool]int{true: 993, false: 143}[c.IMAP.TLS == "implicit"]
	}
	setDefault(&c.IMAP.Folder, "INBOX")
	setDefault(&c.IMAP.Every, time.Minute)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Check returns what is wrong, each mistake on a line that begins with its key.
func (c Config) Check() error {
	var none Config
	none.SetDefaults()
	if c.Domain == "" {
		if c != none && c != (Config{}) {
			return errors.New("bounces.domain: missing, and the rest of the section means nothing without it")
		}
		return nil
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("bounces."+format, args...)) }
	if !domainName.MatchString(c.Domain) || len(c.Domain) > 150 {
		bad("domain: %q is not a domain name of up to 150 characters", c.Domain)
	}
	if !localStart.MatchString(c.Local) {
		bad("local: %q is not up to 24 letters, digits, dots, + and -", c.Local)
	}
	if c.Days < 0 || c.Days > 90 || c.Failures < 0 || c.Failures > 1000 {
		bad("days, failures: %d and %d are not in 1 to 90 and 1 to 1000", c.Days, c.Failures)
	}
	if path, unix := strings.CutPrefix(c.LMTP, "unix:"); unix && (!strings.HasPrefix(path, "/") || len(path) > 100) {
		bad("lmtp: %q is not the absolute path of a socket, of up to 100 bytes", c.LMTP)
	} else if _, _, err := net.SplitHostPort(c.LMTP); c.LMTP != "" && !unix && err != nil {
		bad("lmtp: %q is not host:port or unix:/path", c.LMTP)
	}
	errs = append(errs, c.IMAP.check(none.IMAP))
	return errors.Join(errs...)
}

func (c IMAP) check(none IMAP) error {
	if c.Host == "" {
		if c != none && c != (IMAP{}) {
			return errors.New("bounces.imap.host: missing")
		}
		return nil
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("bounces.imap."+format, args...)) }
	if c.Username == "" || c.Password == "" {
		bad("username, password: missing")
	}
	switch c.TLS {
	case "", "implicit", "starttls":
	case "none":
		if ip, err := netip.ParseAddr(c.Host); c.Host != "localhost" && (err != nil || !ip.IsLoopback()) {
			bad("tls: none would send the password unprotected; use implicit or starttls")
		}
	default:
		bad("tls: %q is none of implicit, starttls, none", c.TLS)
	}
	if c.Port < 0 || c.Port > 65535 {
		bad("port: %d is not in 1 to 65535", c.Port)
	}
	if c.Every != 0 && (c.Every < time.Second || c.Every > 24*time.Hour) {
		bad("every: %v is not in 1s to 24h", c.Every)
	}
	return errors.Join(errs...)
}

var (
	domainName = regexp.MustCompile(`(?i)^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)
	localStart = regexp.MustCompile(`^[A-Za-z0-9.+-]{0,24}$`)
)

// The starts of our addresses, by what they are for.
var starts = map[use]string{forReport: "b-", forReply: "r-", forStop: "stop-"}

const maxLocal = 64 // characters of a local part (RFC 5321, 4.5.3.1.1)

func (c Config) address(u use, token string) string {
	local := c.Local + starts[u] + token
	if c.Domain == "" || token == "" || len(local) > maxLocal {
		return ""
	}
	return local + "@" + c.Domain
}

// Report is the address to which reports about a mail go; "" where they are not wanted.
func (c Config) Report(token string) string { return c.address(forReport, token) }

// Reply is the address at which people may answer; "" where they may not.
func (c Config) Reply(token string) string {
	if !c.Replies {
		return ""
	}
	return c.address(forReply, token)
}

// Stop is the address that does what a stop link does.
func (c Config) Stop(token string) string { return c.address(forStop, token) }

// parse gives what an address is for, and its token, in lower case.
func (c Config) parse(a string) (use, string) {
	a = strings.ToLower(strings.Trim(strings.TrimSpace(a), "<>"))
	local, found := strings.CutSuffix(a, "@"+strings.ToLower(c.Domain))
	local, begins := strings.CutPrefix(local, strings.ToLower(c.Local))
	if c.Domain == "" || !found || !begins {
		return unknown, ""
	}
	for u, start := range starts {
		if token, ok := strings.CutPrefix(local, start); ok && isToken.MatchString(token) {
			return u, token
		}
	}
	return unknown, ""
}

var isToken = regexp.MustCompile(`^[a-z2-7]{20,60}$`)

// maxTokens bounds the tokens that are tried of one message.
const maxTokens = 20

// tokensIn gives the tokens of reports that stand anywhere in a message.
func (c Config) tokensIn(texts ...[]byte) (all []string) {
	shape := regexp.MustCompile(`(?i)` + regexp.QuoteMeta(c.Local) + `b-([a-z2-7]{20,40})@` +
		regexp.QuoteMeta(c.Domain))
	seen := map[string]bool{}
	for _, text := range texts {
		for _, found := range shape.FindAllSubmatch(text, 4*maxTokens) {
			token := strings.ToLower(string(found[1]))
			if !seen[token] && len(all) < maxTokens {
				seen[token] = true
				all = append(all, token)
			}
		}
	}
	return all
}
