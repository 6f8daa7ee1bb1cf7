package signin

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/prefs/accounts"
)

// Header is the way in of those whom a proxy in front names.
const Header = "proxy"

// HeaderSettings say which headers of a reverse proxy are believed, and how it is known that they are the proxy's.
type HeaderSettings struct {
	User   string `yaml:"user"`   // the header that says who is signed in, such as X-Remote-User; "": none is believed
	Name   string `yaml:"name"`   // the header with the account on the bus; "": the same as user
	Groups string `yaml:"groups"` // the header with the groups, with commas between; "": none
	Time   string `yaml:"auth_time"`
	Title  string `yaml:"title"`  // what people call where they sign in
	Issuer string `yaml:"issuer"` // with the user it is one person, always the same

	SecretHeader string `yaml:"secret_header"` // in which the proxy sends secret
	Secret       string `yaml:"secret" secret:"true"`
	SignInURL    string `yaml:"sign_in_url"`  // of the proxy, to sign in there again
	SignOutURL   string `yaml:"sign_out_url"` // of the proxy
}

// secretLeast is the shortest secret that is taken.
const secretLeast = 16

func (h HeaderSettings) check() error {
	if h.User == "" {
		if h != (HeaderSettings{}) {
			return errors.New("trusted_header.user: is missing; expected the header with the name, such as X-Remote-User")
		}
		return nil
	}
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("trusted_header.%s: %s", key, fmt.Sprintf(format, args...)))
	}
	seen := map[string]string{}
	for _, each := range [][2]string{{"user", h.User}, {"name", h.Name}, {"groups", h.Groups}, {"auth_time", h.Time},
		{"secret_header", h.SecretHeader}} {
		key, name := each[0], each[1]
		if name == "" {
			continue
		}
		if !isHeaderName(name) {
			bad(key, "%q; expected a name of letters, digits and -, such as X-Remote-User", name)
		}
		if other := seen[strings.ToLower(name)]; other != "" {
			bad(key, "%q is that of %s too", name, other)
		}
		seen[strings.ToLower(name)] = key
	}
	if (h.Secret == "") != (h.SecretHeader == "") {
		bad("secret", "secret_header and secret belong together; expected both, or neither where the pages listen on unix:")
	}
	if h.Secret != "" && len(h.Secret) < secretLeast {
		bad("secret", "is shorter than %d characters", secretLeast)
	}
	for key, address := range map[string]string{"sign_in_url": h.SignInURL, "sign_out_url": h.SignOutURL} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" && !strings.HasPrefix(u.Path, "/") ||
			u.Host != "" && u.Scheme != "https" && u.Scheme != "http") {
			bad(key, "%q; expected a URL, or a path on this host", address)
		}
	}
	return errors.Join(errs...)
}

// CheckListen returns why the header cannot be believed with this way of listening, and what to set.
func (h HeaderSettings) CheckListen(listen string, proxies []string) error {
	switch {
	case h.User == "" || strings.HasPrefix(listen, "unix:"):
		return nil
	case len(proxies) == 0:
		return errors.New("trusted_header: whoever reaches the port could name anybody; set web.trusted_proxies to the " +
			"addresses of the proxy, or let web.listen be unix:/path")
	case h.Secret == "":
		return errors.New("trusted_header: every program on the proxy's host could name anybody; set secret_header and " +
			"secret here and in the proxy, or let web.listen be unix:/path")
	}
	return nil
}

