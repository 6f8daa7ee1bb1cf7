package rules

import (
	"fmt"
	"io"

	"github.com/notifyd/notifyd/rules/postings"
	"github.com/notifyd/notifyd/rules/sections"
	"github.com/notifyd/notifyd/rulespec"
)

// WriteSnapshot writes the filters as a snapshot, as readers see them when it is called. Who reads or changes the index
// meanwhile does not wait, or for microseconds. key is what the snapshot depends on and the filters do not tell: the
// revision that they have in their store, what the catalogue knows, the version of the program. A change that key does
// not tell must not be under way. It writes pieces of a quarter of a MiB, and stops soon after w gives an error.
func (x *Index) WriteSnapshot(w io.Writer, key string) error {
	return x.writeSnapshot(w, key, placedAtOnce)
}

func (x *Index) writeSnapshot(w io.Writer, key string, atOnce int) error {
	s := &snapshotWriter{view: x.current.Load(), sections: sections.NewWriter(w, snapshotMagic), atOnce: atOnce}
	s.collect(x)
	s.head(key)
	s.predicates()
	s.residuals()
	s.filters()
	if err := s.sections.Finish(); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	return nil
}

// A snapshotWriter writes a view, and what it needs of the index beside it.
type snapshotWriter struct {
	view       *view
	sections   *sections.Writer
	names      map[uint32]string // of predicates that have an identity
	keys       map[uint32][]uint32
	finders    map[uint32][]finder // of searches
	fields     map[uint32]uint64   // of searches through names, a bit for each of rulespec.Fields
	size       int
	atOnce     int      // how many ordinals are placed at once
	placed     []placed // see filters
	exclusions []exclusion
}

// collect turns round what the view and the index have the other way round.
func (s *snapshotWriter) collect(x *Index) {
	v := s.view
	s.names, s.keys = map[uint32]string{}, map[uint32][]uint32{}
	v.eachList(func(pred, residual uint32, ordinals []uint32) {
		switch residual {
		case postings.Parents:
			for _, parent := range ordinals {
				s.keys[parent] = append(s.keys[parent], pred)
			}
		case postings.Excluded:
		default:
			s.size += len(ordinals)
		}
	})
	s.finders, s.fields = v.finders()
	x.eachIdentity(func(name string, id uint32) {
		if int(id) < len(v.preds) {
			s.names[id] = name
		}
	})
}

func (s *snapshotWriter) head(key string) {
	s.sections.Begin(sectionHead)
	s.sections.Number(snapshotVersion)
	s.sections.Text(key)
	s.sections.Texts(rulespec.Fields)
	s.sections.Texts(rulespec.Texts)
	for _, n := range []int{len(s.view.preds) - 1, len(s.view.residuals), s.size} {
		s.sections.Number(uint64(n))
	}
}

func (s *snapshotWriter) predicates() {
	s.sections.Begin(sectionPredicates)
	for id := uint32(1); int(id) < len(s.view.preds) && s.sections.Err() == nil; id++ {
		s.sections.Continue()
		s.predicate(id, s.view.preds[id])
	}
}

// predicate writes one: of a term the field and its value; of a need the same as texts; of the others the identity, and
// then the terms, or what a search looks at and for.
func (s *snapshotWriter) predicate(id uint32, p predicate) {
	to := s.sections
	to.Byte(byte(p.form))
	switch p.form {
	case formTerm:
		to.Number(uint64(p.field))
		to.Text(string(s.view.names.at(p.at)))
	case formRequirement:
		need := s.view.requirements[p.at]
		to.Text(need.Field)
		to.Text(need.Value)
	case formAny, formChecked:
		to.Text(s.names[id])
		to.Number(uint64(len(s.keys[id])))
		for _, term := range s.keys[id] {
			to.Number(uint64(term))
		}
	case formSearched, formUnindexed:
		search := &s.view.searches[p.at]
		to.Text(s.names[id])
		to.Number(s.fields[id])
		to.Number(uint64(search.texts))
		to.Number(uint64(bit(search.plain)))
		to.Text(search.expression)
		to.Number(uint64(len(s.finders[id])))
		for _, f := range s.finders[id] {
			to.Text(f.literal)
			to.Number(uint64(f.offset))
		}
		to.Number(uint64(len(search.others)))
		for _, set := range search.others {
			to.Texts(set)
		}
	default:
		to.Text(s.names[id])
	}
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

func (s *snapshotWriter) residuals() {
	s.sections.Begin(sectionResiduals)
	for _, residual := range s.view.residuals {
		s.sections.Continue()
		s.sections.Number(uint64(len(residual)))
		for _, l := range residual {
			s.sections.Number(uint64(l))
		}
	}
}

// zigzag makes small numbers of small differences, whichever way they go.
func zigzag(n int64) uint64 { return uint64(n)<<1 ^ uint64(n>>63) }

func unzigzag(n uint64) int64 { return int64(n>>1) ^ -int64(n&1) }
