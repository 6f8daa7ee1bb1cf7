package gaps

import (
	"slices"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A line is the tracks of one publisher's name, or the sequences of a source.
type line struct {
	tracks   []*track
	received time.Time
	id       string
}

// A track is the counter of one process, as far as that can be known:
//
//   - A track at i-1 advances to i. Of several such tracks, the one that advanced last does.
//   - A track that is at i already: a repeat, or a process in step with another. Nothing follows from it.
//   - i of 1 begins a track: a process has started.
//   - Otherwise look at the nearest track below i. Within gapWindow it may have lost what lies between, or i may be of
//     a process not seen before. A new track begins at i and suspects the other one. If the new track advances while
//     the other stands still, the messages between them are missing, and the other track ends. If the other advances
//     first, they are two processes, and the suspicion is dropped.
//   - Anything else begins a track.
//
// The track of a sequence knows its publishers: they go on with it, and where one of them jumps there is no suspicion
// but a loss.
type track struct {
	at          int64
	advanced    time.Time
	interrupted bool     // it stood so when messages may have been lost, any number
	suspect     *track   // which may have lost what lies between it and the begin of this track; nil: none
	suspectAt   int64    // where suspect was then
	hole        bus.Hole // what lies between

	publishers map[string]bool // of a sequence; nil where it was restored and nobody has advanced it
	below      int64           // of a sequence: the last number below at
}

const (
	gapWindow       = 1000    // the largest gap that is taken for a loss, in messages
	interruptWindow = 1 << 20 // the same where the source was interrupted, and of a sequence
	maxTracks       = 32      // of one name
	maxNumbers      = 8       // of one name that are stored
	maxPublishers   = 256     // of one sequence that are known
	trackLife       = 6 * time.Hour
	interruptedLife = 7 * 24 * time.Hour // of a track that nothing could advance, and of a sequence
)

func (l *line) heard(s Sighting) { l.received, l.id = s.Received, s.ID }

// counter notes a number of a process.
func (l *line) counter(s Sighting) *bus.Hole {
	l.expire(s.Received)
	i, now := s.Counter, s.Received
	if t := l.latest(i - 1); t != nil && i > 1 {
		return l.advance(t, i, now)
	}
	if t := l.latest(i); t != nil {
		t.advanced = now
		return nil
	}
	below := l.nearestBelow(i)
	near := i != 1 && below != nil && i-below.at-1 <= below.window()
	switch {
	case s.Repeat && near: // what is known needs no proof that it was lost
		below.at, below.advanced, below.interrupted = i, now, false
		return nil
	case s.Repeat:
		return nil
	}
	begun := l.begin(i, now)
	if !near {
		return nil
	}
	return l.suspicion(begun, below, bus.Hole{Publisher: s.Publisher()})
}

func (l *line) begin(i int64, now time.Time) *track {
	begun := &track{at: i, advanced: now}
	l.tracks = append(l.tracks, begun)
	if len(l.tracks) > maxTracks {
		o := oldest(l.tracks)
		l.tracks = slices.Delete(l.tracks, o, o+1)
	}
	return begun
}

// suspicion lets begun suspect below. Where below suspects another track itself, this jump is its advance: below was a
// process that goes on.
func (l *line) suspicion(begun, below *track, lost bus.Hole) *bus.Hole {
	found := l.resolve(below)
	begun.suspect, begun.suspectAt, begun.hole = below, below.at, between(lost, below, begun)
	return found
}

// between gives h with what lies between two tracks.
func between(h bus.Hole, before, after *track) bus.Hole {
	h.First, h.Last, h.Missing = before.at+1, after.at-1, after.at-before.at-1
	h.Since, h.Until = before.advanced, after.advanced
	return h
}

// advance sets a track to i and resolves its suspicion.
func (l *line) advance(t *track, i int64, now time.Time) *bus.Hole {
	t.at, t.advanced, t.interrupted = i, now, false
	return l.resolve(t)
}

// resolve decides the suspicion of t, if it has one: it gives the hole, and ends the track that lost the messages.
func (l *line) resolve(t *track) *bus.Hole {
	s := t.suspect
	t.suspect = nil
	if s == nil || s.at != t.suspectAt {
		return nil
	}
	i := slices.Index(l.tracks, s)
	if i < 0 {
		return nil
	}
	l.tracks = slices.Delete(l.tracks, i, i+1)
	for name := range s.publishers {
		t.know(name)
	}
	return &t.hole
}

func (t *track) window() int64 {
	if t.interrupted {
		return interruptWindow
	}
	return gapWindow
}

// expire ends tracks that nothing has advanced for long.
func (l *line) expire(now time.Time) {
	l.tracks = slices.DeleteFunc(l.tracks, func(t *track) bool {
		life := trackLife
		if t.interrupted || t.publishers != nil {
			life = interruptedLife
		}
		return now.Sub(t.advanced) > life
	})
}

// interrupt notes that every track may go on far from where it stands.
func (l *line) interrupt() {
	for _, t := range l.tracks {
		t.interrupted = true
	}
}

// latest is the track at i that advanced last; nil for none.
func (l *line) latest(i int64) *track {
	var found *track
	for _, t := range l.tracks {
		if t.at == i && (found == nil || !t.advanced.Before(found.advanced)) {
			found = t
		}
	}
	return found
}

func (l *line) nearestBelow(i int64) *track {
	var found *track
	for _, t := range l.tracks {
		if t.at < i && (found == nil || t.at >= found.at) {
			found = t
		}
	}
	return found
}

func oldest(tracks []*track) int {
	o := 0
	for i, t := range tracks {
		if t.advanced.Before(tracks[o].advanced) {
			o = i
		}
	}
	return o
}
