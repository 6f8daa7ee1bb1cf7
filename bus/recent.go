package bus

// Recent remembers the last ids seen, so that a message which comes twice (by two relays, or after a redial) counts
// once. It holds a fixed number of ids and forgets the oldest. It is not safe for concurrent use.
type Recent struct {
	ids  map[string]struct{}
	ring []string
	next int
}

// NewRecent makes a Recent of n ids, at least one.
func NewRecent(n int) *Recent {
	n = max(n, 1)
	return &Recent{ids: make(map[string]struct{}, n), ring: make([]string, 0, n)}
}

// Seen says whether id is among the last ones, and remembers it. An id seen again is not made younger: a message that is
// repeated for ever costs no more than its place.
func (r *Recent) Seen(id string) bool {
	if _, ok := r.ids[id]; ok {
		return true
	}
	r.ids[id] = struct{}{}
	if len(r.ring) < cap(r.ring) {
		r.ring = append(r.ring, id)
		return false
	}
	delete(r.ids, r.ring[r.next])
	r.ring[r.next] = id
	r.next = (r.next + 1) % len(r.ring)
	return false
}
