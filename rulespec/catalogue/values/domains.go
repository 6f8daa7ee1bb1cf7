package values

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"
)

// WithoutDomains gives a text whose mail addresses have lost their domain: "from bob@example.org" is "from bob", and
// "Bob B <bob@example.org>" is "Bob B". Only what ends in a domain that can be bought is an address, so that
// getty@tty1.service stays; what stands in a URL or names a place for git or ssh stays too.
func WithoutDomains(s string) string {
	if strings.IndexByte(s, '@') < 0 && !strings.Contains(s, "%40") {
		return s
	}
	out := make([]byte, 0, len(s))
	for s != "" {
		end := strings.IndexFunc(s, unicode.IsSpace)
		if end == 0 {
			_, n := utf8.DecodeRuneInString(s)
			out = append(out, s[:n]...)
			s = s[n:]
			continue
		}
		if end < 0 {
			end = len(s)
		}
		out = appendWord(out, s[:end])
		s = s[end:]
	}
	return strings.TrimRight(string(out), " ")
}

// appendWord appends a word without the domains of its addresses. A URL in it loses who is to log in with which
// password.
func appendWord(out []byte, word string) []byte {
	for {
		before, rest, isURL := strings.Cut(word, "://")
		start := len(before)
		for start > 0 && isScheme(before[start-1]) {
			start--
		}
		if !isURL || start == len(before) {
			return appendAddresses(out, word)
		}
		out = appendAddresses(out, before[:start])
		end := strings.IndexAny(rest, "<>\"|,;")
		if end < 0 {
			end = len(rest)
		}
		out = append(append(out, before[start:]...), "://"...)
		out = append(out, withoutLogin(before[start:], rest[:end])...)
		word = rest[end:]
	}
}

// isScheme reports a letter of the scheme of a URL.
func isScheme(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+'
}

// withoutLogin gives what follows :// in a URL without user and password. For git and ssh the user is a part of the
// place.
func withoutLogin(scheme, rest string) string {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 || strings.HasSuffix(scheme, "ssh") && !strings.Contains(rest[:at], ":") {
		return rest
	}
	return rest[at+1:]
}

// appendAddresses appends a word that is no URL without the domains of the addresses in it.
func appendAddresses(out []byte, word string) []byte {
	word = strings.ReplaceAll(word, "%40", "@")
	if strings.IndexByte(word, '@') < 0 {
		return append(out, word...)
	}
	done := 0
	for at := 0; at < len(word); at++ {
		if word[at] != '@' {
			continue
		}
		start, end := at, at+1
		for start > done && isLocal(word[start-1]) {
			start--
		}
		for end < len(word) && isHost(word[end]) {
			end++
		}
		for end > at+1 && (word[end-1] == '.' || word[end-1] == '-') {
			end--
		}
		adjoins := start == at && at > 0 && (done == at || strings.IndexByte("\")]}>@", word[at-1]) >= 0)
		if start == at && !adjoins || !isDomain(word[at+1:end]) || isPlace(word[end:]) {
			continue
		}
		out, end = appendAddress(out, word, done, start, at, end)
		done, at = end, end-1
	}
	return append(out, word[done:]...)
}

// appendAddress appends word from done to the address that begins at start, without its domain, and gives where the
// word goes on.
func appendAddress(out []byte, word string, done, start, at, end int) ([]byte, int) {
	before, local := strings.TrimSuffix(word[done:start], "mailto:"), word[start:at]
	bare, opened := strings.CutSuffix(before, "<")
	switch {
	case !opened || end == len(word) || word[end] != '>':
		return append(append(out, before...), local...), end
	case bare == "" && isNamed(out, local):
		return bytes.TrimRight(out, " "), end + 1
	default:
		return append(append(out, bare...), local...), end + 1
	}
}

// isNamed reports whether a text ends with the name of the person whose address has that local part.
func isNamed(text []byte, local string) bool {
	text = bytes.TrimRight(text, " ")
	last := string(text[bytes.LastIndexByte(text, ' ')+1:])
	r, _ := utf8.DecodeRuneInString(strings.TrimLeft(last, `"'(`))
	return last != "" && (unicode.IsUpper(r) || r >= 0x2e80 || strings.HasSuffix(last, `"`) ||
		strings.EqualFold(last, local))
}

func isLocal(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		strings.IndexByte("._%+-=&~#!$'*/?^", c) >= 0 || c >= utf8.RuneSelf
}

func isHost(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' ||
		c >= utf8.RuneSelf
}

// isPlace reports whether what follows a domain makes it a place for git or ssh: git@example.org:acme/tool.
func isPlace(rest string) bool {
	return len(rest) > 1 && rest[0] == ':' && isLocal(rest[1]) && strings.Contains(rest, "/")
}

// isDomain reports whether a name is a domain as people have: below one that a registry sells.
func isDomain(name string) bool {
	if len(name) > 253 || strings.IndexByte(name, '.') <= 0 {
		return false
	}
	name = strings.ToLower(name)
	if last := name[strings.LastIndexByte(name, '.')+1:]; last != "" && last[0] >= utf8.RuneSelf {
		return true // in letters of its country
	}
	suffix, icann := publicsuffix.PublicSuffix(name)
	return suffix != name && (icann || strings.Contains(suffix, "."))
}
