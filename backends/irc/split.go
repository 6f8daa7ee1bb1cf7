package irc

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/ergochat/irc-go/ircmsg"

	"github.com/notifyd/notifyd/internal/text"
)

// unwanted are mIRC's colour (^C and up to two numbers), its hexadecimal sister (^D), and the implicit direction marks,
// which would reach into our own words around a foreign text. The one-byte codes go with the other controls.
var unwanted = regexp.MustCompile(`\x03(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?|\x04(?:[0-9a-fA-F]{6}(?:,[0-9a-fA-F]{6})?)?` +
	`|[\x{061C}\x{200E}\x{200F}]`)

// maxForeign bounds in bytes what one foreign text may cost; far more than is ever sent.
const maxForeign = 8 << 10

// clean makes foreign text fit to stand in a line: one line of valid UTF-8 without formatting codes, without controls
// and without the characters that turn the direction of writing, and with single spaces.
func clean(s string) string {
	return text.OneLine(unwanted.ReplaceAllString(text.CutBytes(s, maxForeign), ""))
}

// split cuts clean text into lines of at most budget bytes, between words where it can, never inside a rune. Only the
// spaces at the cuts are lost. A budget below utf8.UTFMax is taken as that.
func split(s string, budget int) []string {
	budget = max(budget, utf8.UTFMax)
	var lines []string
	for s = strings.Trim(s, " "); len(s) > budget; {
		at := strings.LastIndexByte(s[:budget+1], ' ')
		if at <= 0 {
			at = len(text.CutBytes(s, budget))
		}
		lines = append(lines, strings.TrimRight(s[:at], " "))
		s = strings.TrimLeft(s[at:], " ")
	}
	if s != "" {
		lines = append(lines, s)
	}
	return lines
}

// shorten cuts s to at most size bytes and ends it with an ellipsis if anything was lost; between words when that loses
// little.
func shorten(s string, size int) string {
	if len(s) <= size {
		return s
	}
	if size <= len(text.Ellipsis) {
		return ""
	}
	start := text.CutBytes(s, size-len(text.Ellipsis))
	if space := strings.LastIndexByte(start, ' '); space > len(start)*2/3 {
		start = start[:space]
	}
	return strings.TrimRight(start, " ") + text.Ellipsis
}

// A hostmask is nick!user@host, by which the server shows us to others. It stands before each of our lines and takes
// room there.
type hostmask struct{ nick, user, host string }

// lineBytes is the size of a line with CR LF that every server passes on; RFC 2812 allows 512.
const lineBytes = 510

// room is how many bytes of text fit in a PRIVMSG to target. While the host is not known it is taken for the longest.
func (m hostmask) room(target string) int {
	user, host := len(m.user), len(m.host)
	if m.host == "" {
		user, host = 11, 64
	}
	return lineBytes - len(":!@ PRIVMSG  :\r\n") - len(m.nick) - user - host - len(target)
}

// parseHostmask reads nick!user@host.
func parseHostmask(source string) (hostmask, bool) {
	nuh, err := ircmsg.ParseNUH(source)
	if err != nil || nuh.User == "" || nuh.Host == "" || strings.ContainsAny(nuh.Name, " ") {
		return hostmask{}, false
	}
	return hostmask{nick: nuh.Name, user: nuh.User, host: nuh.Host}, true
}
