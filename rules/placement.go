package rules

import (
	"encoding/binary"
	"slices"

	"github.com/notifyd/notifyd/rules/postings"
)

// A literal is a predicate, and in its lowest bit whether it must not hold.
type condition uint32

func (l condition) predicate() uint32 { return uint32(l >> 1) }
func (l condition) not() bool         { return l&1 == 1 }

func conditionOf(id uint32, not bool) condition {
	l := condition(id << 1)
	if not {
		l |= 1
	}
	return l
}

// A placement is where a filter is posted.
type placement struct {
	access     uint32   // its access predicate
	residual   uint32   // its residual
	exclusions []uint32 // in order, predicates that must not hold and are not in the residual
}

// A placement is kept beside an ordinal as two words. The lowest bits of the second are marks, the others the residual.
const (
	excludesOwner = 1 << iota // among exclusions is the predicate that is the owner's number: "not me"
	excludesMore              // there are others, which stand in Index.exclusions
	placementBits = iota
)

// setPlacement keeps the placement of an ordinal that is owner's.
func (x *Index) setPlacement(ordinal, owner uint32, p placement) {
	marks := uint32(0)
	if at, found := slices.BinarySearch(p.exclusions, owner); found {
		marks = excludesOwner
		p.exclusions = slices.Delete(p.exclusions, at, at+1)
	}
	if len(p.exclusions) > 0 {
		marks |= excludesMore
		x.exclusions[ordinal] = p.exclusions
	}
	page := x.ordinals.pages[ordinal>>pageBits]
	page.access[ordinal&(1<<pageBits-1)] = p.access + 1
	page.residual[ordinal&(1<<pageBits-1)] = p.residual<<placementBits | marks
}

// placementAt gives the placement of an ordinal, if a filter is there.
func (x *Index) placementAt(ordinal uint32) (p placement, known bool) {
	page := x.ordinals.pages[ordinal>>pageBits]
	access, residual := page.access[ordinal&(1<<pageBits-1)], page.residual[ordinal&(1<<pageBits-1)]
	if access == 0 {
		return placement{}, false
	}
	p = placement{access: access - 1, residual: residual >> placementBits}
	if residual&excludesMore != 0 {
		p.exclusions = x.exclusions[ordinal]
	}
	if residual&excludesOwner != 0 {
		p.exclusions = append(slices.Clip(p.exclusions), x.next.owners.of.At(ordinal))
	}
	return p, true
}

// clearPlacement forgets the placement of an ordinal.
func (x *Index) clearPlacement(ordinal uint32) {
	x.ordinals.pages[ordinal>>pageBits].access[ordinal&(1<<pageBits-1)] = 0
	delete(x.exclusions, ordinal)
}

const (
	// excludeBelow divides what must not hold: the rarer has a list of the filters that it exclusions, the more frequent is part
	// of residuals, of which there are then few.
	excludeBelow = 50
	// maxExcluded is how long a list of killed filters grows before that predicate too goes into residuals: a popular name
	// under "not" in very many filters costs each its residual, not each message its list.
	maxExcluded = 4096
)

// placementOf says where a filter of compiled rules is posted, and interns what it takes.
func (x *Index) placementOf(compiled []compiledRule) placement {
	for _, r := range compiled {
		x.budget.allow(x.intern(r.statement))
	}
	p := placement{access: x.accessPredicate(compiled)}
	residual := x.conditions[:0]
	for i := range compiled {
		r := &compiled[i]
		if !r.not {
			if r.id != p.access {
				residual = append(residual, conditionOf(r.id, false))
			}
			continue
		}
		for _, need := range r.requires {
			residual = append(residual, conditionOf(x.internRequirement(need), false))
		}
		if x.isExclusion(r) {
			p.exclusions = append(p.exclusions, r.id)
		} else {
			residual = append(residual, conditionOf(r.id, true))
		}
	}
	slices.Sort(p.exclusions)
	p.exclusions = slices.Compact(p.exclusions)
	p.residual = x.residualOf(residual)
	x.conditions = residual
	return p
}

// accessPredicate gives the predicate to post a filter under: that of its rarest positive rule, where a node that is large already
// counts for more; root when no positive rule is listed.
func (x *Index) accessPredicate(compiled []compiledRule) uint32 {
	best, least := root, 0
	for i := range compiled {
		r := &compiled[i]
		if r.not || !x.next.preds[r.id].indexed() {
			continue
		}
		cost := max(1, r.selectivity)
		cost *= 1 + x.blocks(r.id)
		if best == root || cost < least {
			best, least = r.id, cost
		}
	}
	return best
}

// crowd is how many blocks the filters at a predicate would fill.
func (x *Index) blocks(id uint32) (blocks int) {
	for i := range x.next.shards {
		blocks += x.next.shards[i].Blocks(id)
	}
	if x.bulk != nil {
		blocks += counted(x.bulk.posted, id) / postings.BlockSize
	}
	return blocks
}

// isExclusion says whether a rule under not belongs into a list of killed filters.
func (x *Index) isExclusion(r *compiledRule) bool {
	if r.selectivity >= excludeBelow || !x.next.preds[r.id].indexed() {
		return false
	}
	killed := x.queue.Excluded(r.id)
	if x.bulk != nil {
		killed += counted(x.bulk.excluded, r.id)
	}
	for i := range x.next.shards {
		killed += x.next.shards[i].Count(r.id, postings.Excluded)
	}
	return killed < maxExcluded
}

// residualOf gives the number of a list of conditions, which all must hold.
func (x *Index) residualOf(residual []condition) uint32 {
	slices.SortFunc(residual, func(a, b condition) int { return int(x.work(a)) - int(x.work(b)) })
	residual = slices.Compact(residual)
	key := x.residualKey[:0]
	for _, l := range residual {
		key = binary.LittleEndian.AppendUint32(key, uint32(l))
	}
	x.residualKey = key
	number, known := x.residuals[string(key)]
	if !known {
		number = x.addResidual(string(key), slices.Clone(residual))
	}
	return number
}

// addResidual makes a residual that is not there yet.
func (x *Index) addResidual(key string, residual []condition) (number uint32) {
	v := x.next
	number = uint32(len(v.residuals)) + postings.FirstResidual
	v.residuals = append(v.residuals, residual)
	x.residuals[key] = number
	only := uint32(0)
	if len(residual) == 1 && !residual[0].not() && v.preds[residual[0].predicate()].form == formTerm {
		only = residual[0].predicate()
	}
	for len(v.residualTerm) < int(number) {
		v.residualTerm = append(v.residualTerm, 0)
	}
	v.residualTerm = append(v.residualTerm, only)
	for i := range v.shards {
		v.shards[i].SetTerms(v.residualTerm)
	}
	if only != 0 {
		v.termResidual.Set(x.transient, only, number)
	}
	return number
}

// work ranks literals, so that those that may cost something are asked last.
func (x *Index) work(l condition) uint64 {
	f := x.next.preds[l.predicate()].form
	if f == formOpaque || f == formUnindexed || f == formSearched || f == formChecked {
		return 1<<32 | uint64(l)
	}
	return uint64(l)
}
