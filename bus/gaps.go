package bus

import (
	"slices"
	"time"
)

// Gaps finds messages that were lost on the way, from the counter i that each fedmsg publisher counts up from 1 since its
// start. A message does not say which process sent it: several share a publisher's name (see Head.Publisher), a relay
// interleaves them, they restart, and some never count (PHP sends 1 always, what came from AMQP has 0). So for each name
// Gaps follows several tracks, a track being the counter of one process as far as can be told:
//
//   - i of 0 or less says nothing.
//   - A track that stands at i-1 moves to i. Of several, the one that moved last.
//   - A track that stands at i already: a repeat, or a process in step with another; nothing is concluded.
//   - i of 1 begins a track: a process has started.
//   - Otherwise the track nearest below, if less than gapWindow below, may have lost what lies between, or i may be of
//     a process not seen before. A track begins at i that suspects the other one. If the suspecting track moves on
//     while the other has stood still, the messages between are reported missing and the other is ended; if the other
//     moves first, they were two processes and the suspicion is dropped.
//   - Anything else begins a track.
//
// So a loss is reported with the second message after it; one that hides among processes in step is missed, one process
// seen for the first time close above another that pauses is reported once wrongly. State is bounded: maxTracks tracks a
// name, the one that moved longest ago goes first; the names are bounded likewise. Gaps is not safe for concurrent use.
type Gaps struct {
	names  int
	tracks map[string][]*track
	moved  map[string]time.Time
}

// The bounds: how far a track may jump, how many a name may have, and how long one is remembered that does not move.
const (
	gapWindow = 1000
	maxTracks = 32
	trackLife = 6 * time.Hour
)

type track struct {
	at       int64
	moved    time.Time
	suspect  *track // which may have lost what lies between it and this track's begin
	missing  int64  // how many those are
	standing int64  // where suspect stood then
}

// NewGaps makes a Gaps that knows at most names publishers' names, at least one.
func NewGaps(names int) *Gaps {
	return &Gaps{names: max(names, 1), tracks: map[string][]*track{}, moved: map[string]time.Time{}}
}

// See takes note of a message and says how many messages are now known to be missing; nearly always 0.
func (g *Gaps) See(h Head, now time.Time) int64 {
	if h.Counter <= 0 {
		return 0
	}
	name := h.Publisher()
	tracks := slices.DeleteFunc(g.tracks[name], func(t *track) bool { return now.Sub(t.moved) > trackLife })
	tracks, missing := see(tracks, h.Counter, now)
	if len(tracks) > maxTracks {
		i := oldest(tracks)
		tracks = slices.Delete(tracks, i, i+1)
	}
	if _, known := g.tracks[name]; !known && len(g.tracks) >= g.names {
		g.forgetOne()
	}
	g.tracks[name], g.moved[name] = tracks, now
	return missing
}

func see(tracks []*track, i int64, now time.Time) ([]*track, int64) {
	if t := latest(tracks, i-1); t != nil && i > 1 {
		tracks, missing := t.move(tracks, i, now)
		return tracks, missing
	}
	if t := latest(tracks, i); t != nil {
		t.moved = now
		return tracks, 0
	}
	fresh := &track{at: i, moved: now}
	below := nearestBelow(tracks, i)
	if i == 1 || below == nil || i-below.at > gapWindow {
		return append(tracks, fresh), 0
	}
	// A track that is itself in doubt and now jumps was a process that goes on: what it suspects stands still.
	tracks, missing := below.settle(tracks)
	fresh.suspect, fresh.missing, fresh.standing = below, i-below.at-1, below.at
	return append(tracks, fresh), missing
}

// move sets the track to i and settles its suspicion.
func (t *track) move(tracks []*track, i int64, now time.Time) ([]*track, int64) {
	t.at, t.moved = i, now
	return t.settle(tracks)
}

// settle decides t's suspicion, if it has one: it gives the messages missing and ends the track that lost them.
func (t *track) settle(tracks []*track) ([]*track, int64) {
	s := t.suspect
	t.suspect = nil
	if s == nil || s.at != t.standing {
		return tracks, 0
	}
	i := slices.Index(tracks, s)
	if i < 0 {
		return tracks, 0
	}
	return slices.Delete(tracks, i, i+1), t.missing
}

// latest is the track that stands at i and moved last; nil for none.
func latest(tracks []*track, i int64) *track {
	var found *track
	for _, t := range tracks {
		if t.at == i && (found == nil || !t.moved.Before(found.moved)) {
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
		if t.moved.Before(tracks[o].moved) {
			o = i
		}
	}
	return o
}

// forgetOne drops the name that was heard of longest ago.
func (g *Gaps) forgetOne() {
	first := ""
	for name, at := range g.moved {
		if first == "" || at.Before(g.moved[first]) {
			first = name
		}
	}
	delete(g.tracks, first)
	delete(g.moved, first)
}
