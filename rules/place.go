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
	kills  []uint32 // predicates that must not hold and are not in the signature
}

// places are the places of all slots: of many millions, so they stand in arrays without pointers.
type places struct {
	access, sig []uint32
	kill        []uint32            // the first of kills; 0, which is root, for none
	more        map[uint32][]uint32 // the kills of those that have several
}

func (l *places) keep(slot uint32, p place) {
	for n := int(slot) + 1; len(l.access) < n; {
		l.access, l.sig, l.kill = append(l.access, 0), append(l.sig, 0), append(l.kill, 0)
	}
	l.access[slot], l.sig[slot], l.kill[slot] = p.access, p.sig, 0
	if len(p.kills) > 0 {
		l.kill[slot] = p.kills[0]
	}
	if len(p.kills) > 1 {
		l.more[slot] = p.kills
	}
}

// take gives the place of a slot, which is then free.
func (l *places) take(slot uint32) place {
	p := place{access: l.access[slot], sig: l.sig[slot], kills: l.more[slot]}
	if delete(l.more, slot); p.kills == nil && l.kill[slot] != 0 {
		p.kills = []uint32{l.kill[slot]}
	}
	return p
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
		x.intern(r.statement)
	}
	p := place{access: x.access(compiled)}
	var sig []literal
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
		if x.kills(r) {
			p.kills = append(p.kills, r.id)
		} else {
			sig = append(sig, literalOf(r.id, true))
		}
	}
	slices.Sort(p.kills)
	p.kills = slices.Compact(p.kills)
	p.sig = x.signature(sig)
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
func (x *Index) crowd(id uint32) int {
	n := x.next.nodes.at(id).crowd()
	if int(id) < len(x.hung) {
		n += int(x.hung[id]) / blockIDs
	}
	return n
}

// kills says whether a rule under not belongs into a list of killed filters.
func (x *Index) kills(r *compiledRule) bool {
	return r.odds < killOdds && x.next.preds[r.id].listed() && len(x.next.kills.at(r.id).slots()) < killMost
}

// signature gives the number of a list of literals, which all must hold.
func (x *Index) signature(sig []literal) uint32 {
	slices.SortFunc(sig, func(a, b literal) int { return int(x.work(a)) - int(x.work(b)) })
	sig = slices.Compact(sig)
	var key []byte
	for _, l := range sig {
		key = binary.LittleEndian.AppendUint32(key, uint32(l))
	}
	number, known := x.sigs[string(key)]
	if !known {
		number = uint32(len(x.next.sigs))
		x.next.sigs = append(x.next.sigs, slices.Clone(sig))
		x.sigs[string(key)] = number
	}
	return number
}

// work ranks literals, so that those that may cost something are asked last.
func (x *Index) work(l literal) uint64 {
	f := x.next.preds[l.predicate()].form
	if f == formOpaque || f == formSearched || f == formChecked {
		return 1<<32 | uint64(l)
	}
	return uint64(l)
}
