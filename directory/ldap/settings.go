package ldap

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/fetch"
)

// Config is the section directory.ldap: sources by name.
type Config map[string]Settings

// Settings are how to reach a server, and what to read there.
type Settings struct {
	URL      string    `yaml:"url"`
	StartTLS bool      `yaml:"start_tls"`
	TLS      fetch.TLS `yaml:"tls"`
	BindDN   string    `yaml:"bind_dn"`
	Password string    `yaml:"password" secret:"true"`

	People People `yaml:"people"`
	Groups Groups `yaml:"groups"`

	Every    time.Duration `yaml:"every"`
	Within   time.Duration `yaml:"within"`    // how long one fetch may take, with all its pages
	PageSize int           `yaml:"page_size"` // entries
	MaxBytes int64         `yaml:"max_bytes"` // of all answers of a fetch
	AtLeast  int           `yaml:"at_least"`  // percent of the last good value
}

// People are the entries of people, and the attributes that tell of them.
type People struct {
	Base     string            `yaml:"base"`
	Scope    string            `yaml:"scope"` // sub or one
	Filter   string            `yaml:"filter"`
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
	Base    string   `yaml:"base"` // "": groups are not read
	Scope   string   `yaml:"scope"`
	Filter  string   `yaml:"filter"`
	Name    string   `yaml:"name"`
	Member  []string `yaml:"member"`
	UID     []string `yaml:"uid"`
	AnyCase bool     `yaml:"any_case"` // of UID
	Direct  bool     `yaml:"direct"`   // groups in groups are left out
}

// everyGroup is a filter for the kinds of groups that servers have.
const everyGroup = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)" +
	"(objectClass=group))"

func (s Settings) pace() directory.Pace {
	return directory.Pace{Every: s.Every, Within: s.Within, AtLeast: s.AtLeast}
}

// SetDefaults fills in what is not set.
func (c *Config) SetDefaults() {
	for name, s := range *c {
		s.Every = cmp.Or(s.Every, 15*time.Minute)
		s.Within = cmp.Or(s.Within, time.Minute)
		s.PageSize = cmp.Or(s.PageSize, 500)
		s.MaxBytes = cmp.Or(s.MaxBytes, 256<<20)
		s.AtLeast = cmp.Or(s.AtLeast, 70)
		p, g := &s.People, &s.Groups
		p.Scope, g.Scope = cmp.Or(p.Scope, "sub"), cmp.Or(g.Scope, "sub")
		p.Name, g.Name = cmp.Or(p.Name, "uid"), cmp.Or(g.Name, "cn")
		p.Filter, g.Filter = cmp.Or(p.Filter, "(objectClass=person)"), cmp.Or(g.Filter, everyGroup)
		if p.Mail == nil {
			p.Mail = []string{"mail"}
		}
		if g.Member == nil {
			g.Member = []string{"member", "uniqueMember"}
		}
		if g.UID == nil {
			g.UID = []string{"memberUid"}
		}
		(*c)[name] = s
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
	case s.PageSize < 1 || s.PageSize > 100_000:
		return fmt.Errorf("page_size: %d; between 1 and 100000 was expected", s.PageSize)
	case s.MaxBytes < 1<<10 || s.MaxBytes > 2<<30:
		return fmt.Errorf("max_bytes: %d; between 1 KiB and 2 GiB was expected", s.MaxBytes)
	}
	if err := s.pace().Check(time.Second, time.Hour); err != nil {
		return err
	}
	for protocol := range s.People.Servers {
		if protocol != directory.IRC && protocol != directory.Matrix {
			return fmt.Errorf("people.servers: %q; irc or matrix was expected", protocol)
		}
	}
	if err := s.People.where().check(); err != nil {
		return fmt.Errorf("people.%w", err)
	}
	if err := s.Groups.where().check(); err != nil {
		return fmt.Errorf("groups.%w", err)
	}
	return nil
}

// local reports whether a host is this machine.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
