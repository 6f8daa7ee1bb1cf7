package rules

import (
	"github.com/notifyd/notifyd/rules/postings"
	"github.com/notifyd/notifyd/rulespec"
)

// A matchState is what one match works with. It decides every predicate at most once.
type matchState struct {
	rulespec.Subject
	account
	budget *budget
	view   *view

	number    uint32   // of the match, so that nothing needs clearing
	marks     []uint32 // by predicate: the number of the match that it was decided in, what texts have, and a state
	residuals []uint32 // by residual: the same without texts

	holding    []uint32    // predicates that hold
	unknown    []uint32    // predicates that cannot be evaluated, since a name was not tried
	candidates []candidate // predicates to be verified, if filters are posted under them
	deferred   []uint32    // candidates for which an automaton has no room
	occurrence candidate   // the candidate that is being verified

	values  []string // of a field
	probes  []probe  // the terms that the event may have
	singles []uint32 // residuals that are a single term, which holds
	cursors []cursor // the postings of what holds or is unknown
	texts   [maxTexts]text

	name  []byte   // the folded name that is looked at
	tries []uint32 // by predicate: the last name that it was tried on
	tried uint32   // the number of the name
}

// A candidate is a predicate to be verified, and of a search through texts the first of its literals that was found: in
// which text, at which offset, and how many bytes it has; size 0: there is none.
type candidate struct {
	id, at uint32
	size   uint16
	text   uint8
}

// A state is what is known of a predicate.
type state uint32

const (
	undecided state = iota
	holds
	fails
	unknown    // it cannot be evaluated
	unverified // it must be asked

	stateBits = 3
	maxTexts  = 4                    // bounds rulespec.Texts: a mark has a bit for each that has one of its literals
	repeatBit = stateBits + maxTexts // more than one of its literals was found, or one more than once
	markBits  = repeatBit + 1
)

// begin makes s ready for an event.
func (s *matchState) begin(v *view, subject rulespec.Subject, b *budget) {
	s.Subject, s.view = subject, v
	if s.number++; s.number == 1<<(32-markBits) {
		clear(s.marks)
		clear(s.residuals)
		s.number = 1
	}
	if s.tried > 1<<31 {
		clear(s.tries)
		s.tried = 0
	}
	if n := len(v.preds); len(s.marks) < n {
		s.marks = append(s.marks, make([]uint32, n+n/4-len(s.marks))...)
		s.tries = append(s.tries, make([]uint32, len(s.marks)-len(s.tries))...)
	}
	if n := len(v.residuals) + int(postings.FirstResidual); len(s.residuals) < n {
		s.residuals = append(s.residuals, make([]uint32, n+n/4-len(s.residuals))...)
	}
	s.singles = s.singles[:0]
	s.holding, s.unknown, s.candidates = s.holding[:0], s.unknown[:0], s.candidates[:0]
	s.budget = b
	s.account = account{machine: b.steps.Load(), regexp: b.steps.Load(), costly: s.costly[:0]}
}

// end forgets the event.
func (s *matchState) end() {
	s.Subject, s.view = rulespec.Subject{}, nil
	for i := range s.texts {
		s.texts[i].text = ""
	}
	clear(s.values[:cap(s.values)])
	clear(s.probes)
	clear(s.cursors)
}

// mark gives the state of a predicate, as far as it was found out.
func (s *matchState) mark(id uint32) state {
	m := s.marks[id]
	if m>>markBits != s.number {
		return undecided
	}
	return state(m & (1<<stateBits - 1))
}

func (s *matchState) set(id uint32, to state) { s.marks[id] = s.number<<markBits | uint32(to) }

// assign notes what has been found out of a predicate, once. Unknown may become holds, by another name.
func (s *matchState) assign(id uint32, to state) {
	if int(id) >= len(s.view.preds) { // younger than the view
		return
	}
	if was := s.mark(id); was != undecided && (was != unknown || to != holds) {
		return
	}
	s.set(id, to)
	switch to {
	case holds:
		s.holding = append(s.holding, id)
	case unknown:
		s.unknown = append(s.unknown, id)
	case unverified:
		s.candidates = append(s.candidates, candidate{id: id})
	}
}

// state decides a predicate, and asks it if need be.
func (s *matchState) state(id uint32) state { return s.decide(id, byAny) }

// decide decides a predicate by certain means; a search by automaton may stay unverified.
func (s *matchState) decide(id uint32, by means) state {
	to := s.mark(id)
	if to != undecided && to != unverified {
		return to
	}
	p := s.view.preds[id]
	switch {
	case p.form == formRoot:
		to = holds
	case p.form == formRequirement:
		to = stateOf(s.Has(s.view.requirements[p.at]), nil)
	case p.form == formOpaque || p.form == formChecked && to == unverified:
		to = stateOf(s.view.checks[p.at](&s.Subject))
	case p.form == formSearched && to == unverified:
		to = s.matches(id, s.withLiteral(id), by)
	case p.form == formUnindexed:
		to = s.matches(id, 1<<maxTexts-1, by)
	default: // it is indexed, and nothing has led to it
		to = fails
	}
	if to != unverified {
		s.set(id, to)
	}
	return to
}

func stateOf(ok bool, err error) state {
	switch {
	case err != nil:
		return unknown
	case ok:
		return holds
	}
	return fails
}
