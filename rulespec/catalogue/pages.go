package catalogue

import (
	"net/url"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A page leads from the address of a page for people to the key of the object that it shows, as Event.Objects has it:
//
//	https://bodhi.fedoraproject.org/updates/{alias}: update/{alias}
//
// {name} stands for one part of the path, or of the host; {number} for one of digits; {name...} for several parts of
// the path. Parameters of the query must be there, in any order; others do not count, nor does what stands behind #.
type page struct {
	host, path []string
	query      map[string]string // parameter to {name}
	key        string
}

// maxPage bounds an address that somebody pastes, in bytes.
const maxPage = 2048

// ObjectsOf gives the keys of the object that a page shows, sorted; none where no application of the catalogue has such
// pages. There are several where two applications have pages of the same form.
func (c *Catalogue) ObjectsOf(address string) []string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || len(address) > maxPage || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil
	}
	var named, anywhere []string
	for _, a := range c.apps {
		for i := range a.pages {
			key, ok := a.pages[i].match(u)
			switch {
			case !ok || gapped(key):
			case captures(a.pages[i].host[0]):
				anywhere = append(anywhere, key)
			default:
				named = append(named, key)
			}
		}
	}
	if len(named) > 0 {
		return values.Set(named)
	}
	return values.Set(anywhere)
}

func captures(part string) bool { return strings.HasPrefix(part, "{") }

// match gives the key for an address that has the page's form.
func (p *page) match(u *url.URL) (key string, ok bool) {
	found := map[string]string{}
	if !matchParts(found, p.host, []string{strings.ToLower(u.Host)}) ||
		!matchParts(found, p.path, strings.Split(strings.Trim(u.EscapedPath(), "/"), "/")) {
		return "", false
	}
	for parameter, name := range p.query {
		if found[name] = u.Query().Get(parameter); !fits(name, found[name]) {
			return "", false
		}
	}
	key = p.key
	for name, value := range found {
		key = strings.ReplaceAll(key, name, value)
	}
	return key, true
}

// matchParts puts into found what the captures of a pattern stand for.
func matchParts(found map[string]string, pattern, parts []string) bool {
	for i, want := range pattern {
		switch {
		case strings.HasSuffix(want, "...}"):
			n := len(parts) - (len(pattern) - i - 1)
			if n < i+1 {
				return false
			}
			found[want] = unescaped(strings.Join(parts[i:n], "/"))
			return matchParts(found, pattern[i+1:], parts[n:])
		case i >= len(parts):
			return false
		case captures(want):
			if found[want] = unescaped(parts[i]); !fits(want, found[want]) {
				return false
			}
		case want != parts[i]:
			return false
		}
	}
	return len(parts) == len(pattern)
}

// fits reports whether a text can stand for a name.
func fits(name, value string) bool {
	return value != "" && (name != "{number}" || strings.Trim(value, "0123456789") == "")
}

func unescaped(s string) string {
	control := func(r rune) bool { return r < ' ' }
	if plain, err := url.PathUnescape(s); err == nil && !strings.ContainsFunc(plain, control) {
		return plain
	}
	return ""
}

// pages compiles the key pages of an application.
func (c *compiler) pages(sources []named) []page {
	var out []page
	for _, s := range sources {
		rest, ok := strings.CutPrefix(s.name, "https://")
		address, query, _ := strings.Cut(rest, "?")
		host, path, _ := strings.Cut(address, "/")
		if !ok || host == "" || path == "" && query == "" {
			c.fail(s.value.at, "pages: want an address such as https://bugs.example.org/{number}, not %q", s.name)
			continue
		}
		p := page{host: []string{host}, path: strings.Split(strings.Trim(path, "/"), "/"), query: map[string]string{},
			key: s.value.text}
		for _, parameter := range strings.Split(query, "&") {
			if name, value, ok := strings.Cut(parameter, "="); ok {
				p.query[name] = value
			}
		}
		c.checkPage(&p, s)
		out = append(out, p)
	}
	return out
}

// checkPage finds names in the key that the address does not have.
func (c *compiler) checkPage(p *page, s named) {
	known := slices.Concat(p.host, p.path)
	for _, name := range p.query {
		known = append(known, name)
	}
	for rest := p.key; ; {
		_, after, found := strings.Cut(rest, "{")
		if !found {
			return
		}
		name, after, _ := strings.Cut(after, "}")
		if !slices.Contains(known, "{"+name+"}") {
			c.fail(s.value.at, "pages: the address has no {%s}", name)
		}
		rest = after
	}
}
