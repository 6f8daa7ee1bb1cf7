package ldap

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Settings are how to reach a server, and what to read there.
type Settings struct {
	URL      string `yaml:"url"`
	StartTLS bool   `yaml:"start_tls"`
	CAFile   string `yaml:"ca_file"`
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file" secret:"false"`
	BindDN   string `yaml:"bind_dn"`
	Password string `yaml:"password" secret:"true"`

	People People `yaml:"people"`
	Groups Groups `yaml:"groups"`

	Every    time.Duration `yaml:"every"`
	Timeout  time.Duration `yaml:"timeout"`
	PageSize uint32        `yaml:"page_size"`
	MaxBytes int64         `yaml:"max_bytes"`
	Shrink   float64       `yaml:"shrink"`
}

// A Search is where entries are looked for.
type Search struct {
	Base   string `yaml:"base"`
	Scope  string `yaml:"scope"` // sub or one
	Filter string `yaml:"filter"`
}

// People are the entries of people, and the attributes that tell of them.
type People struct {
	Search   `yaml:",inline"`
	Name     string            `yaml:"name"`
	Mail     []string          `yaml:"mail"`
	Nick     []string          `yaml:"nick"`
	Servers  map[string]string `yaml:"servers"` // of nicks that name none, by protocol
	Private  string            `yaml:"private"`
	MemberOf string            `yaml:"member_of"`
}

// Groups are the entries of groups. A member is a distinguished name, of a person or of a group; a UID is the bare name
// of a person.
type Groups struct {
	Search  `yaml:",inline"`
	Name    string   `yaml:"name"`
	Member  []string `yaml:"member"`
	UID     []string `yaml:"uid"`
	AnyCase bool     `yaml:"any_case"`
	Nested  bool     `yaml:"nested"`
}

// SetDefaults sets what the configuration leaves out.
func (s *Settings) SetDefaults() {
	for _, d := range []struct {
		key       *string
		otherwise string
	}{
		{&s.People.Scope, "sub"}, {&s.Groups.Scope, "sub"}, {&s.People.Name, "uid"}, {&s.Groups.Name, "cn"},
		{&s.People.Filter, "(objectClass=person)"},
		{&s.Groups.Filter, "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)" +
			"(objectClass=group))"},
	} {
		if *d.key == "" {
			*d.key = d.otherwise
		}
	}
	if s.People.Mail == nil {
		s.People.Mail = []string{"mail"}
	}
	if s.Groups.Member == nil {
		s.Groups.Member = []string{"member", "uniqueMember"}
	}
	if s.Groups.UID == nil {
		s.Groups.UID = []string{"memberUid"}
	}
	if s.Every == 0 {
		s.Every = 15 * time.Minute
	}
	if s.Timeout == 0 {
		s.Timeout = time.Minute
	}
	if s.PageSize == 0 {
		s.PageSize = 500
	}
	if s.MaxBytes == 0 {
		s.MaxBytes = 256 << 20
	}
	if s.Shrink == 0 {
		s.Shrink = 0.7
	}
}

// check returns what is wrong, behind the key that it is wrong with.
func (s *Settings) check() error {
	where, err := url.Parse(s.URL)
	if err != nil && strings.HasPrefix(s.URL, "ldapi://") { // its path is percent-encoded in the place of the host
		return errors.New("url: ldapi:///path/of/the/socket was expected")
	}
	switch {
	case err != nil:
		return fmt.Errorf("url: %w", err)
	case where.Scheme != "ldapi" && (ports[where.Scheme] == "" || where.Hostname() == ""):
		return errors.New("url: ldaps://host, ldap://host or ldapi:///path was expected")
	case where.User != nil || where.RawQuery != "":
		return errors.New("url: a host and nothing else was expected; the login is bind_dn and password")
	case s.StartTLS && where.Scheme != "ldap":
		return errors.New("start_tls: it goes with a url of ldap://, and this one is " + where.Scheme)
	case s.BindDN == "" && s.Password != "":
		return errors.New("bind_dn: is missing, and there is a password")
	case s.BindDN != "" && s.Password == "": // RFC 4513, 5.1.2: servers take it for a login of nobody
		return errors.New("password: is missing, and there is a bind_dn")
	case s.Password != "" && where.Scheme == "ldap" && !s.StartTLS && !local(where.Hostname()):
		return errors.New("start_tls: true or a url of ldaps:// was expected: the password would be sent in clear")
	case s.People.Base == "":
		return errors.New("people.base: is missing, such as ou=people,dc=example,dc=org")
	case s.Every < time.Second || s.Timeout <= 0 || s.PageSize == 0 || s.MaxBytes <= 0:
		return errors.New("every, timeout, page_size, max_bytes: more than nothing was expected; every: a second or more")
	case s.Shrink < 0 || s.Shrink > 1:
		return errors.New("shrink: a share between 0 and 1 was expected")
	}
	for _, q := range []struct {
		key string
		Search
	}{{"people", s.People.Search}, {"groups", s.Groups.Search}} {
		if err := q.check(); err != nil {
			return fmt.Errorf("%s.%w", q.key, err)
		}
	}
	return nil
}

func (q Search) check() error {
	if q.Base != "" {
		if _, err := ldap.ParseDN(q.Base); err != nil {
			return fmt.Errorf("base: %q is no distinguished name: %w", q.Base, err)
		}
	}
	if q.Scope != "sub" && q.Scope != "one" {
		return fmt.Errorf("scope: sub or one was expected, not %q", q.Scope)
	}
	if _, err := ldap.CompileFilter(q.Filter); err != nil {
		return fmt.Errorf("filter: %q is none: %w", q.Filter, err)
	}
	return nil
}

// local reports whether a host is this machine.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
