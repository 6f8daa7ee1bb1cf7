package irc

import (
	"errors"
	"fmt"

	"github.com/ergochat/irc-go/ircevent"
	"github.com/ergochat/irc-go/ircmsg"
)

// maxReplies bounds what is kept of the answer to one command.
const maxReplies = 64

// replyNumerics are the numerics about a command of ours whose second parameter is the target of that command. Sources:
// RFC 2812 section 5, modern.ircdocs.horse, and the servers that invented the others: 477, 486, 531 (registered nicks
// only), 492 (no CTCP), 707, 439 (too many targets in a short time), 716 (accepts only friends).
var replyNumerics = []string{
	"301", "307", "311", "312", "313", "318", "330", "401", "402", "403", "404", "406", "407", "415", "439", "477", "486", "492", "531",
	"707", "716",
}

// bareNumerics are those that name no target: try again, no recipient, no text, line too long. The replies to the
// library's own attempts to get the nick back are not among them: they are about no line of ours.
var bareNumerics = []string{"263", "411", "412", "417"}

var (
	errOffline = errors.New("the nick is not online")
	errLost    = errors.New("the connection ended before the server had acknowledged the line")
	errSilent  = errors.New("the server did not acknowledge the line in time")
	errBusy    = errors.New("the server still owes the acknowledgement of earlier lines")
)

// refusal gives why the server did not take a PRIVMSG, from its replies; nil for silence, an echo, ACK or "away". The
// server's own words stay out of the error: they can name the person.
func refusal(replies []ircmsg.Message) error {
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

// isAbout reports whether a numeric is about the target of a command.
func isAbout(target string, m ircmsg.Message) bool {
	return len(m.Params) > 1 && sameNick(m.Params[1], target)
}
