package rules

import (
	"encoding/binary"
	"slices"

	"github.com/notifyd/notifyd/rules/postings"
)

// A condition is a predicate, and in its lowest bit whether it must not hold.
type condition uint32

func (c condition) predicate() uint32 { return uint32(c >> 1) }
func (c condition) not() bool         { return c&1 == 1 }

func conditionOf(predicate uint32, not bool) condition {
	c := condition(predicate << 1)
	if not {
		c |= 1
	}
	return c
}

// A placement is where a filter is posted.
type placement struct {
	access     uint32   // its access predicate
	residual   uint32   // the number of its other conditions
	exclusions []uint32 // predicates that exclude it, in order
}

// The residual is kept above marks.
const (
	excludesOwner = 1 << iota // the owner's number is among the exclusions: "not me"
	excludesMore              // there are others, in Index.exclusions
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

// placementAt gives the placement of an ordinal, if it has a filter.
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

// clearPlacement forgets the placement of an ordinal, which then has no filter.
func (x *Index) clearPlacement(ordinal uint32) {
	x.ordinals.pages[ordinal>>pageBits].access[ordinal&(1<<pageBits-1)] = 0
	delete(x.exclusions, ordinal)
}

const (
	// exclusionSelectivity divides what must not hold: what is more selective excludes filters by a list, what is less
	// selective is part of residuals, of which there are then few.
	exclusionSelectivity = 50
	// maxExclusions is how many filters one predicate excludes before it too goes into residuals: a popular name
	// under not in very many filters costs each its residual, and not each message its list.
	maxExclusions = 4096
)

// placementOf says where a filter of compiled rules is posted, and interns what that takes.
func (x *Index) placementOf(compiled []compiledRule) placement {
	for _, r := range compiled {
		x.budget.allow(x.intern(r.statement))
	}
	p := placement{access: x.accessPredicate(compiled)}
	conditions := x.conditions[:0]
	for i := range compiled {
		r := &compiled[i]
		if !r.not {
			if r.id != p.access {
				conditions = append(conditions, conditionOf(r.id, false))
			}
			continue
		}
		for _, key := range r.requires {
			conditions = append(conditions, conditionOf(x.internRequirement(key), false))
		}
		if x.isExclusion(r) {
			p.exclusions = append(p.exclusions, r.id)
		} else {
			conditions = append(conditions, conditionOf(r.id, true))
		}
	}
	slices.Sort(p.exclusions)
	p.exclusions = slices.Compact(p.exclusions)
	p.residual = x.residualOf(conditions)
	x.conditions = conditions
	return p
}

// accessPredicate gives the predicate to post a filter under: that of its most selective positive rule, where one that
// has many postings already counts for less; root when no positive rule is indexed.
func (x *Index) accessPredicate(compiled []compiledRule) uint32 {
	best, least := root, 0
	for i := range compiled {
		r := &compiled[i]
		if r.not || !x.next.preds[r.id].indexed() {
			continue
		}
		cost := r.selectivity * (1 + x.blocks(r.id))
		if best == root || cost < least {
			best, least = r.id, cost
		}
	}
	return best
}

// blocks is how many blocks the filters that are posted under a predicate would fill.
func (x *Index) blocks(id uint32) (blocks int) {
	for i := range x.next.shards {
		blocks += x.next.shards[i].Blocks(id)
	}
	if x.bulk != nil {
		blocks += counted(x.bulk.posted, id) / postings.BlockSize
	}
	return blocks
}

// isExclusion says whether a rule under not excludes by a list.
func (x *Index) isExclusion(r *compiledRule) bool {
	if r.selectivity >= exclusionSelectivity || !x.next.preds[r.id].indexed() {
		return false
	}
	excluded := x.queue.Excluded(r.id)
	if x.bulk != nil {
		excluded += counted(x.bulk.excluded, r.id)
	}
	for i := range x.next.shards {
		excluded += x.next.shards[i].Count(r.id, postings.Excluded)
	}
	return excluded < maxExclusions
}

// residualOf gives the number of a set of conditions, which all must hold.
func (x *Index) residualOf(conditions []condition) uint32 {
	slices.SortFunc(conditions, func(a, b condition) int { return int(x.rank(a)) - int(x.rank(b)) })
	conditions = slices.Compact(conditions)
	key := x.residualKey[:0]
	for _, c := range conditions {
		key = binary.LittleEndian.AppendUint32(key, uint32(c))
	}
	x.residualKey = key
	number, known := x.residuals[string(key)]
	if !known {
		number = x.addResidual(string(key), slices.Clone(conditions))
	}
	return number
}

// addResidual makes a residual that is not there yet.
func (x *Index) addResidual(key string, conditions []condition) (number uint32) {
	v := x.next
	number = uint32(len(v.residuals)) + postings.FirstResidual
	v.residuals = append(v.residuals, conditions)
	x.residuals[key] = number
	term := uint32(0)
	if len(conditions) == 1 && !conditions[0].not() && v.preds[conditions[0].predicate()].form == formTerm {
		term = conditions[0].predicate()
	}
	for len(v.residualTerm) < int(number) {
		v.residualTerm = append(v.residualTerm, 0)
	}
	v.residualTerm = append(v.residualTerm, term)
	for i := range v.shards {
		v.shards[i].SetTerms(v.residualTerm)
	}
	if term != 0 {
		v.termResidual.Set(x.transient, term, number)
	}
	return number
}

// rank puts conditions in order, those last that may cost something to decide.
func (x *Index) rank(c condition) uint64 {
	switch x.next.preds[c.predicate()].form {
	case formOpaque, formUnindexed, formSearched, formChecked:
		return 1<<32 | uint64(c)
	}
	return uint64(c)
}
