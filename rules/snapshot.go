package rules

import (
	"errors"

	"github.com/notifyd/notifyd/rules/literals"
	"github.com/notifyd/notifyd/rules/sections"
)

// A snapshot is an Index written out, so that a restart reads it instead of compiling every filter again. It has what
// the index interned, and neither compiled expressions, which are compiled when a message first asks for them, nor
// what an index looks like in memory.
//
// The file is one of package sections. Its sections are, in this order, those marked * as many as are needed:
//
//	'h'   head: snapshotVersion; the caller's key as a text; how many fields there are, and their names as texts; the
//	      same of texts that are searched; how many predicates, residuals and filters follow
//	'p' * predicates, in the order of their numbers from 1. Each is its form in a byte, and
//	      of a term: the number of its field in the list of the head, its value as a text;
//	      of a requirement: its field and its value as texts;
//	      of all others: their identity as a text, and then
//	      of one with keys: how many, and the terms, as predicates;
//	      of a search: its fields and its texts, as numbers with a bit for each; 1 where a literal is enough, else 0; its
//	      expression as a text; how many literals it is found by, and of each the text and the offset of its q-gram; how
//	      many other sets of literals there are, and of each how many literals, and these as texts
//	's' * residuals, in the order of their numbers from 0. Each is how many conditions, and these
//	'f' * filters, by pages of 256 ids in any order. A page is its ids divided by 256, how many filters follow, and
//	      these in order. Each is how many ids there are between it and the filter before it in the page; the
//	      difference between its owner and the owner of the filter before it in the section (zigzag; an owner is the
//	      term that the owner is involved); its access predicate; its residual; twice the number of predicates that
//	      exclude it, and one more when its owner does too; and these predicates in order, without the owner
//
// A reader believes no number: it takes memory for what has come, as much as an index takes that has it, and checks a
// reference before it uses it.
const (
	snapshotMagic   = "notifyd rules\n"
	snapshotVersion = 4

	sectionHead       = 'h'
	sectionPredicates = 'p'
	sectionResiduals  = 's'
	sectionFilters    = 'f'
)

// sectionNames are what errors call the sections.
var sectionNames = map[byte]string{
	sectionHead: "head", sectionPredicates: "predicates", sectionResiduals: "residuals", sectionFilters: "filters",
	sections.End: "end",
}

// ErrStale is wrapped by ReadSnapshot when a snapshot is whole, but was written with another key, or by a program with
// another snapshotVersion, other fields or other texts.
var ErrStale = errors.New("snapshot is of another state")

// zigzag makes small numbers of small differences, positive or negative.
func zigzag(n int64) uint64 { return uint64(n)<<1 ^ uint64(n>>63) }

func unzigzag(n uint64) int64 { return int64(n>>1) ^ -int64(n&1) }

// eachList calls visit with all postings of all shards: ordinals in order, or the parents of a term.
func (v *view) eachList(visit func(predicate, residual uint32, ordinals []uint32)) {
	for i := range v.shards {
		for id := range uint32(len(v.preds)) {
			v.shards[i].Each(id, func(residual uint32, ordinals []uint32) { visit(id, residual, ordinals) })
		}
	}
}

// A finder is a literal that a search is found by, and the offset of its q-gram.
type finder struct {
	literal string
	offset  uint16
}

// finders gives the literals that each search is found by, and the fields of each search through names, a bit each.
func (v *view) finders() (finders map[uint32][]finder, fields map[uint32]uint64) {
	finders, fields = map[uint32][]finder{}, map[uint32]uint64{}
	one := map[uint32]uint64{} // of a search in several fields, one has the literals
	collect := func(field int, g *literals.Index) {
		for e := range g.All {
			if int(e.ID) < len(v.preds) && (one[e.ID] == 0 || one[e.ID] == 1<<field) {
				one[e.ID] = 1 << field
				finders[e.ID] = append(finders[e.ID], finder{e.Literal(), e.Offset()})
			}
		}
	}
	collect(maxFields, v.texts)
	for i := range v.fields {
		f := &v.fields[i]
		if f.names != nil {
			collect(i, f.names.grams)
		}
		for _, id := range f.log {
			fields[id] |= 1 << i
		}
	}
	return finders, fields
}

// eachIdentity calls visit with each identity and its predicate. Now and then it lets others change the index: what is
// added meanwhile may come or not, as it is with a map that changes while it is ranged over.
func (x *Index) eachIdentity(visit func(identity string, id uint32)) {
	x.change.Lock()
	defer x.change.Unlock()
	n := 0
	for identity, id := range x.identities {
		if n++; n%lockFor == 0 {
			x.change.Unlock()
			x.change.Lock()
		}
		visit(identity, id)
	}
}

// lockFor is how many identities are read before a change may come in between.
const lockFor = 256
