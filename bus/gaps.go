package bus

import (
	"slices"
	"time"
)

// Gaps finds messages that were lost on the way, by the sequence numbers of their publishers: every fedmsg process
// counts its messages from 1, in the field i. A message does not say which process sent it. Several processes share a
// publisher's name (Envelope.Publisher), a relay interleaves them, they restart, and some never count: PHP always sends
// 1, and what came from AMQP has 0. So Gaps follows several tracks for each name. A track is the counter of one
// process, as far as that can be known:
//
//   - i of 0 or less is ignored.
//   - A track at i-1 advances to i. Of several such tracks, the one that advanced last does.
//   - A track that is at i already: a repeat, or a process in step with another. Nothing follows from it.
//   - i of 1 begins a track: a process has started.
//   - Otherwise look at the nearest track below i. Within gapWindow it may have lost what lies between, or i may be of
//     a process not seen before. A new track begins at i and suspects the other one. If the new track advances while
//     the other stands still, the messages between them are missing, and the other track ends. If the other advances
//     first, they are two processes, and the suspicion is dropped.
//   - Anything else begins a track.
//
// So a loss is found with the second message after it. A loss among processes in step is not found. A process that is
// seen for the first time close above another that pauses is once taken for a loss.
//
// Memory is bounded: each name has maxTracks tracks at most, and the one that advanced longest ago goes first; the
// number of names is bounded in the same way. Gaps is not safe for concurrent use.
type Gaps struct {
	names    int
	tracks   map[string][]*track
	advanced map[string]time.Time
}

const (
	gapWindow = 1000          // the largest gap that is taken for a loss, in messages
	maxTracks = 32            // of one name
	trackLife = 6 * time.Hour // after its last advance
)

type track struct {
	at        int64
	advanced  time.Time
	suspect   *track // which may have lost what lies between it and the begin of this track; nil: none
	missing   int64  // how many messages lie between
	suspectAt int64  // where suspect was then
}

// NewGaps makes a Gaps that remembers so many names of publishers, at least one.
func NewGaps(names int) *Gaps {
	return &Gaps{names: max(names, 1), tracks: map[string][]*track{}, advanced: map[string]time.Time{}}
}

// Observe notes that a message has come, and gives how many messages it shows to be missing: nearly always 0.
func (g *Gaps) Observe(e Envelope, now time.Time) int64 {
	if e.Counter <= 0 {
		return 0
	}
	name := e.Publisher()
	tracks := slices.DeleteFunc(g.tracks[name], func(t *track) bool { return now.Sub(t.advanced) > trackLife })
	tracks, missing := observe(tracks, e.Counter, now)
	if len(tracks) > maxTracks {
		i := oldest(tracks)
		tracks = slices.Delete(tracks, i, i+1)
	}
	if _, known := g.tracks[name]; !known && len(g.tracks) >= g.names {
		g.evict()
	}
	g.tracks[name], g.advanced[name] = tracks, now
	return missing
}

func observe(tracks []*track, i int64, now time.Time) ([]*track, int64) {
	if t := latest(tracks, i-1); t != nil && i > 1 {
		tracks, missing := t.advance(tracks, i, now)
		return tracks, missing
	}
	if t := latest(tracks, i); t != nil {
		t.advanced = now
		return tracks, 0
	}
	begun := &track{at: i, advanced: now}
	below := nearestBelow(tracks, i)
	if i == 1 || below == nil || i-below.at > gapWindow {
		return append(tracks, begun), 0
	}
	// Where below suspects another track itself, this jump is its advance: below was a process that goes on.
	tracks, missing := below.resolve(tracks)
	begun.suspect, begun.missing, begun.suspectAt = below, i-below.at-1, below.at
	return append(tracks, begun), missing
}

// advance sets the track to i and resolves its suspicion.
func (t *track) advance(tracks []*track, i int64, now time.Time) ([]*track, int64) {
	t.at, t.advanced = i, now
	return t.resolve(tracks)
}

// resolve decides the suspicion of t, if it has one: it gives how many messages are missing, and ends the track that
// lost them.
func (t *track) resolve(tracks []*track) ([]*track, int64) {
	s := t.suspect
	t.suspect = nil
	if s == nil || s.at != t.suspectAt {
		return tracks, 0
	}
	i := slices.Index(tracks, s)
	if i < 0 {
		return tracks, 0
	}
	return slices.Delete(tracks, i, i+1), t.missing
}

// latest is the track at i that advanced last; nil for none.
func latest(tracks []*track, i int64) *track {
	var found *track
	for _, t := range tracks {
		if t.at == i && (found == nil || !t.advanced.Before(found.advanced)) {
			found = t
		}
	}
	return found
}

func nearestBelow(tracks []*track, i int64) *track {
	var found *track
	for _, t := range tracks {
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

// evict forgets the name whose messages came longest ago.
func (g *Gaps) evict() {
	first := ""
	for name, at := range g.advanced {
		if first == "" || at.Before(g.advanced[first]) {
			first = name
		}
	}
	delete(g.tracks, first)
	delete(g.advanced, first)
}
