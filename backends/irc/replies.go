package irc

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ergochat/irc-go/ircevent"
	"github.com/ergochat/irc-go/ircmsg"

	"github.com/notifyd/notifyd/backends"
)

// maxReplies bounds what is kept of the answer to one command.
const maxReplies = 64

// replyNumerics are the numerics about a command of ours that name its target: all errors but those about our own nick,
// and what WHOIS says. Sources: RFC 2812 section 5, modern.ircdocs.horse, and the servers' own; doc/irc.md has a table.
var replyNumerics = func() []string {
	all := []string{"301", "307", "311", "312", "313", "318", "330", "707", "716"}
	for n := 401; n < 600; n++ {
		if n < 431 || n > 438 {
			all = append(all, strconv.Itoa(n))
		}
	}
	return slices.DeleteFunc(all, func(n string) bool { return slices.Contains(bareNumerics, n) })
}()

// bareNumerics are those that name no target: try again, no recipient, no text, line too long, who is there. The
// replies to the library's own attempts to get the nick back are not among them: they are about no line of ours.
var bareNumerics = []string{"263", "303", "411", "412", "413", "414", "417", "461"}

var (
	errOffline = errors.New("the nick is not online")
	errLost    = errors.New("the connection ended before the server had acknowledged the line")
	errSilent  = errors.New("the server did not acknowledge the line in time")
	errBusy    = errors.New("the server still owes the acknowledgement of earlier lines")
)

// How long a notice waits, where the server does not say.
const (
	awayFor   = 10 * time.Minute // who is watched for is sent to at once
	slowerFor = time.Minute
	barredFor = 6 * time.Hour // each try disturbs the person
)

// refusal gives why the server did not take a PRIVMSG, from its replies; nil for silence, an echo, ACK or "away". What
// is sure to end by itself is a backends.Wait. The server's own words stay out of the error: they can name the person.
func refusal(replies []ircmsg.Message) error {
	for _, m := range replies {
		switch m.Command {
		case "401", "402", "403", "406":
			return &backends.Wait{For: awayFor, Hold: backends.HeldAway, Err: errOffline}
		case "407", "429", "439", "480", "490", "707", "263":
			return slower(m)
		case "716":
			return &backends.Wait{For: barredFor, Hold: backends.HeldBarred,
				Err: errors.New("the person takes no message from this account until it is allowed there (716)")}
		case "404", "408", "492":
			return fmt.Errorf("the server refused the line (%s): it passes this text on to nobody there", m.Command)
		case "477", "486", "489", "493", "520", "531":
			return fmt.Errorf("the person takes no message from this account (%s)", m.Command)
		case "494":
			return errors.New("notifyd's own modes keep it from speaking to the person (494)")
		case "465":
			return fmt.Errorf("%w: notifyd is banned (465)", backends.ErrUnavailable)
		case "NOTICE":
			if err := refusedByNotice(m); err != nil {
				return err
			}
		case "FAIL": // IRCv3 standard replies, here only in a labelled response
			return errors.New("the server refused the line (FAIL)")
		}
		if len(m.Command) == 3 && (m.Command[0] == '4' || m.Command[0] == '5') {
			return fmt.Errorf("the server refused the line (%s)", m.Command)
		}
	}
	return nil
}

// slower is a refusal that ends by itself, after as many seconds as the server says.
func slower(m ircmsg.Message) error {
	return &backends.Wait{For: waitIn(m), Hold: backends.HeldInTurn,
		Err: fmt.Errorf("the server wants slower sending (%s)", m.Command)}
}

var inSeconds = regexp.MustCompile(`\b(\d{1,4})\s*s(ec|\b)`)

// waitIn reads how long a server wants us to wait: "Please wait 13 seconds".
func waitIn(m ircmsg.Message) time.Duration {
	if len(m.Params) > 0 {
		if found := inSeconds.FindStringSubmatch(m.Params[len(m.Params)-1]); found != nil {
			seconds, _ := strconv.Atoi(found[1])
			return time.Duration(min(max(seconds, 1), 3600)) * time.Second
		}
	}
	return slowerFor
}

// What servers say in a NOTICE where they have no number for it, in lower case. Their words can be configured and are
// translated, so this is the last resort.
var (
	throttles = regexp.MustCompile(`throttl|flood|too fast|slow down|too many|target change`)
	silences  = regexp.MustCompile(`blocked from issuing|squelched|shunned`)
	refuses   = regexp.MustCompile(`not accept|cannot|can't|not delivered|not sent|blocked|discarded|dropped|refused`)
)

// refusedByNotice reads a server's NOTICE that came while a line was under way, and names its target or us.
func refusedByNotice(m ircmsg.Message) error {
	if len(m.Params) < 2 || strings.Contains(m.Source, "!") { // a person, or our own line
		return nil
	}
	switch text := strings.ToLower(m.Params[len(m.Params)-1]); {
	case silences.MatchString(text):
		return fmt.Errorf("%w: the server passes nothing of notifyd's on", backends.ErrUnavailable)
	case throttles.MatchString(text):
		return slower(m)
	case refuses.MatchString(text):
		return errors.New("the person takes no message from this account (a notice of the server)")
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

// isAbout reports whether a numeric is about the target of a command. ngIRCd leaves our own nick out of 407; it and
// bahamut leave out the target of a few: those are about the line under way. A NOTICE names its target in the text.
func isAbout(target string, m ircmsg.Message) bool {
	if m.Command == "NOTICE" {
		return len(m.Params) > 1 && !strings.Contains(m.Source, "!") && names(m.Params[1], target)
	}
	if len(m.Params) == 0 {
		return false
	}
	return slices.ContainsFunc(m.Params[:len(m.Params)-1], func(p string) bool { return sameNick(p, target) })
}

// isBare reports whether a numeric that names its target on most servers does not here.
func isBare(m ircmsg.Message) bool {
	return len(m.Params) == 2 && slices.Contains([]string{"480", "486", "487", "490", "492", "493", "494"}, m.Command)
}

// names reports whether a nick is a word of a server's text, or the text is about all that we say.
func names(text, nick string) bool {
	if silences.MatchString(strings.ToLower(text)) {
		return true
	}
	return slices.ContainsFunc(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == ':' }),
		func(word string) bool { return sameNick(strings.Trim(word, "."), nick) })
}
