// Package gaps finds messages of one source that were lost on the way, by the sequence numbers of their publishers: a
// receiver that keeps the number expected next sees by a higher one what it has to ask for (NAK-based reliability;
// Pingali, Towsley, Kurose, "A Comparison of Sender-Initiated and Receiver-Initiated Reliable Multicast Protocols",
// 1994). Package bus/backlog then asks for it.
//
//	finder := gaps.New(1024)
//	finder.Restore(stored) // where the publishers stood when something ran last
//	for {
//		changed, hole := finder.Observe(sighting) // one for each message, in the order of the frames
//		...                                       // store changed with the message; ask for what lies in hole
//	}
//
// # The numbers
//
// A publisher of fedmsg has up to two numbers:
//
//   - seq_id, where it keeps what it has sent: the number of the message in its store, which outlives the process. One
//     store serves all publishers of an endpoint, so that a source has few such sequences, nearly always one. A number
//     above the next one of the sequence that the publisher is known by is a loss, for certain and at once.
//   - i, which every process counts from 1, and which says nothing of the process. Several processes share a
//     publisher's name (bus.Envelope.Publisher), a relay interleaves them, they restart, and some never count: PHP
//     always sends 1, and what came from AMQP has 0. So a Finder follows several tracks for each name; see track. A
//     loss is found with the second message after it. A loss among processes in step is not found. A process that is
//     seen for the first time close above another that pauses is once taken for a loss.
//
// A message with a seq_id is followed by that alone.
//
// # Invariants
//
//   - What a message may do depends on how it came (see Sighting): only one that is new and proved shows a hole, and
//     only such a one, or one from an archive, fills it. So nobody invents or hides a hole by forging a message, or by
//     repeating a true one.
//   - Where the source stands is given as Positions, which are stored with the messages that they tell of: so a restart
//     finds what was lost while nothing ran, as if the connection had been lost.
//   - Memory is bounded: each name has maxTracks tracks at most, and the one that advanced longest ago goes first; the
//     number of names and of open holes is bounded in the same way.
package gaps

import "github.com/notifyd/notifyd/bus"

// A Finder finds the holes of one source, and keeps those that are open. It is not safe for concurrent use.
type Finder struct {
	names     int
	counters  map[string]*line // by bus.Envelope.Publisher
	sequences line             // of the source as a whole
	open      []hole
	nextHole  int64
}

// New makes a Finder that remembers so many names of publishers, at least one.
func New(names int) *Finder {
	return &Finder{names: max(names, 1), counters: map[string]*line{}}
}

// Observe notes that a message has come. It gives the positions that have changed, and the hole that the message shows;
// nil for nearly all messages. The hole is open from now on.
func (g *Finder) Observe(s Sighting) (changed []Position, found *bus.Hole) {
	if !s.Late { // by whomever: the source was connected
		g.sequences.heard(s)
	}
	switch {
	case !s.Whole:
		g.sequences.reach(s)
		return g.source(), nil
	case s.mayFill() && g.fill(s.Envelope):
		return g.source(), nil
	}
	var hole *bus.Hole
	switch {
	case s.Sequence > 0:
		var followed bool
		if hole, followed = g.sequences.sequence(s); followed && !s.Late && !s.Repeat {
			g.settle()
		}
	case s.Counter > 0 && !s.Unproved:
		hole, changed = g.counter(s)
	}
	changed = append(changed, g.source()...)
	if hole == nil {
		return changed, nil
	}
	return changed, g.Add(*hole)
}

// counter notes a message without a sequence number.
func (g *Finder) counter(s Sighting) (hole *bus.Hole, changed []Position) {
	name := s.Publisher()
	l := g.counters[name]
	if l == nil {
		if s.Repeat {
			return nil, nil
		}
		if len(g.counters) >= g.names {
			changed = append(changed, Position{Publisher: g.evict(), Received: s.Received})
		}
		l = &line{}
		g.counters[name] = l
	}
	hole = l.counter(s)
	l.heard(s)
	return hole, append(changed, l.position(name))
}

// source gives the position of the source as a whole, if anything came yet.
func (g *Finder) source() []Position {
	if g.sequences.received.IsZero() {
		return nil
	}
	return []Position{g.sequences.position("")}
}

// Interrupt notes that messages may have been lost, any number: the source was not connected, or nothing ran. A counter
// may have gone far before it is seen again.
func (g *Finder) Interrupt() {
	for _, l := range g.counters {
		l.interrupt()
	}
	g.sequences.interrupt()
}

// evict forgets the name whose messages came longest ago.
func (g *Finder) evict() string {
	first := ""
	for name, l := range g.counters {
		if first == "" || l.received.Before(g.counters[first].received) {
			first = name
		}
	}
	delete(g.counters, first)
	return first
}
