package rules

import (
	"encoding/binary"
	"slices"
)

// A literal is a predicate, and in its lowest bit whether it must not hold.
type literal uint32

func (l literal) predicate() uint32 { return uint32(l >> 1) }
func (l literal) not() bool         { return l&1 == 1 }

func literalOf(id uint32, not bool) literal {
	l := literal(id << 1)
	if not {
		l |= 1
	}
	return l
}

// A place is where a filter stands in the index.
type place struct {
	access uint32   // the predicate it hangs from
	sig    uint32   // its signature
	kills  []uint32 // in order, predicates that must not hold and are not in the signature
}

// A place is kept beside an ordinal as two words. The lowest bits of the second are marks, the others the signature.
const (
	killsOwner = 1 << iota // among kills is the predicate that is the owner's number: "not me"
	killsMore              // there are others, which stand in Index.kills
	keptBits   = iota
)

// keep keeps the place of an ordinal that is owner's.
func (x *Index) keep(ordinal, owner uint32, p place) {
	marks := uint32(0)
	if at, found := slices.BinarySearch(p.kills, owner); found {
		marks = killsOwner
		p.kills = slices.Delete(p.kills, at, at+1)
	}
	if len(p.kills) > 0 {
		marks |= killsMore
		x.kills[ordinal] = p.kills
	}
	page := x.ordinals.pages[ordinal>>pageBits]
	page.access[ordinal&(1<<pageBits-1)] = p.access + 1
	page.sig[ordinal&(1<<pageBits-1)] = p.sig<<keptBits | marks
}

// kept gives the place of an ordinal, if a filter is there.
func (x *Index) kept(ordinal uint32) (p place, known bool) {
	page := x.ordinals.pages[ordinal>>pageBits]
	access, sig := page.access[ordinal&(1<<pageBits-1)], page.sig[ordinal&(1<<pageBits-1)]
	if access == 0 {
		return place{}, false
	}
	p = place{access: access - 1, sig: sig >> keptBits}
	if sig&killsMore != 0 {
		p.kills = x.kills[ordinal]
	}
	if sig&killsOwner != 0 {
		p.kills = append(slices.Clip(p.kills), x.next.owners.of.At(ordinal))
	}
	return p, true
}

// let ends the keeping of a place.
func (x *Index) let(ordinal uint32) {
	x.ordinals.pages[ordinal>>pageBits].access[ordinal&(1<<pageBits-1)] = 0
	delete(x.kills, ordinal)
}

const (
	// killOdds divides what must not hold: the rarer has a list of the filters that it kills, the more frequent is part
	// of signatures, of which there are then few.
	killOdds = 50
	// killMost is how long a list of killed filters grows before that predicate too goes into signatures: a popular name
	// under "not" in very many filters costs each its signature, not each message its list.
	killMost = 4096
)

// place says where a filter of compiled rules belongs, and interns what it takes.
func (x *Index) place(compiled []compiledRule) place {
	for _, r := range compiled {
		x.effort.pardon(x.intern(r.statement))
	}
	p := place{access: x.access(compiled)}
	sig := x.sig[:0]
	for i := range compiled {
		r := &compiled[i]
		if !r.not {
			if r.id != p.access {
				sig = append(sig, literalOf(r.id, false))
			}
			continue
		}
		for _, need := range r.needs {
			sig = append(sig, literalOf(x.internNeed(need), false))
		}
		if x.isKilled(r) {
			p.kills = append(p.kills, r.id)
		} else {
			sig = append(sig, literalOf(r.id, true))
		}
	}
	slices.Sort(p.kills)
	p.kills = slices.Compact(p.kills)
	p.sig = x.signature(sig)
	x.sig = sig
	return p
}

// access gives the predicate to hang a filter from: that of its rarest positive rule, where a node that is large already
// counts for more; root when no positive rule is listed.
func (x *Index) access(compiled []compiledRule) uint32 {
	best, least := root, 0
	for i := range compiled {
		r := &compiled[i]
		if r.not || !x.next.preds[r.id].listed() {
			continue
		}
		cost := max(1, r.odds)
		cost *= 1 + x.crowd(r.id)
		if best == root || cost < least {
			best, least = r.id, cost
		}
	}
	return best
}

// crowd is how many blocks the filters at a predicate would fill.
func (x *Index) crowd(id uint32) (blocks int) {
	for i := range x.next.shards {
		blocks += x.next.shards[i].crowd(id)
	}
	if x.bulk != nil {
		blocks += counted(x.bulk.hung, id) / blockMost
	}
	return blocks
}

// isKilled says whether a rule under not belongs into a list of killed filters.
func (x *Index) isKilled(r *compiledRule) bool {
	if r.odds >= killOdds || !x.next.preds[r.id].listed() {
		return false
	}
	killed := x.queue.killed[r.id]
	if x.bulk != nil {
		killed += counted(x.bulk.killed, r.id)
	}
	for i := range x.next.shards {
		killed += x.next.shards[i].count(r.id, sigKilled)
	}
	return killed < killMost
}

// signature gives the number of a list of literals, which all must hold.
func (x *Index) signature(sig []literal) uint32 {
	slices.SortFunc(sig, func(a, b literal) int { return int(x.work(a)) - int(x.work(b)) })
	sig = slices.Compact(sig)
	key := x.sigKey[:0]
	for _, l := range sig {
		key = binary.LittleEndian.AppendUint32(key, uint32(l))
	}
	x.sigKey = key
	number, known := x.sigs[string(key)]
	if !known {
		number = x.addSignature(string(key), slices.Clone(sig))
	}
	return number
}

// addSignature makes a signature that is not there yet.
func (x *Index) addSignature(key string, sig []literal) (number uint32) {
	v := x.next
	number = uint32(len(v.sigs)) + sigFirst
	v.sigs = append(v.sigs, sig)
	x.sigs[key] = number
	only := uint32(0)
	if len(sig) == 1 && !sig[0].not() && v.preds[sig[0].predicate()].form == formTerm {
		only = sig[0].predicate()
	}
	for len(v.only) < int(number) {
		v.only = append(v.only, 0)
	}
	v.only = append(v.only, only)
	for i := range v.shards {
		v.shards[i].writer.only = v.only
	}
	if only != 0 {
		v.single.Set(x.transient, only, number)
	}
	return number
}

// work ranks literals, so that those that may cost something are asked last.
func (x *Index) work(l literal) uint64 {
	f := x.next.preds[l.predicate()].form
	if f == formOpaque || f == formLoose || f == formSearched || f == formChecked {
		return 1<<32 | uint64(l)
	}
	return uint64(l)
}
