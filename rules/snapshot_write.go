package rules

import (
	"fmt"
	"io"

	"github.com/notifyd/notifyd/rules/postings"
	"github.com/notifyd/notifyd/rules/sections"
	"github.com/notifyd/notifyd/rulespec"
)

// WriteSnapshot writes the filters as readers see them when it is called. It holds up others for microseconds at
// most. key is what the snapshot depends on besides the filters: their revision in the store, the kinds of message
// that the catalogue knows, the version of the program; no change must be under way that key does not tell. It writes
// pieces of a quarter of a MiB, and ends soon after w has given an error.
func (x *Index) WriteSnapshot(w io.Writer, key string) error {
	return x.writeSnapshot(w, key, placedAtOnce)
}

func (x *Index) writeSnapshot(w io.Writer, key string, atOnce int) error {
	s := &snapshotWriter{view: x.current.Load(), sections: sections.NewWriter(w, snapshotMagic), atOnce: atOnce}
	s.collect(x)
	s.writeHead(key)
	s.writePredicates()
	s.writeResiduals()
	s.writeFilters()
	if err := s.sections.Finish(); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	return nil
}

// A snapshotWriter writes a view, and what it needs of the index beside it.
type snapshotWriter struct {
	view       *view
	sections   *sections.Writer
	identities map[uint32]string   // by predicate
	keys       map[uint32][]uint32 // by predicate: its terms
	finders    map[uint32][]finder // by search
	fields     map[uint32]uint64   // by search through names: a bit for each of rulespec.Fields
	filters    int

	atOnce     int         // ordinals
	placed     []placed    // by ordinal, of those that are written now
	exclusions []exclusion // of the same, by ordinal
}

// collect inverts what the view and the index have by the other number.
func (s *snapshotWriter) collect(x *Index) {
	v := s.view
	s.identities, s.keys = map[uint32]string{}, map[uint32][]uint32{}
	v.eachList(func(predicate, residual uint32, ordinals []uint32) {
		switch residual {
		case postings.Parents:
			for _, parent := range ordinals {
				s.keys[parent] = append(s.keys[parent], predicate)
			}
		case postings.Excluded:
		default:
			s.filters += len(ordinals)
		}
	})
	s.finders, s.fields = v.finders()
	x.eachIdentity(func(identity string, id uint32) {
		if int(id) < len(v.preds) {
			s.identities[id] = identity
		}
	})
}

func (s *snapshotWriter) writeHead(key string) {
	s.sections.Begin(sectionHead)
	s.sections.Number(snapshotVersion)
	s.sections.Text(key)
	s.sections.Texts(rulespec.Fields)
	s.sections.Texts(rulespec.Texts)
	for _, n := range []int{len(s.view.preds) - 1, len(s.view.residuals), s.filters} {
		s.sections.Number(uint64(n))
	}
}

func (s *snapshotWriter) writePredicates() {
	s.sections.Begin(sectionPredicates)
	for id := uint32(1); int(id) < len(s.view.preds) && s.sections.Err() == nil; id++ {
		s.sections.Continue()
		s.writePredicate(id, s.view.preds[id])
	}
}

// writePredicate writes one predicate: see the format.
func (s *snapshotWriter) writePredicate(id uint32, p predicate) {
	to := s.sections
	to.Byte(byte(p.form))
	switch p.form {
	case formTerm:
		to.Number(uint64(p.field))
		to.Text(string(s.view.names.at(p.at)))
	case formRequirement:
		key := s.view.requirements[p.at]
		to.Text(key.Field)
		to.Text(key.Value)
	case formAny, formChecked:
		to.Text(s.identities[id])
		to.Number(uint64(len(s.keys[id])))
		for _, term := range s.keys[id] {
			to.Number(uint64(term))
		}
	case formSearched, formUnindexed:
		search := &s.view.searches[p.at]
		to.Text(s.identities[id])
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
		to.Text(s.identities[id])
	}
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

func (s *snapshotWriter) writeResiduals() {
	s.sections.Begin(sectionResiduals)
	for _, residual := range s.view.residuals {
		s.sections.Continue()
		s.sections.Number(uint64(len(residual)))
		for _, c := range residual {
			s.sections.Number(uint64(c))
		}
	}
}
