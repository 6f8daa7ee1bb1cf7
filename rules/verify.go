package rules

import (
	"bytes"
	"slices"

	"github.com/notifyd/notifyd/rules/automaton"
	"github.com/notifyd/notifyd/rules/literals"
	"github.com/notifyd/notifyd/rulespec"
)

// Means are how it is found out whether an expression matches.
type means uint8

const (
	byAny     means = iota // the machine, or else regexp
	byMachine              // unverified, where the machine has no room
	byRegexp               // the machine had no room
)

// matches says whether a search matches one of the texts that it looks at and that have a literal of it; of a loose search, all
// of them. When the message has cost too much, it is unknown.
func (s *matchState) matches(id uint32, loose bool, by means) state {
	number := s.view.preds[id].at
	p := &s.view.searches[number]
	texts := p.texts
	if !loose {
		texts &= s.touched(id)
	}
	answer := fails
	for i := range rulespec.Texts {
		if texts&(1<<i) == 0 {
			continue
		}
		if s.machine <= 0 {
			s.skipped++
			return unknown
		}
		if !s.hasOthers(p, i) {
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

// hasOthers says whether a text, which has one literal of the set that the index knows, has one of each other set too.
func (s *matchState) hasOthers(p *searched, text int) bool {
	in := &s.grams[text]
	before := in.Steps
	lacks := slices.ContainsFunc(p.others, func(set []string) bool {
		return !slices.ContainsFunc(set, func(l string) bool { return in.Contains(s.folded[text], l) })
	})
	s.machine -= in.Steps - before
	return !lacks
}

func (s *matchState) matchesText(id, number uint32, text int, by means) state {
	programs := s.view.programs
	if programs.isRefused(id) {
		return unknown
	}
	p, compiled, err := programs.of(number, s.view.searches[number].expression)
	if err != nil {
		return unknown
	}
	if compiled {
		s.machine -= compileSteps * int64(p.insts)
	}
	if by != byRegexp && p.machine != nil && p.full.Load() < fullOften {
		run := p.machine.Run()
		to := s.runMachine(p, &run, text)
		s.machine -= run.Steps
		if programs.measure(p); to != automaton.TooManyStates {
			return stateOf(to == automaton.Match, nil)
		}
		p.full.Add(1)
	}
	if by == byMachine {
		return unverified
	}
	return s.matchesRegexp(id, p, text)
}

// matchesRegexp asks regexp, which may read each byte once for each instruction.
func (s *matchState) matchesRegexp(id uint32, p *program, text int) state {
	steps := int64(p.insts) * int64(len(s.texts[text])+1)
	s.charge(id, steps)
	if s.regexp < steps {
		s.skipped++
		return unknown
	}
	s.regexp -= steps
	matches := p.plain().MatchString(s.texts[text])
	s.view.programs.measure(p)
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

// maxStarts is how many places are tried one by one before the rest of a text is searched as a whole.
const maxStarts = 16

// runMachine runs a program's machine on a text. Where it is known how matches begin, it begins at these places only.
func (s *matchState) runMachine(p *program, r *automaton.Run, text int) automaton.Result {
	if p.leading == nil || !s.ascii[text] {
		return r.Match(s.texts[text], 0, false)
	}
	folded := s.folded[text]
	if at, only := s.onlyStart(p, text); only {
		return r.Match(s.texts[text], at, true)
	}
	tries := 0
	for _, l := range p.leading {
		for at := 0; ; at++ {
			next := bytes.Index(folded[at:], []byte(l))
			if next < 0 {
				r.Steps += int64(len(folded)-at) / literals.BytesPerStep
				break
			}
			at += next
			r.Steps += int64(next) / literals.BytesPerStep
			tries++
			all := tries > maxStarts || r.Steps > int64(len(folded))
			if to := r.Match(s.texts[text], at, !all); to != automaton.NoMatch {
				return to
			}
			if all {
				break
			}
		}
	}
	return automaton.NoMatch
}

// onlyStart gives the one place of a text where a match may begin, if that is known: where the literal was found that led
// to the search.
func (s *matchState) onlyStart(p *program, text int) (at int, only bool) {
	n := &s.occurrence
	if n.size == 0 || int(n.text) != text || len(p.leading) != 1 {
		return 0, false
	}
	return int(n.at), string(s.folded[text][n.at:n.at+uint32(n.size)]) == p.leading[0]
}
