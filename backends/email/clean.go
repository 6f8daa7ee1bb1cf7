package email

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining marks may follow each other; more is vandalism, in any script.
const maxMarks = 6

// cleanText makes text of what anybody may have published: valid UTF-8, \n as the only line end, no control
// characters, no bidirectional overrides (which make text read otherwise than it is), no towers of marks.
func cleanText(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\r\n", "\n")
	var b strings.Builder
	b.Grow(len(s))
	marks := 0
	for _, r := range s {
		if unicode.Is(unicode.M, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == '\r', r == '\v', r == '\f', r == '\u0085', r == '\u2028', r == '\u2029':
			b.WriteByte('\n')
		case r == '\n', r == '\t':
			b.WriteRune(r)
		case unicode.IsControl(r), isOverride(r), marks > maxMarks:
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isOverride: embeddings, overrides and isolates (Unicode Standard Annex 9), the byte-order mark, interlinear notes.
func isOverride(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff || r >= 0xfff9 && r <= 0xfffb
}

// cleanLine makes one line of text, at most n characters.
func cleanLine(s string, n int) string {
	s = firstBytes(s, 16*n) // what is far beyond the end need not be looked at
	return clip(strings.Join(strings.Fields(cleanText(s)), " "), n)
}

// headerValue makes the value of a header: one line of at most n characters, in which a mail program finds nothing to
// decode but what we encode: "=?" begins an encoded word (RFC 2047).
func headerValue(s string, n int) string {
	return clip(strings.ReplaceAll(cleanLine(s, n), "=?", "= ?"), n)
}

// firstBytes gives at most n bytes of s, and no half character.
func firstBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// clip shortens s to n characters, the last of which is then an ellipsis.
func clip(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	runes := 0
	for i := range s {
		if runes == n-1 {
			return strings.TrimRight(s[:i], " ") + "…"
		}
		runes++
	}
	return s
}

// maxLink keeps a link on one line of a header or a text (RFC 5322: 998 octets).
const maxLink = 900

// safeLink gives an absolute http or https URL in ASCII, or "".
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
