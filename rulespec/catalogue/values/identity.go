package values

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// An identity is all that a value calls one person.
type identity struct {
	logins    []string // nicks, logins, account names
	names     []string // full names
	addresses []string
	urls      []string
	group     bool // it is an organisation or a team
	bot       bool // it is a program, and its forge says so
}

func (w *identity) empty() bool {
	return len(w.logins)+len(w.names)+len(w.addresses)+len(w.urls) == 0
}

// maxPerson bounds a text that names somebody, in bytes.
const maxPerson = 1024

// maxFirst is among how many elements of a list the first that names somebody is looked for.
const maxFirst = 20

// isWord reports whether a text is one plain word, as nearly all names of accounts are.
func isWord(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_':
		case (c == '-' || c == '.') && i > 0 && i < len(s)-1:
		default:
			return false
		}
	}
	return s != "" && len(s) <= MaxName && !strings.Contains(s, ".id.")
}

// identify reads whom a value means.
func identify(v any) identity {
	var who identity
	who.read(v, maxWithin)
	return who
}

func (w *identity) read(v any, within int) {
	if within < 0 {
		return
	}
	switch v := v.(type) {
	case string:
		w.text(v, within)
	case []any:
		for _, x := range v[:min(len(v), maxFirst)] {
			if w.read(x, within-1); !w.empty() {
				return
			}
		}
	case map[string]any:
		w.object(v, within)
	}
}

// text reads a text: a nick, a full name, an address with or without a name, an OpenID, the name of an entry in LDAP.
func (w *identity) text(s string, within int) {
	if s = strings.TrimSpace(s); len(s) > maxPerson || IsPlaceholder(s) || IsUnnamed(s) {
		return
	}
	if isWord(s) {
		w.login(s)
		return
	}
	if inner, is := nested(s); is {
		w.read(inner, within-1)
		return
	}
	if bare, in := strings.CutPrefix(s, "<"); in && strings.HasSuffix(bare, ">") {
		s = strings.TrimSuffix(bare, ">")
	}
	s = strings.TrimPrefix(strings.TrimPrefix(s, "mailto:"), "acct:")
	switch {
	case strings.Contains(s, "://"), strings.Contains(s, ".id."):
		w.url(s)
	case w.entry(s):
	case strings.Contains(s, "@"):
		w.address(s)
	default:
		if domain, name, is := strings.Cut(s, `\`); is && !strings.ContainsAny(domain, " /") { // Active Directory
			s = name
		}
		nick, inner, named := strings.Cut(s, " (") // bob (Bob B)
		switch {
		case named && isWord(nick) && strings.Contains(inner, " ") && strings.HasSuffix(inner, ")"):
			w.login(nick)
			w.names = append(w.names, strings.TrimSuffix(inner, ")"))
		case strings.ContainsFunc(s, unicode.IsSpace):
			w.names = append(w.names, s)
		default:
			w.login(s)
		}
	}
}

// login adds a nick. A forge marks its programs in the name.
func (w *identity) login(s string) {
	w.bot = w.bot || strings.HasSuffix(s, "[bot]")
	w.logins = append(w.logins, s)
}

// url reads an OpenID, or the address of somebody's page at a forge.
func (w *identity) url(s string) {
	w.urls = append(w.urls, s)
	if nick := openID(s); nick != "" {
		w.login(nick)
		return
	}
	u, err := url.Parse(s)
	if err != nil {
		return
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	last := parts[len(parts)-1]
	switch {
	case last == "":
	case strings.HasPrefix(last, "~"):
		w.names = append(w.names, last[1:])
	case len(parts) > 1 && slices.Contains([]string{"user", "users", "people", "u", "profile"}, parts[len(parts)-2]):
		w.names = append(w.names, last)
	}
}

// address reads "Bob B <bob@example.org>", a bare address, a principal of Kerberos, a name with a host (nick!user@host
// of IRC, @bob:example.org of Matrix) and that of a group (@cooks), which is no account.
func (w *identity) address(s string) {
	if nick, _, is := strings.Cut(s, "!"); is && isWord(nick) {
		w.login(nick)
		return
	}
	if rest, is := strings.CutPrefix(s, "@"); is {
		if isWord(rest) {
			w.group, w.names = true, append(w.names, s)
		} else if name, _, is := strings.Cut(rest, ":"); is && name != "" {
			w.urls, w.names = append(w.urls, s), append(w.names, name)
		}
		return
	}
	if a := parseAddress(s); a != nil {
		w.addresses = append(w.addresses, a.Address)
		if a.Name != "" && !strings.Contains(a.Name, "@") {
			w.names = append(w.names, a.Name)
		}
		return
	}
	name, rest, is := strings.Cut(s, "<")
	address, _, _ := strings.Cut(rest, ">")
	if !is {
		address = name
	} else if name = strings.Trim(strings.TrimSpace(name), `"`); name != "" {
		w.names = append(w.names, name)
	}
	if address = strings.TrimSpace(address); strings.Contains(address, "@") && !strings.ContainsAny(address, " \t") {
		w.addresses = append(w.addresses, address)
	} else if !is {
		w.names = append(w.names, s)
	}
}

// entry reads the name of an entry in LDAP (uid=bob,cn=users) or of a certificate (/O=Example/CN=Bob B).
func (w *identity) entry(s string) bool {
	first, _, is := strings.Cut(s, "=")
	if !is || strings.ContainsAny(first, " @") {
		return false
	}
	separator := ","
	if strings.HasPrefix(s, "/") {
		separator = "/"
	}
	found := false
	for part := range strings.SplitSeq(strings.ReplaceAll(s, `\,`, "\x00"), separator) {
		key, value, _ := strings.Cut(part, "=")
		value = strings.TrimSpace(strings.ReplaceAll(value, "\x00", ","))
		switch key = strings.ToLower(strings.TrimSpace(key)); {
		case value == "":
		case key == "uid" || key == "krbprincipalname":
			who := identity{}
			if who.text(value, 0); !who.empty() {
				w.logins = append(w.logins, who.logins...)
				w.addresses = append(w.addresses, who.addresses...)
				found = true
			}
		case key == "mail" || key == "email" || key == "emailaddress":
			w.addresses, found = append(w.addresses, value), true
		case key == "cn" && !found: // what stands behind the first is where it lies: cn=users
			w.names, found = append(w.names, value), true
		}
	}
	return found
}
