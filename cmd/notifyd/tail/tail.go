// Package tail picks messages of the bus and prints them: what `notifyd tail` does between the socket and the terminal.
//
// A [Stream] joins what was sent with what comes. A [Printer] is one form of output. A [Pattern] picks by topic.
// Nothing that a sender has put into a message can steer the terminal: each form is ASCII only, or goes through
// [Visible].
//
//	print := tail.ReallyPretty(true)
//	if wanted, _ := tail.ParsePattern(`\.git\.`); wanted.Match(m.Topic) {
//		err = print(os.Stdout, m)
//	}
package tail

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"

	"github.com/notifyd/notifyd/bus"
)

// A Printer writes one message with one Write, so that each line is printed as soon as the message arrives.
type Printer func(w io.Writer, m *bus.Message) error

// A Pattern picks topics: a regular expression that is searched for.
type Pattern struct {
	re      *regexp.Regexp
	without bool // picks the topics in which re is not found
}

// lookAhead is the form in which Python's expressions say "without this"; RE2 has none. `^((?!_heartbeat).)*$` is
// fedmsg-tail's own default.
var lookAhead = regexp.MustCompile(`^\^(?:\((?:\?:)?\(\?!(.+)\)\.\)\*|\(\?!\.\*(.+)\)(?:\.\*)?)\$?$`)

// ParsePattern reads an expression in RE2 syntax, or one that is nothing but a negative look-ahead over the whole
// topic.
func ParsePattern(text string) (Pattern, error) {
	if m := lookAhead.FindStringSubmatch(text); m != nil {
		if re, err := regexp.Compile(m[1] + m[2]); err == nil {
			return Pattern{re, true}, nil
		}
	}
	re, err := regexp.Compile(text)
	return Pattern{re: re}, err
}

// Match reports whether the pattern picks a topic.
func (p Pattern) Match(topic string) bool { return p.re.MatchString(topic) != p.without }

// Visible replaces what could steer a terminal or turn the direction of its text: it writes every control and format
// character but the newline as its \u escape, which is valid in JSON and harmless elsewhere.
func Visible(text string) string {
	if !strings.ContainsFunc(text, Hidden) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if !Hidden(r) {
			b.WriteRune(r)
		} else if r <= 0xFFFF {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// Hidden reports whether Visible replaces a character.
func Hidden(r rune) bool {
	return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}
