package email

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
)

// What a mail takes from a notice: anybody may have published it.

const (
	maxSubject  = 150 // characters: more than a list of mails shows, and far below what a header may have
	maxName     = 80
	maxSentence = 300
	maxLink     = 900 // bytes: a link must stay on one line of a header or a text (RFC 5322: 998 octets)
)

// cleanLine makes one line of s, at most n characters. What is far beyond the end is not looked at.
func cleanLine(s string, n int) string {
	return text.ElideRunes(text.OneLine(text.CutBytes(s, 16*n)), n)
}

// title is the notice's title or what comes nearest to one.
func title(n backends.Notice) string {
	first, _, _ := strings.Cut(strings.TrimLeft(text.CutBytes(n.Text, 4096), " \r\n"), "\n")
	for _, s := range []string{n.Title, first} {
		if s = cleanLine(s, maxSubject); s != "" {
			return s
		}
	}
	for _, s := range []string{n.KindName, n.Kind, n.Topic} {
		if s = cleanLine(s, maxSubject); s != "" {
			return n.Shown(s)
		}
	}
	return "Notice"
}

// groupTitle is the sentence about a group, or the title of its first notice.
func groupTitle(g backends.Group) string {
	if len(g.Notices) > 1 {
		if s := cleanLine(g.Title, maxSentence); s != "" {
			return s
		}
	}
	return title(g.Notices[0])
}

// about names what the notice is about: its first package or object, else its application or kind.
func about(n backends.Notice) string {
	for _, values := range [][]string{n.Packages, n.Objects, {n.App}, {n.KindName}} {
		if len(values) > 0 {
			if s := cleanLine(values[0], maxName); s != "" {
				return n.Shown(s)
			}
		}
	}
	return "other"
}

// body is the notice's text, at most limit bytes of it, without a first line that only repeats the title, or the title
// behind its "[package] ".
func body(n backends.Notice, title string, limit int) (shown string, cut bool) {
	raw := n.Text
	if len(raw) > limit {
		raw, cut = text.CutBytes(raw, limit), true
		if i := strings.LastIndexByte(raw, ' '); i > limit*3/4 {
			raw = raw[:i]
		}
	}
	shown = strings.TrimSpace(text.Clean(raw))
	first, rest, _ := strings.Cut(shown, "\n")
	if first == title || first != "" && strings.HasSuffix(title, "] "+first) {
		shown = strings.Trim(rest, "\n")
	}
	return shown, cut
}

// filterNames are the filters that matched, for their line in a digest: at most five.
func filterNames(ns ...backends.Notice) string {
	var names []string
	for _, n := range ns {
		for _, w := range n.Why {
			name := cleanLine(w.Filter, maxName)
			if slices.Contains(names, name) {
				continue
			}
			if len(names) == 5 {
				return strings.Join(names, ", ") + ", …"
			}
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

var severities = []string{"debug", "info", "warning", "error", "critical"}

const (
	info    = 1 // in severities
	warning = 2
)

// severity is the place of a notice's severity in severities; what is not known is info.
func severity(n backends.Notice) int {
	if at := slices.Index(severities, n.Severity); at >= 0 {
		return at
	}
	return info
}

// severityWord is the severity as it is shown: from warning on.
func severityWord(n backends.Notice) string {
	if at := severity(n); at >= warning {
		return severities[at]
	}
	return ""
}

// worst is the notice of the highest severity, the first of equals; one that is not marked, where there is any.
func worst(ns []backends.Notice) backends.Notice {
	return slices.MaxFunc(ns, func(a, b backends.Notice) int {
		return cmp.Or(cmp.Compare(proved(a), proved(b)), cmp.Compare(severity(a), severity(b)))
	})
}

// proved is 0 for a marked notice, 1 for others.
func proved(n backends.Notice) int {
	if n.Standing != "" {
		return 0
	}
	return 1
}

// safeLink returns an absolute http or https URL in ASCII, or "".
func safeLink(s string) string {
	if len(s) > maxLink || strings.ContainsFunc(s, unicode.IsControl) {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	s = escapeLink(u.String())
	if len(s) > maxLink {
		return ""
	}
	return s
}

// escapeLink escapes what URL.String leaves as it was in a query or host: spaces, angle brackets, quotes, non-ASCII.
func escapeLink(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("<>\"'`\\^{|}", c) >= 0 {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
