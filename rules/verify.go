package rules

import (
	"bytes"
	"slices"

	"github.com/notifyd/notifyd/rules/automaton"
	"github.com/notifyd/notifyd/rules/literals"
	"github.com/notifyd/notifyd/rules/programs"
	"github.com/notifyd/notifyd/rulespec"
)

// Means are how it is found out whether an expression matches.
type means uint8

const (
	byAny     means = iota // the automaton, or else regexp
	byMachine              // the automaton alone: unverified, where it has no room
	byRegexp               // regexp: the automaton had no room
)

// matches says whether a search matches one of some texts, a bit each. When the message has cost too much, it is
// unknown.
func (s *matchState) matches(id uint32, texts uint8, by means) state {
	number := s.view.preds[id].at
	p := &s.view.searches[number]
	texts &= p.texts
	answer := fails
	for i := range rulespec.Texts {
		if texts&(1<<i) == 0 {
			continue
		}
		if s.machine <= 0 {
			s.skipped++
			return unknown
		}
		if !s.hasOthers(p, &s.texts[i]) {
			continue
		}
		switch to := s.matchesText(id, number, i, by); to {
		case holds, unverified:
			return to
		case unknown:
			answer = unknown
		}
	}
	return answer
}

// hasOthers says whether a text, which has a literal of the set that the index knows, has one of each other set too.
func (s *matchState) hasOthers(p *searched, t *text) bool {
	before := t.grams.Steps
	lacks := slices.ContainsFunc(p.others, func(set []string) bool {
		return !slices.ContainsFunc(set, func(l string) bool { return t.grams.Contains(t.folded, l) })
	})
	s.machine -= t.grams.Steps - before
	return !lacks
}

func (s *matchState) matchesText(id, number uint32, text int, by means) state {
	if s.budget.isRefused(id) {
		return unknown
	}
	p, compiled, err := s.view.programs.Get(number, s.view.searches[number].expression)
	if err != nil {
		return unknown
	}
	if compiled {
		s.machine -= compileSteps * int64(p.Insts)
	}
	if m := p.Machine(); m != nil && by != byRegexp {
		run := m.Run()
		to := s.runMachine(p, &run, text)
		s.machine -= run.Steps
		if s.view.programs.Measure(p); to != automaton.TooManyStates {
			return stateOf(to == automaton.Match, nil)
		}
		p.Full()
	}
	if by == byMachine {
		return unverified
	}
	return s.matchesRegexp(id, p, s.texts[text].text)
}

// matchesRegexp asks regexp, which may read each byte once for each instruction.
func (s *matchState) matchesRegexp(id uint32, p *programs.Program, text string) state {
	steps := int64(p.Insts) * int64(len(text)+1)
	s.charge(id, steps)
	if s.regexp < steps {
		s.skipped++
		return unknown
	}
	s.regexp -= steps
	matches := p.Regexp().MatchString(text)
	s.view.programs.Measure(p)
	return stateOf(matches, nil)
}

// charge notes what a predicate costs, if it is much.
func (s *matchState) charge(id uint32, steps int64) {
	if n := len(s.costly); n > 0 && s.costly[n-1].id == id {
		s.costly[n-1].steps += steps
	} else {
		s.costly = append(s.costly, costly{id, steps})
	}
}

// maxStarts is how many offsets of a text are tried one by one before the rest of it is searched as a whole.
const maxStarts = 16

// runMachine runs a program's automaton on a text. Where it is known how matches begin, it begins at these offsets
// only.
func (s *matchState) runMachine(p *programs.Program, r *automaton.Run, number int) automaton.Result {
	t := &s.texts[number]
	if p.Leading == nil || !t.ascii {
		return r.Match(t.text, 0, false)
	}
	if at, only := s.onlyStart(p, number); only {
		return r.Match(t.text, at, true)
	}
	starts := 0
	for _, l := range p.Leading {
		for at := 0; ; at++ {
			next := bytes.Index(t.folded[at:], []byte(l))
			if next < 0 {
				r.Steps += int64(len(t.folded)-at) / literals.BytesPerStep
				break
			}
			at += next
			r.Steps += int64(next) / literals.BytesPerStep
			starts++
			whole := starts > maxStarts || r.Steps > int64(len(t.folded))
			if to := r.Match(t.text, at, !whole); to != automaton.NoMatch {
				return to
			}
			if whole {
				break
			}
		}
	}
	return automaton.NoMatch
}

// onlyStart gives the one offset of a text where a match may begin, if that is known: where the literal was found that
// led to the search.
func (s *matchState) onlyStart(p *programs.Program, number int) (at int, only bool) {
	o := &s.occurrence
	if o.size == 0 || int(o.text) != number || len(p.Leading) != 1 {
		return 0, false
	}
	return int(o.at), string(s.texts[number].folded[o.at:o.at+uint32(o.size)]) == p.Leading[0]
}
