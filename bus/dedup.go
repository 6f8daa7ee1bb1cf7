package bus

import (
	"cmp"
	"crypto/sha256"
)

// A DedupWindow remembers the messages seen last, so that one which comes twice (by two relays, after a reconnect, or
// delivered again by a bus that saw no acknowledgement) counts once. It holds a fixed number of them, in a ring, and
// forgets the oldest first. What comes again later than that is for the database to find.
//
// Anybody may send a message under an id that is not his. So the window knows a message by its id and its content, and
// a copy is a Repeat only where it proves no more than one before. A forgery under the id of a genuine
// message, sent first, suppresses nothing. Whether another content has come with an id, the database tells. What a
// bridge has brought from another bus is a copy as well, though its id may differ by a year: see CommonID.
//
// It is not safe for concurrent use.
type DedupWindow struct {
	seen map[seenKey]weight // of the copy that proves most
	ring []seenKey
	next int // of ring: the oldest, once the ring is full
}

// A seenKey is a hash of the id and the content of a message: of one size, however long ids are.
type seenKey [16]byte

// A Novelty is what a DedupWindow says of a message.
type Novelty int

// The novelties.
const (
	Unseen   Novelty = iota // its id and content are not in the window
	Repeat                  // they are, and it proves nothing more
	Stronger                // they are, but this one proves more
)

// NewDedupWindow makes a window of n messages, at least one.
func NewDedupWindow(n int) *DedupWindow {
	n = max(n, 1)
	return &DedupWindow{seen: make(map[seenKey]weight, n), ring: make([]seenKey, 0, n)}
}

// See says whether m is in the window, and adds it where it is not. A message that is seen again grows no younger, so
// that one which is repeated for ever takes no more than one entry.
func (w *DedupWindow) See(m *Message) Novelty {
	content := m.ContentHash()
	sum := sha256.Sum256(append(content[:], cmp.Or(CommonID(m.ID), m.ID)...))
	this, now := seenKey(sum[:len(seenKey{})]), m.Standing.weight()
	before, known := w.seen[this]
	switch {
	case known && now <= before:
		return Repeat
	case known:
		w.seen[this] = now
		return Stronger
	}
	w.seen[this] = now
	if len(w.ring) < cap(w.ring) {
		w.ring = append(w.ring, this)
		return Unseen
	}
	delete(w.seen, w.ring[w.next])
	w.ring[w.next] = this
	w.next = (w.next + 1) % len(w.ring)
	return Unseen
}
