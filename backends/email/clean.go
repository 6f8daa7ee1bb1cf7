package email

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/notifyd/notifyd/internal/text"
)

// cleanLine makes one line of s, at most n characters. What is far beyond the end is not looked at.
func cleanLine(s string, n int) string {
	return text.ElideRunes(text.OneLine(text.CutBytes(s, 16*n)), n)
}

// headerValue makes the value of a header: one line of at most n characters, in which a mail program finds nothing to
// decode but what we encode: "=?" begins an encoded word (RFC 2047).
func headerValue(s string, n int) string {
	return text.ElideRunes(strings.ReplaceAll(cleanLine(s, n), "=?", "= ?"), n)
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
