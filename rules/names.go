package rules

import (
	"bytes"
	"context"
	"hash/maphash"
	"iter"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/notifyd/notifyd/rules/literals"
	"github.com/notifyd/notifyd/rulespec"
)

// nameSearches is the searches through the names of one field. What they say of a name is remembered, since names come
// again.
type nameSearches struct {
	grams     *literals.Index // finds searches by their literals
	unindexed []uint32        // searches without literals: every new name is tried on them
	seed      maphash.Seed
	memo      *memo
}

// A memo remembers names in a table of a fixed size with two cells for each name: what has no room is forgotten.
type memo struct {
	bytes   atomic.Int64 // of the lists, roughly
	entries []atomic.Pointer[remembered]
}

// A remembered is what the first upto searches of a field's log say of a name.
type remembered struct {
	name    string
	upto    int
	holding []uint32 // searches that match
	unknown []uint32 // searches that could not be tried
}

const (
	memoNames = 1 << 15
	memoBytes = 64 << 20
	// memoNew is how many new searches a remembered name is tried on one by one; with more, it is looked up afresh.
	memoNew = 256
)

func newNameSearches() *nameSearches {
	return &nameSearches{seed: maphash.MakeSeed(), memo: newMemo(1 << 8)}
}

func newMemo(size int) *memo { return &memo{entries: make([]atomic.Pointer[remembered], size)} }

// add gives n with one search more; readers go on with n as it was.
func (n *nameSearches) add(set []string, offsets []uint16, id uint32) *nameSearches {
	next := *n
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

// assignName notes what the searches say of a name.
func (s *matchState) assignName(r *remembered) {
	for _, id := range r.holding {
		s.assign(id, holds)
	}
	for _, id := range r.unknown {
		s.assign(id, unknown)
	}
}

// lookUpName gives what the searches of f say of a name, from the memo where it can.
func (s *matchState) lookUpName(f *field, name string) *remembered {
	m := f.names.memo
	at := maphash.String(f.names.seed, name) & uint64(len(m.entries)-1)
	for _, cell := range [2]uint64{at, at ^ 1} {
		r := m.entries[cell].Load()
		if r == nil || r.name != name {
			continue
		}
		switch young := len(f.log) - r.upto; {
		case young <= 0:
			return r
		case young < memoNew:
			fresh := &remembered{
				name: name, upto: len(f.log), holding: slices.Clip(r.holding), unknown: slices.Clip(r.unknown),
			}
			for _, id := range f.log[r.upto:] {
				s.try(fresh, id)
			}
			m.keep(cell, fresh)
			return fresh
		}
	}
	r := s.searchName(f, name)
	if old := m.entries[at].Load(); old != nil && old.name != name {
		if other := m.entries[at^1].Load(); other == nil || other.upto < old.upto {
			at ^= 1
		}
	}
	m.keep(at, r)
	return r
}

// keep puts r into its cell. When the lists have become too large, all names are forgotten.
func (m *memo) keep(at uint64, r *remembered) {
	size := int64(4*(len(r.holding)+len(r.unknown)) + 64)
	if m.bytes.Add(size) > memoBytes {
		for i := range m.entries {
			m.entries[i].Store(nil)
		}
		m.bytes.Store(0)
		return
	}
	m.entries[at].Store(r)
}

// searchName tries a name on all searches of f that it may match.
func (s *matchState) searchName(f *field, name string) *remembered {
	r := &remembered{name: name, upto: len(f.log)}
	if len(name) > rulespec.MaxName { // no search is tried on it, and each must say so
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
		r.holding = append(r.holding, id)
	case err != nil:
		r.unknown = append(r.unknown, id)
	}
}

const (
	// warmNames is how many names Warm looks up at most, and warmBytes what they may take: the rest of the memo is for
	// names that messages bring.
	warmNames, warmBytes = memoNames * 3 / 4, memoBytes / 2
	// warmAtOnce is how many names are looked up before others may have the processor.
	warmAtOnce = 16
)

// Warm looks up names that messages are likely to bring in a field, one of rulespec.Fields, so that the first message
// that brings one need not wait for the searches through names. It may run while others match and change. The error is
// ctx's, when that ended before.
func (x *Index) Warm(ctx context.Context, field string, names iter.Seq[string]) error {
	v := x.current.Load()
	at := slices.Index(rulespec.Fields, field)
	if at < 0 || v.fields[at].names == nil {
		return nil
	}
	f := &v.fields[at]
	s := new(matchState)
	s.begin(v, rulespec.Subject{}, x.budget)
	n := 0
	for name := range names {
		if n == warmNames || f.names.memo.bytes.Load() > warmBytes {
			return nil
		}
		if n++; n%warmAtOnce == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			runtime.Gosched()
		}
		s.lookUpName(f, name)
	}
	return nil
}
