package rules

import (
	"bytes"
	"hash/maphash"
	"slices"
	"sync/atomic"

	"github.com/notifyd/notifyd/rules/literals"
	"github.com/notifyd/notifyd/rulespec"
)

// nameSearches is the searches in the names of one field. What they say of a name is remembered: names come again.
type nameSearches struct {
	grams     *literals.Index
	unindexed []uint32 // searches without literals: every new name is tried on them
	seed      maphash.Seed
	memo      *memo
}

// A memo is a table of names of a fixed size: what has no room is forgotten.
type memo struct {
	bytes   atomic.Int64 // of the lists, roughly
	entries []atomic.Pointer[remembered]
}

// A remembered is what the first upto searches of a field's log say of a name.
type remembered struct {
	name          string
	upto          int
	hold, unknown []uint32 // searches that fit; that could not be tried
}

const (
	memoNames = 1 << 15
	memoBytes = 64 << 20
	// memoNew is how many new searches a remembered name is tried on one by one; with more, it is looked at afresh.
	memoNew = 256
)

func newNameSearches() *nameSearches {
	return &nameSearches{seed: maphash.MakeSeed(), memo: newMemo(1 << 8)}
}

func newMemo(size int) *memo { return &memo{entries: make([]atomic.Pointer[remembered], size)} }

// add gives patterns with one search more; p stays as it was for those who have it.
func (p *nameSearches) add(set []string, offsets []uint16, id uint32) *nameSearches {
	next := *p
	if set == nil {
		next.unindexed = append(next.unindexed, id)
	} else {
		next.grams = next.grams.Add(set, offsets, literals.Target{ID: id})
	}
	if len(next.memo.entries) < memoNames && (next.grams.Len() > 64 || len(next.unindexed) > 64) {
		next.memo = newMemo(memoNames)
	}
	return &next
}

// remember gives what the searches of f say of a name, from the memo where it can.
func (s *matchState) remember(f *field, name string) *remembered {
	m := f.names.memo
	at := maphash.String(f.names.seed, name) & uint64(len(m.entries)-1)
	for _, way := range [2]uint64{at, at ^ 1} {
		r := m.entries[way].Load()
		if r == nil || r.name != name {
			continue
		}
		switch young := len(f.log) - r.upto; {
		case young <= 0:
			return r
		case young < memoNew:
			fresh := &remembered{name: name, upto: len(f.log), hold: r.hold[:len(r.hold):len(r.hold)], unknown: r.unknown[:len(r.unknown):len(r.unknown)]}
			for _, id := range f.log[r.upto:] {
				s.try(fresh, id)
			}
			m.keep(way, fresh)
			return fresh
		}
	}
	r := s.look(f, name)
	if old := m.entries[at].Load(); old != nil && old.name != name {
		if other := m.entries[at^1].Load(); other == nil || other.upto < old.upto {
			at ^= 1
		}
	}
	m.keep(at, r)
	return r
}

// keep puts r into its place. When the lists have become too large, all is forgotten.
func (m *memo) keep(at uint64, r *remembered) {
	size := int64(4*(len(r.hold)+len(r.unknown)) + 64)
	if m.bytes.Add(size) > memoBytes {
		for i := range m.entries {
			m.entries[i].Store(nil)
		}
		m.bytes.Store(0)
		return
	}
	m.entries[at].Store(r)
}

// look tries a name on all searches of f that it may fit.
func (s *matchState) look(f *field, name string) *remembered {
	r := &remembered{name: name, upto: len(f.log)}
	if len(name) > rulespec.MaxName { // what no search is tried on, every search has to say so
		for _, id := range f.log {
			s.try(r, id)
		}
		return r
	}
	for _, id := range f.names.unindexed {
		s.try(r, id)
	}
	if f.names.grams == nil {
		return r
	}
	s.name = literals.Pad(rulespec.Fold(s.name[:0], name))
	s.tried++
	f.names.grams.Scan(s.name, func(e *literals.Entry, _ int) {
		if id := e.ID; int(id) < len(s.view.preds) && s.tries[id] != s.tried {
			s.tries[id] = s.tried
			if p := &s.view.searches[s.view.preds[id].at]; hasEach(p.others, s.name) {
				s.try(r, id)
			}
		}
	})
	return r
}

// hasEach says whether a folded name has one literal of each set.
func hasEach(sets [][]string, folded []byte) bool {
	for _, set := range sets {
		if !slices.ContainsFunc(set, func(l string) bool { return bytes.Contains(folded, []byte(l)) }) {
			return false
		}
	}
	return true
}

// try asks one search about a name.
func (s *matchState) try(r *remembered, id uint32) {
	ok, err := s.view.searches[s.view.preds[id].at].search.Matches(r.name)
	switch {
	case ok:
		r.hold = append(r.hold, id)
	case err != nil:
		r.unknown = append(r.unknown, id)
	}
}
