// Package retention says how long which messages are kept: a list of rules, of which the first that fits a message
// decides. What no rule fits is kept as the history as a whole is.
//
// A rule fits by the source of a message, by its kind in the catalogue, by its topic, or by several of these, which all
// must hold. Kinds and topics are given as patterns of words, as in a binding of an AMQP topic exchange (AMQP 0-9-1,
// section 3.1.3.3): * is any one word, # any number of words, also none.
//
//   - {kind: "bodhi.update.#", keep: 8760h}: updates are kept for a year, whatever holds for the others.
//   - {source: copr, kind: "#.unknown", keep: 24h, keep_bytes: 100MB}: of one source, what the catalogue does not know.
//
// Everything here is pure; the history deletes (history.Keep).
package retention

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Rule says how long the messages that it fits are kept. At least one of Source, Kind and Topic is given, and one of
// Keep and Bytes.
type Rule struct {
	Source string        // the name of a source; "": any
	Kind   string        // a pattern of kinds; "": any
	Topic  string        // a pattern of topics; "": any
	Keep   time.Duration // since reception; 0: as long as what no rule fits
	Bytes  int64         // of all messages that the rule decides of; 0: no bound of its own
}

// String gives what a rule fits, as it names the rule in metrics and tables: source=copr kind=#.unknown.
func (r Rule) String() string {
	var parts []string
	for _, part := range []struct{ key, value string }{{"source", r.Source}, {"kind", r.Kind}, {"topic", r.Topic}} {
		if part.value != "" {
			parts = append(parts, part.key+"="+part.value)
		}
	}
	return strings.Join(parts, " ")
}

// Rules are a list of rules that was checked. nil is an empty list. It never changes.
type Rules struct{ list []compiled }

type compiled struct {
	Rule
	kind, topic pattern // nil: any
}

// MaxRules bounds a list: each message that is looked at is compared with each rule.
const MaxRules = 100

// minKeep is what a rule keeps at least.
const (
	minKeep  = time.Hour
	minBytes = 1 << 20
)

// New checks rules. Its errors begin with the place: [2].keep: ...
func New(list []Rule) (*Rules, error) {
	if len(list) > MaxRules {
		return nil, fmt.Errorf("%d rules; at most %d are taken", len(list), MaxRules)
	}
	rules := &Rules{}
	var errs []error
	for i, r := range list {
		c, err := compile(r)
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				errs = append(errs, fmt.Errorf("[%d]%s", i, strings.TrimSuffix(line, "\n")))
			}
		}
		rules.list = append(rules.list, c)
	}
	return rules, errors.Join(errs...)
}

func compile(r Rule) (compiled, error) {
	c := compiled{Rule: r}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	var err error
	if c.kind, err = parse(r.Kind); err != nil {
		bad(".kind: %w", err)
	}
	if c.topic, err = parse(r.Topic); err != nil {
		bad(".topic: %w", err)
	}
	if r.Source == "" && r.Kind == "" && r.Topic == "" {
		bad(": fits nothing in particular; expected source, kind or topic")
	}
	switch {
	case r.Keep == 0 && r.Bytes == 0:
		bad(": bounds nothing; expected keep or keep_bytes")
	case r.Keep != 0 && r.Keep < minKeep:
		bad(".keep: %s; expected at least %s", r.Keep, "1h")
	case r.Bytes != 0 && r.Bytes < minBytes:
		bad(".keep_bytes: %d; expected at least %d", r.Bytes, minBytes)
	}
	return c, errors.Join(errs...)
}

// Len is the number of rules.
func (s *Rules) Len() int {
	if s == nil {
		return 0
	}
	return len(s.list)
}

// At gives a rule of the list.
func (s *Rules) At(i int) Rule { return s.list[i].Rule }

// Which gives the place in the list of the rule that decides of a message; -1: none does.
func (s *Rules) Which(source, kind, topic string) int {
	if s == nil {
		return -1
	}
	for i, r := range s.list {
		if (r.Source == "" || r.Source == source) && (r.kind == nil || r.kind.matches(kind)) &&
			(r.topic == nil || r.topic.matches(topic)) {
			return i
		}
	}
	return -1
}

// MatchesKind and MatchesTopic report whether a rule can fit a message of that kind, of that topic.
func (s *Rules) MatchesKind(i int, kind string) bool { return s.list[i].kind.matches(kind) }

// MatchesTopic is as MatchesKind.
func (s *Rules) MatchesTopic(i int, topic string) bool { return s.list[i].topic.matches(topic) }
