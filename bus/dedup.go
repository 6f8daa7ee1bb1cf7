package bus

// A DedupWindow remembers the last ids seen, so that a message which comes twice (by two relays, after a reconnect, or
// delivered again by a bus that saw no acknowledgement) counts once. It holds a fixed number of ids, in a ring, and
// forgets the oldest first. What comes again later than that is for the database to find, whose key the id is.
//
// It is not safe for concurrent use.
type DedupWindow struct {
	ids  map[string]struct{}
	ring []string
	next int // of ring: the oldest id, once the ring is full
}

// NewDedupWindow makes a window of n ids, at least one.
func NewDedupWindow(n int) *DedupWindow {
	n = max(n, 1)
	return &DedupWindow{ids: make(map[string]struct{}, n), ring: make([]string, 0, n)}
}

// Seen reports whether id is in the window, and adds it where it is not. An id that is seen again grows no younger, so
// that one which is repeated for ever takes no more than one entry.
func (w *DedupWindow) Seen(id string) bool {
	if _, ok := w.ids[id]; ok {
		return true
	}
	w.ids[id] = struct{}{}
	if len(w.ring) < cap(w.ring) {
		w.ring = append(w.ring, id)
		return false
	}
	delete(w.ids, w.ring[w.next])
	w.ring[w.next] = id
	w.next = (w.next + 1) % len(w.ring)
	return false
}
