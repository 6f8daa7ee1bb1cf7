package control

import (
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/text"
)

// An Order is what somebody wants done, as understood.
type Order struct {
	Word   string        // one of words
	N      int           // of the notice that it is about, or how many; 0: not said
	What   string        // of a mute: "thread", "package", "kind", "person", "filter", "app"; "": not said
	Name   string        // which one of these; "": the notice says it
	For    time.Duration // how long; 0: not said
	Until  time.Time     // until when; zero: not said
	Solved bool          // until it is solved
	All    bool          // all of them
	Off    bool          // "off"
	Now    bool          // "now"
	Errors bool          // of a mute: errors are silenced too
	At     string        // of a digest: a time of day, "07:00"
}

// A Mistake is what was not understood, for who said it.
type Mistake struct {
	Problem string
	Help    string // what would be understood
}

// Error returns the lines in one.
func (m *Mistake) Error() string { return strings.Join(m.Lines(), " ") }

// Lines are the answer.
func (m *Mistake) Lines() []string {
	if m.Help == "" {
		return []string{m.Problem}
	}
	return []string{m.Problem, m.Help}
}

// usage says for each word what it understands.
var usage = map[string]string{
	"help":    "Say: help",
	"why":     "Say: why, or why 3 for the third newest notice.",
	"mute":    "Say: mute [thread|package|kind|person|filter|app] [2h|3 days|1w|until monday|until solved]",
	"unmute":  "Say: unmute for the newest mute, unmute all, or unmute and what it is of.",
	"stop":    "Say: stop",
	"digest":  "Say: digest 07:00, digest 4h, digest off, or digest now.",
	"pause":   "Say: pause, pause 3 days, or pause until monday.",
	"resume":  "Say: resume",
	"filters": "Say: filters",
	"last":    "Say: last, or last 10.",
	"status":  "Say: status",
}

// also are other words for the same.
var also = map[string]string{
	"?": "help", "hilfe": "help", "commands": "help", "unsubscribe": "stop", "silence": "mute", "snooze": "mute",
	"unsnooze": "unmute", "continue": "resume", "unpause": "resume", "filter": "filters", "list": "filters",
	"mutes": "status", "recent": "last", "start": "resume",
}

// The bounds on what is read.
const (
	maxText  = 4 << 10 // bytes
	maxLines = 200
	maxWords = 16
	maxName  = 200 // bytes
	maxN     = 50
)

// Parse reads what somebody has said, by the clock in their zone. What is quoted, and a signature, is left out. The
// error is a *Mistake.
func Parse(said string, now time.Time, zone *time.Location) (Order, error) {
	list := wordsOf(said)
	if len(list) == 0 {
		return Order{}, &Mistake{Problem: "There is nothing to do.", Help: "Say help for what I understand."}
	}
	word := strings.ToLower(strings.Trim(list[0], "/!.,;:"))
	if list[0] == "?" {
		word = "?"
	}
	if other := also[word]; other != "" {
		word = other
	}
	if usage[word] == "" {
		return Order{}, &Mistake{Problem: "I do not understand " + quote(list[0]) + ".",
			Help: "I understand help, why, mute, unmute, stop, digest, pause, resume, filters, last and status."}
	}
	p := parser{order: Order{Word: word}, rest: list[1:], now: now, zone: zone}
	if err := p.parse(); err != nil {
		return Order{}, err
	}
	return p.order, nil
}

// wordsOf gives the words of the first line that is the speaker's own.
func wordsOf(said string) []string {
	said = text.CutBytes(text.Storable(said), maxText)
	lines := strings.FieldsFunc(said, func(r rune) bool { return r == '\n' || r == '\r' })
	for _, line := range lines[:min(len(lines), maxLines)] {
		if strings.TrimRight(line, " ") == "--" {
			return nil // the signature
		}
		if strings.HasPrefix(strings.TrimSpace(line), ">") || strings.HasPrefix(strings.TrimSpace(line), "|") {
			continue
		}
		list := strings.Fields(text.OneLine(line))
		if len(list) > 1 && isAddressed(list[0]) {
			list = list[1:] // "notifyd: stop"
		}
		if len(list) > 0 {
			return trimmed(list[:min(len(list), maxWords)])
		}
	}
	return nil
}

// isAddressed reports whether a word calls somebody, as on IRC.
func isAddressed(word string) bool {
	name, is := strings.CutSuffix(word, ":")
	if !is {
		name, is = strings.CutSuffix(word, ",")
	}
	return is && usage[strings.ToLower(name)] == "" && name != ""
}

// trimmed takes quotes from the words, and what ends a sentence from the last.
func trimmed(list []string) []string {
	var kept []string
	for i, w := range list {
		w = strings.Trim(w, "\"'`“”«»<>[]()")
		if i == len(list)-1 && w != "?" {
			w = strings.TrimRight(w, ".!?,;")
		}
		if w != "" {
			kept = append(kept, w)
		}
	}
	return kept
}

// quote shows what somebody said, cut.
func quote(word string) string { return strconv.Quote(text.ElideRunes(text.OneLine(word), 40)) }

// A parser reads what follows a word.
type parser struct {
	order Order
	rest  []string
	now   time.Time
	zone  *time.Location
}

func (p *parser) parse() error {
	for len(p.rest) > 0 {
		before := len(p.rest)
		if err := p.next(strings.ToLower(p.rest[0])); err != nil {
			return err
		}
		if len(p.rest) == before {
			return p.mistake("I do not understand " + quote(p.rest[0]) + " after " + p.order.Word + ".")
		}
	}
	return p.check()
}

func (p *parser) mistake(problem string) error {
	return &Mistake{Problem: problem, Help: usage[p.order.Word]}
}

// next reads the next part, and takes it from rest; it takes nothing that it does not understand.
func (p *parser) next(word string) error {
	switch p.order.Word {
	case "mute":
		return p.mute(word)
	case "unmute":
		return p.unmute(word)
	case "pause":
		return p.when(word)
	case "digest":
		return p.digest(word)
	case "why", "last":
		return p.number(word)
	}
	if word == "please" || word == "all" || word == "it" || word == "now" || p.order.Word == "stop" {
		p.rest = p.rest[1:] // "stop all", "stop sending me these"
	}
	return nil
}

// number reads which notice, or how many: "3" or "#3".
func (p *parser) number(word string) error {
	n, err := strconv.Atoi(strings.TrimPrefix(word, "#"))
	if err != nil || p.order.N != 0 {
		return nil
	}
	if n < 1 || n > maxN {
		return p.mistake("There is a number from 1 to " + strconv.Itoa(maxN) + " to say, not " + quote(word) + ".")
	}
	p.order.N, p.rest = n, p.rest[1:]
	return nil
}

// check refuses what does not go together.
func (p *parser) check() error {
	o := p.order
	switch {
	case o.Word != "mute" || o.For == 0 && o.Until.IsZero():
		return nil
	case o.For != 0 && (o.For < minMute || o.For > maxMute), !o.Until.IsZero() && o.Until.Sub(p.now) > maxMute:
		return p.mistake("A mute lasts from an hour to a year.")
	}
	return nil
}
