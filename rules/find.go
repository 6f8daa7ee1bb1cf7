package rules

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Find puts the filters that e matches into r. dir is the directory as it stood when e came, and may be nil: then what
// asks it cannot be evaluated.
func (x *Index) Find(r *Result, e *catalogue.Event, dir rulespec.Directory) {
	s, _ := x.scratch.Get().(*scratch)
	if s == nil {
		s = new(scratch)
	}
	v := x.current.Load()
	s.begin(v, rulespec.Subject{Event: e, Directory: dir})
	s.note(root, holds)
	s.lookUp()
	s.readTexts()
	s.ask()
	r.reset(v)
	r.dead = s.killed(r.dead)
	for _, id := range s.hold {
		if n := v.nodes.at(id); n != nil {
			s.collect(r, n)
		}
	}
	s.end()
	x.scratch.Put(s)
}

// lookUp finds the terms that the event has, the predicates above them, and the searches that its names fit.
func (s *scratch) lookUp() {
	v := s.view
	for i := range rulespec.Fields {
		f := &v.fields[i]
		if !f.terms && f.names == nil {
			continue
		}
		for value := range s.Values(rulespec.Fields[i]) {
			if f.terms {
				s.term(uint8(i), value)
			}
			if f.names != nil {
				r := s.remember(f, value)
				for _, id := range r.hold {
					s.note(id, holds)
				}
				for _, id := range r.untold {
					s.note(id, untold)
				}
			}
		}
	}
}

func (s *scratch) term(field uint8, value string) {
	id, known := s.view.terms.find(s.view, field, value)
	if !known {
		return
	}
	s.note(id, holds)
	for _, above := range s.view.above.at(id) {
		if s.view.preds[above].form == formAny {
			s.note(above, holds)
		} else {
			s.note(above, maybe)
		}
	}
}

// readTexts finds the searches whose literals are in the event's texts.
func (s *scratch) readTexts() {
	g := s.view.texts
	if g == nil {
		return
	}
	for i, name := range rulespec.Texts {
		if s.view.searched&(1<<i) == 0 {
			continue
		}
		s.texts[i] = s.Text(name)
		s.folded[i] = rulespec.Fold(s.folded[i][:0], s.texts[i])
		s.ascii[i] = !strings.ContainsFunc(s.texts[i], func(r rune) bool { return r >= utf8.RuneSelf })
		clear(s.stretches[i][:])
		g.scan(s.folded[i], &s.stretches[i], func(id uint32) {
			if int(id) >= len(s.view.preds) || s.mark(id) == holds {
				return
			}
			p := &s.view.searches[s.view.preds[id].at]
			switch {
			case p.texts&(1<<i) == 0:
			case p.plain:
				s.note(id, holds)
			default:
				s.note(id, maybe)
				s.touch(id, i)
			}
		})
	}
}

// ask asks the predicates that something hangs from.
func (s *scratch) ask() {
	for _, id := range s.maybe {
		if s.view.nodes.at(id) == nil && s.view.kills.at(id) == nil {
			continue
		}
		switch s.state(id) {
		case holds:
			s.hold = append(s.hold, id)
		case untold:
			s.untold = append(s.untold, id)
		}
	}
}

// killed gives, in order, the slots of the filters that have what holds, or what cannot be evaluated, under not.
func (s *scratch) killed(into []uint32) []uint32 {
	into = into[:0]
	lists := 0
	for _, list := range [2][]uint32{s.hold, s.untold} {
		for _, id := range list {
			if k := s.view.kills.at(id).slots(); len(k) > 0 {
				into = append(into, k...)
				lists++
			}
		}
	}
	if lists > 1 {
		slices.Sort(into)
		into = slices.Compact(into)
	}
	return into
}

// collect puts what hangs from a node into r, as far as the signatures hold.
func (s *scratch) collect(r *Result, n *node) {
	for i := 0; i < len(n.flat); i += 2 + int(n.flat[i+1]) {
		if s.signature(n.flat[i]) {
			r.runs = append(r.runs, n.flat[i+2:i+2+int(n.flat[i+1])])
		}
	}
	if n.large == nil {
		return
	}
	for i := range n.large.groups {
		if g := &n.large.groups[i]; s.signature(g.sig) {
			for _, b := range g.blocks {
				r.runs = append(r.runs, b.slots)
			}
		}
	}
}

// signature says whether all literals of a signature hold.
func (s *scratch) signature(number uint32) bool {
	for _, l := range s.view.sigs[number] {
		want := holds
		if l.not() {
			want = fails
		}
		if s.state(l.predicate()) != want {
			return false
		}
	}
	return true
}
