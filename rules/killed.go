package rules

import "slices"

// killed is the filters, as slots in order, that a predicate that holds kills. It never changes.
type killed []uint32

func (k *killed) slots() []uint32 {
	if k == nil {
		return nil
	}
	return *k
}

func (k *killed) with(slot uint32) *killed {
	old := k.slots()
	at, _ := slices.BinarySearch(old, slot)
	next := killed(slices.Concat(old[:at], []uint32{slot}, old[at:]))
	return &next
}

func (k *killed) without(slot uint32) *killed {
	old := k.slots()
	at, _ := slices.BinarySearch(old, slot)
	if len(old) == 1 {
		return nil
	}
	next := killed(slices.Concat(old[:at], old[at+1:]))
	return &next
}
