package values

import (
	"net/url"
	"strings"
)

// urlKeys are the fields of an object that lead to where links are: {"links": {"html": {"href": …}}}.
var urlKeys = []string{"html", "web", "links", "_links", "run", "page", "self", "meta"}

// URL gives the link to a page for people in a value: in a text the first absolute http or https URL, in an object the
// best by the names of its fields, of a list that of its first element that has one. The address of a programming
// interface is none.
func URL(v any) string { return urlOf(v, maxWithin) }

func urlOf(v any, within int) string {
	if within < 0 {
		return ""
	}
	switch v := v.(type) {
	case string:
		if inner, is := nested(v); is && inner != nil {
			return urlOf(inner, within-1)
		}
		return urlIn(v)
	case []any:
		for _, x := range v[:min(len(v), MaxSet)] {
			if found := urlOf(x, within-1); found != "" {
				return found
			}
		}
	case map[string]any:
		if found, _ := Page(v); found != "" {
			return found
		}
		for _, key := range urlKeys {
			switch v[key].(type) {
			case map[string]any, []any:
				if found := urlOf(v[key], within-1); found != "" {
					return found
				}
			}
		}
	}
	return ""
}

// urlIn gives the first URL in a text, without what encloses it.
func urlIn(s string) string {
	s = s[:min(len(s), MaxText)]
	for {
		start := strings.Index(s, "http")
		if start < 0 {
			return ""
		}
		s = s[start:]
		if !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "https://") {
			s = s[len("http"):]
			continue
		}
		end := strings.IndexAny(s, " \t\r\n<>\"'`")
		if end < 0 {
			end = len(s)
		}
		found := strings.TrimRight(s[:end], ".,;:!?")
		if strings.HasSuffix(found, ")") && !strings.Contains(found, "(") {
			found = strings.TrimRight(found, ").,;:!?")
		}
		if found = Link(found); isPage(found) {
			return found
		}
		s = s[max(end, 1):]
	}
}

// isPage reports whether a link is whole and not one for programs.
func isPage(link string) bool {
	u, err := url.Parse(link)
	return link != "" && err == nil && isWhole(u, link) && !isAPI(u.Hostname(), strings.ToLower(u.Path))
}
