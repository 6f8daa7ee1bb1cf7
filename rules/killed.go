package rules

import "slices"

// killed is the filters, as slots in order, that a predicate that holds kills.
type killed struct {
	owner *edit
	list  []uint32
}

func (k *killed) slots() []uint32 {
	if k == nil {
		return nil
	}
	return k.list
}

func (k *killed) own(e *edit) *killed {
	if k != nil && k.owner == e {
		return k
	}
	return &killed{owner: e, list: slices.Clone(k.slots())}
}

func (k *killed) with(e *edit, slot uint32) *killed {
	k = k.own(e)
	at, _ := slices.BinarySearch(k.list, slot)
	k.list = slices.Insert(k.list, at, slot)
	return k
}

func (k *killed) without(e *edit, slot uint32) *killed {
	k = k.own(e)
	at, _ := slices.BinarySearch(k.list, slot)
	if k.list = slices.Delete(k.list, at, at+1); len(k.list) == 0 {
		return nil
	}
	return k
}