func isHeaderName(name string) bool {
	return name != "" && len(name) <= 100 && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

type header struct{ HeaderSettings }

func newHeader(h HeaderSettings) *header {
	h.Title, h.Issuer = cmp.Or(h.Title, "your organisation"), cmp.Or(h.Issuer, "header:"+strings.ToLower(h.User))
	return &header{h}
}

// HasHeader reports whether a proxy may name who is signed in.
func (w *Ways) HasHeader() bool { return w != nil && w.header != nil }

// Proxied reads who the proxy in front says is signed in; ok is false where it says nobody, or it is not the proxy that
// says so. trusted reports whether the TCP peer is one of web.trusted_proxies. An error is a request that no proxy
// should send.
func (w *Ways) Proxied(r *http.Request, trusted func(*http.Request) bool) (id Identity, ok bool, err error) {
	if !w.HasHeader() {
		return Identity{}, false, nil
	}
	h := w.header
	if !overUnix(r) && !trusted(r) {
		return Identity{}, false, nil // what strangers send means nothing
	}
	if name := h.twin(r.Header); name != "" {
		return Identity{}, false, odd("the header " + strconv.Quote(name) + " looks like one that names people")
	}
	if h.Secret != "" {
		sent := r.Header.Values(h.SecretHeader)
		if len(sent) != 1 || !same(digest("proxy", sent[0]), digest("proxy", h.Secret)) {
			return Identity{}, false, w.unproved(r)
		}
	}
	user, err := h.one(r.Header, h.User)
	if err != nil || user == "" {
		return Identity{}, false, err
	}
	user = accounts.Fold(user)
	id.Way, id.Title, id.Issuer, id.Subject, id.Name = Header, h.Title, h.Issuer, user, user
	if h.Name != "" {
		if id.Name, err = h.one(r.Header, h.Name); err != nil {
			return Identity{}, false, err
		}
	}
	if h.Groups != "" {
		if id.Groups, err = h.groups(r.Header); err != nil {
			return Identity{}, false, err
		}
		id.GroupsKnown = true
	}
	if id.AuthTime, err = h.authTime(r.Header); err != nil {
		return Identity{}, false, err
	}
	known := append([]string{id.Subject, id.Name}, id.Groups...)
	id.Session = digest("proxied", strings.Join(known, ","))
	return id, true, nil
}

// Continues reports whether a login is still of whom the proxy names: the same person, with the same groups, who has
// not signed in there anew.
func (w *Ways) Continues(l accounts.Login, id Identity) bool {
	now := w.Now()
	anew := now.Sub(id.AuthTime) < accounts.FreshFor && !id.AuthTime.After(now.Add(freshSlack)) &&
		id.AuthTime.After(l.Fresh.Add(freshSlack))
	return l.ID != 0 && l.Way == Header && l.SID == id.Session && !anew
}

// unproved is a request from a trusted address without the secret. It is an error only where it names somebody: other
// visitors of the proxy may be strangers.
func (w *Ways) unproved(r *http.Request) error {
	if len(r.Header.Values(w.header.User)) == 0 {
		return nil
	}
	return odd("the proxy names somebody without the secret")
}

// odd is a request that the proxy should not have let through.
func odd(why string) error {
	return &Problem{http.StatusForbidden, "The proxy in front of this site passed on a request that cannot be trusted. " +
		"Whoever runs the site finds the reason in the log.", errors.New(why)}
}

// twin finds a header that is one of ours with an underscore: a program behind CGI or WSGI cannot tell them apart, so a
// proxy may let it through from outside.
func (h *header) twin(headers http.Header) string {
	for name := range headers {
		if !strings.Contains(name, "_") {
			continue
		}
		plain := strings.ReplaceAll(name, "_", "-")
		for _, ours := range []string{h.User, h.Name, h.Groups, h.Time, h.SecretHeader} {
			if ours != "" && strings.EqualFold(plain, ours) {
				return name
			}
		}
	}
	return ""
}

// one reads a header that must have one value: a proxy that adds its own to what came from outside makes two.
func (h *header) one(headers http.Header, name string) (string, error) {
	values := headers[textproto.CanonicalMIMEHeaderKey(name)]
	if len(values) > 1 {
		return "", odd("the header " + name + " is there twice")
	}
	if len(values) == 0 || strings.TrimSpace(values[0]) == "" {
		return "", nil
	}
	value := word(values[0])
	if value == "" || strings.ContainsAny(value, ",;\"") {
		return "", odd("the header " + name + " is no single name")
	}
	return value, nil
}

func (h *header) groups(headers http.Header) ([]string, error) {
	values := headers[textproto.CanonicalMIMEHeaderKey(h.Groups)]
	if len(values) > 1 {
		return nil, odd("the header " + h.Groups + " is there twice")
	}
	var list []any
	for _, value := range values {
		for group := range strings.SplitSeq(value, ",") {
			list = append(list, group)
		}
	}
	groups, known := claims{"groups": list}.groups("groups")
	if !known {
		return nil, odd("the header " + h.Groups + " is no list of groups")
	}
	return groups, nil
}

// authTime reads when the person signed in at the proxy, in Unix seconds.
func (h *header) authTime(headers http.Header) (time.Time, error) {
	if h.Time == "" {
		return time.Time{}, nil
	}
	text, err := h.one(headers, h.Time)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds <= 0 {
		return time.Time{}, odd("the header " + h.Time + " is no number of seconds")
	}
	return time.Unix(seconds, 0), nil
}

// overUnix reports whether a request came through a Unix socket, which only the proxy can open.
func overUnix(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && addr.Network() == "unix"
}
