package rules

import (
	"github.com/notifyd/notifyd/rules/literals"
)

// What a snapshot takes from an index. It depends on how an index looks in memory; the rest of the snapshot does not.

// eachList calls visit with what stands at a predicate with a residual, or what is none: ordinals, or predicates.
func (v *view) eachList(visit func(pred, residual uint32, ordinals []uint32)) {
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

// finders gives of each search what it is found by, and of those through names the fields, a bit each.
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

// eachIdentity calls visit with each identity and its predicate. Between some, it lets others change the index: what is
// added meanwhile may come or not, as Go has it for a map that changes while it is walked through.
func (x *Index) eachIdentity(visit func(name string, id uint32)) {
	x.change.Lock()
	defer x.change.Unlock()
	n := 0
	for name, id := range x.identities {
		if n++; n%lockFor == 0 {
			x.change.Unlock()
			x.change.Lock()
		}
		visit(name, id)
	}
}

// lockFor is how many names are read before whoever wants to change something is let in.
const lockFor = 256
