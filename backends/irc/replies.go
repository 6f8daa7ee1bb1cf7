package irc

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ergochat/irc-go/ircevent"
	"github.com/ergochat/irc-go/ircmsg"
)

// maxReplies bounds what is kept of the answer to one command.
const maxReplies = 64

// replyNumerics are the numerics about a command of ours whose second parameter is the target of that command. Sources:
// RFC 2812 section 5, modern.ircdocs.horse, and the servers that invented the others: 477, 486, 531 (registered nicks only),
// 492 (no CTCP), 707, 439 (too many targets in a short time), 716 (accepts only friends).
var replyNumerics = []string{
	"301", "307", "311", "318", "330", "401", "402", "403", "404", "406", "407", "415", "439", "477", "486", "492", "531", "707", "716",
}

// bareNumerics are those that name no target: try again, no recipient, no text, line too long. The replies to the library's own
// attempts to get the nick back are not among them: they are about no line of ours.
var bareNumerics = []string{"263", "411", "412", "417"}

var (
	errOffline = errors.New("the nick is not online")
	errLost    = errors.New("the connection ended before the server had acknowledged the line")
	errSilent  = errors.New("the server did not acknowledge the line in time")
	errBusy    = errors.New("the server still owes the acknowledgement of earlier lines")
)

// verdict says from the server's replies to one PRIVMSG whether it was taken: nil for silence, an echo, ACK or "away".
// The server's own words stay out of the error: they can name the person.
func verdict(replies []ircmsg.Message) error {
	for _, m := range replies {
		switch m.Command {
		case "401", "406":
			return errOffline
		case "477", "486", "531", "716":
			return fmt.Errorf("the person takes no message from this account (%s)", m.Command)
		case "439", "707", "263":
			return fmt.Errorf("the server wants slower sending (%s)", m.Command)
		case "FAIL": // IRCv3 standard replies, here only in a labelled response
			return errors.New("the server refused the line (FAIL)")
		}
		if len(m.Command) == 3 && (m.Command[0] == '4' || m.Command[0] == '5') {
			return fmt.Errorf("the server refused the line (%s)", m.Command)
		}
	}
	return nil
}

// flatten lists the messages of a labelled response, which are nested in batches.
func flatten(b *ircevent.Batch) []ircmsg.Message {
	if b == nil {
		return nil
	}
	todo, list := []*ircevent.Batch{b}, []ircmsg.Message{}
	for len(todo) > 0 && len(list) < maxReplies {
		b, todo = todo[0], todo[1:]
		if b.Command == "BATCH" {
			todo = append(todo, b.Items...)
		} else {
			list = append(list, b.Message)
		}
	}
	return list
}

// accountOf reads a WHOIS: online, and whether the server vouches that the person is logged in as the owner of the nick,
// by RPL_WHOISACCOUNT (330: nick, account) with an account of the same name or by RPL_WHOISREGNICK (307).
func accountOf(nick string, replies []ircmsg.Message) (online, owner bool) {
	for _, m := range replies {
		if len(m.Params) < 2 || !sameNick(m.Params[1], nick) {
			continue
		}
		switch m.Command {
		case "311":
			online = true
		case "307":
			owner = true
		case "330":
			owner = owner || len(m.Params) > 2 && sameNick(m.Params[2], nick)
		}
	}
	return online, owner
}

// isAbout reports whether a numeric is about the target of a command.
func isAbout(target string, m ircmsg.Message) bool {
	return len(m.Params) > 1 && sameNick(m.Params[1], target)
}

// A mask is how the server shows us to others: it stands before each of our lines and takes room there.
type mask struct{ nick, user, host string }

// lineBytes is the size of a line with CR LF that every server passes on; RFC 2812 allows 512.
const lineBytes = 510

// room is how many bytes of text fit in a PRIVMSG to target. What the server has not told yet is taken as long as it can be.
func (m mask) room(target string) int {
	user, host := len(m.user), len(m.host)
	if m.host == "" {
		user, host = 11, 64
	}
	return lineBytes - len(":!@ PRIVMSG  :\r\n") - len(m.nick) - user - host - len(target)
}

// maskOf reads nick!user@host.
func maskOf(source string) (mask, bool) {
	nuh, err := ircmsg.ParseNUH(source)
	if err != nil || nuh.User == "" || nuh.Host == "" || strings.ContainsAny(nuh.Name, " ") {
		return mask{}, false
	}
	return mask{nick: nuh.Name, user: nuh.User, host: nuh.Host}, true
}
