package gaps

import (
	"slices"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A Position is where a publisher stands: what is stored of it for the next start.
type Position struct {
	Publisher string  // by bus.Envelope.Publisher; "": the source as a whole, whose numbers are seq_ids
	Numbers   []int64 // of its tracks, the one that advanced last first
	Received  time.Time
	ID        string // of the last message; "": the publisher is forgotten
}

// A Sighting is a message as a Finder sees it.
type Sighting struct {
	bus.Envelope
	ID       string
	Received time.Time
	Late     bool // bus.Frame.Late
	// Whole is bus.Frame.Whole: without it numbers have gaps for good reason, and only how far the source came is noted.
	Whole bool
	// Repeat says that the message was known already, by this source or another.
	Repeat bool
	// Unproved says that anybody may have sent it, at a site that asks for proof. It does no more than advance a
	// sequence by one.
	Unproved bool
}

// mayFill reports whether the message counts for one that was missing: whatever an archive gives, and what comes live
// and is new and proved. seq_id is not signed, so that anybody could give a number that is missing to an old message.
func (s Sighting) mayFill() bool { return s.Late || s.Sequence > 0 && !s.Repeat && !s.Unproved }

// Restore sets where publishers stood when something ran last.
func (g *Finder) Restore(positions []Position) {
	for _, p := range positions {
		l := &g.sequences
		if p.Publisher != "" {
			if len(g.counters) >= g.names {
				continue
			}
			l = &line{}
			g.counters[p.Publisher] = l
		}
		l.restore(p)
	}
	g.Interrupt()
}

// Last gives when the source was heard last, and the sequence number that it had then; zero where that is not known.
func (g *Finder) Last() (time.Time, int64) {
	var newest track
	for _, t := range g.sequences.tracks {
		if !t.advanced.Before(newest.advanced) {
			newest = *t
		}
	}
	return g.sequences.received, newest.at
}

// position gives what is stored of the line.
func (l *line) position(publisher string) Position {
	sorted := slices.Clone(l.tracks)
	slices.SortStableFunc(sorted, func(a, b *track) int { return b.advanced.Compare(a.advanced) })
	p := Position{Publisher: publisher, Received: l.received, ID: l.id}
	for _, t := range sorted[:min(len(sorted), maxNumbers)] {
		p.Numbers = append(p.Numbers, t.at)
	}
	return p
}

func (l *line) restore(p Position) {
	l.received, l.id, l.tracks = p.Received, p.ID, nil
	for _, n := range slices.Backward(p.Numbers) {
		l.tracks = append(l.tracks, &track{at: n, advanced: p.Received})
	}
}
