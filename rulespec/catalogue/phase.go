package catalogue

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A Phase says where the thing that an event is about stands after it: the first of its objects. Most events say
// nothing about that.
type Phase string

// The phases. What has started will finish or be solved; what was solved may be reopened.
const (
	PhaseStarted  Phase = "started"  // a build, a test, a meeting has begun
	PhaseFinished Phase = "finished" // it has ended, well or not
	PhaseSolved   Phase = "solved"   // nothing is left to do: closed, merged, stable, obsolete, recovered
	PhaseReopened Phase = "reopened" // there is something to do again
)

// Phases lists all of them.
var Phases = []Phase{PhaseStarted, PhaseFinished, PhaseSolved, PhaseReopened}

// noPhase is what an entry says whose kind reads as if it had a phase.
const noPhase = "none"

// ParsePhase reads a phase, in any case; the word none is the empty one.
func ParsePhase(s string) (Phase, error) {
	word := Phase(strings.ToLower(strings.TrimSpace(s)))
	if word == noPhase {
		return "", nil
	}
	if !slices.Contains(Phases, word) {
		return "", fmt.Errorf("unknown phase %q: want started, finished, solved, reopened or none", s)
	}
	return word, nil
}

// Phase gives where the thing stands after the event; computed once, on the first call.
func (e *Event) Phase() Phase { return e.phase.get() }

// SetPhase is SetProse for the phase.
func (e *Event) SetPhase(p Phase) { e.phase.of = func() Phase { return p } }

// phase compiles what an entry says of its phase: one of the words, an expression, or nothing. Then its application
// says it, and where that does not, the words of the kind.
func (c *compiler) phase(e *entry, s *entrySource, names map[string]bool) {
	given, own := s.values["phase"]
	if !own {
		e.constantPhase = Phase(convention.PhaseOf(strings.Split(e.kind, ".")))
		given = e.app.defaults["phase"]
	}
	if len(given) == 0 {
		return
	}
	if word, err := ParsePhase(given[0].text); err == nil {
		e.constantPhase = word
		return
	}
	e.phase = c.expression("phase", given[0], names)
}

// phaseOf gives the phase of a message. It has a scope of its own, so that what was computed before, and how much that
// took, changes nothing.
func (c *Catalogue) phaseOf(e *entry, s *scope) Phase {
	if e.phase == nil {
		return e.constantPhase
	}
	phase, err := ParsePhase(values.Text(c.scope(e, s.source, s.topic).eval(e.phase)))
	if err != nil {
		return e.constantPhase
	}
	return phase
}
