package rules

import (
	"encoding/binary"

	"github.com/notifyd/notifyd/rules/literals"
	"github.com/notifyd/notifyd/rules/postings"
	"github.com/notifyd/notifyd/rulespec"
)

// A matchState is what one look at an event works with. It decides every predicate once.
type matchState struct {
	rulespec.Subject
	account
	view       *view
	event      uint32           // number of the event, so that nothing needs clearing
	marks      []uint32         // by predicate: number of the event, texts that it was touched in, and in the lowest bits a state
	residuals  []uint32         // by residual: the same
	hold       []uint32         // predicates that hold
	unknown    []uint32         // predicates of which some name could not be tried
	candidates []candidate      // predicates that must be asked if anybody wants to know
	deferred   []uint32         // of candidates: those that may cost much
	occurrence candidate        // the candidate that is being verified
	values     []string         // of a field
	singles    []uint32         // residuals that ask for one term, which holds
	probes     []probe          // the terms that the event may have
	cursors    []cursor         // what stands at what holds
	texts      [maxTexts]string // those that are searched
	folded     [maxTexts][]byte // the same after rulespec.Fold
	ascii      [maxTexts]bool   // whether a place in one is the same in the other
	// grams is of what is folded.
	grams [maxTexts]literals.Bloom
	name  []byte
	tries []uint32 // by predicate: the last name that it was tried on
	tried uint32
}

// A candidate is a predicate that must be asked, and of a search through texts the first of its literals that was found:
// in which text, where, and how long it is; size 0: there is none.
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
	maxTexts  = 4                    // bounds rulespec.Texts
	repeatBit = stateBits + maxTexts // more than one of its literals was found, or one more than once
	markBits  = repeatBit + 1
)

// begin makes s ready for an event.
func (s *matchState) begin(v *view, subject rulespec.Subject) {
	s.Subject, s.view = subject, v
	if s.event++; s.event == 1<<(32-markBits) {
		clear(s.marks)
		clear(s.residuals)
		s.event = 1
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
	s.hold, s.unknown, s.candidates = s.hold[:0], s.unknown[:0], s.candidates[:0]
	steps := v.programs.limits.Load().Steps
	s.account = account{machine: steps, regexp: steps, costly: s.costly[:0]}
}

// end lets go of the event.
func (s *matchState) end() {
	s.Subject, s.view = rulespec.Subject{}, nil
	clear(s.texts[:])
	clear(s.values[:cap(s.values)])
	clear(s.probes)
	clear(s.cursors)
}

func (s *matchState) mark(id uint32) state {
	m := s.marks[id]
	if m>>markBits != s.event {
		return undecided
	}
	return state(m & (1<<stateBits - 1))
}

func (s *matchState) set(id uint32, to state) { s.marks[id] = s.event<<markBits | uint32(to) }

// hit notes that a text has a literal at a place.
func (s *matchState) found(e *literals.Entry, text, at int) {
	id := e.ID
	if int(id) >= len(s.view.preds) { // younger than the view
		return
	}
	m := s.marks[id]
	switch {
	case m>>markBits != s.event:
		to := unverified
		if e.Plain {
			s.hold, to = append(s.hold, id), holds
		} else {
			s.candidates = append(s.candidates, candidate{id: id, at: uint32(at), size: uint16(e.Len()), text: uint8(text)})
		}
		s.marks[id] = s.event<<markBits | 1<<(stateBits+text) | uint32(to)
	case state(m&(1<<stateBits-1)) != holds:
		s.marks[id] = m | 1<<(stateBits+text) | 1<<repeatBit
	}
}

// isASCII says whether all characters of a text, which is padded, are of ASCII.
func isASCII(text []byte) bool {
	all := uint64(0)
	for i := 0; i < len(text); i += 8 {
		all |= binary.LittleEndian.Uint64(text[i : i+literals.Padding : i+literals.Padding])
	}
	return all&0x8080808080808080 == 0
}

// touched gives the texts that have a literal of the predicate, a bit each.
func (s *matchState) touched(id uint32) uint8 {
	return uint8(s.marks[id] >> stateBits & (1<<maxTexts - 1))
}

// note notes what has been found out of a predicate, once.
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
		s.hold = append(s.hold, id)
	case unknown:
		s.unknown = append(s.unknown, id)
	case unverified:
		s.candidates = append(s.candidates, candidate{id: id})
	}
}

// state says whether a predicate holds, and asks it if need be.
func (s *matchState) state(id uint32) state { return s.decide(id, byAny) }

// decide is state by certain means; a search by machine may stay unverified.
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
		to = s.matches(id, false, by)
	case p.form == formUnindexed:
		to = s.matches(id, true, by)
	default: // it is listed, and nothing has led to it
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
