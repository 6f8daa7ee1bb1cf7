package gaps

import "github.com/notifyd/notifyd/bus"

// sequence notes a number of a store. followed says that the message belongs to a sequence that is known, and that
// nothing is missing before it but the hole.
func (l *line) sequence(s Sighting) (hole *bus.Hole, followed bool) {
	l.expire(s.Received)
	n, now, name := s.Sequence, s.Received, s.Publisher()
	if t := l.latest(n - 1); t != nil && n > 1 {
		t.know(name)
		return l.advance(t, n, now), !s.Unproved
	}
	if t := l.latest(n); t != nil {
		t.advanced = now
		return nil, false
	}
	if s.Unproved {
		return nil, false
	}
	t := l.knowing(name, n)
	switch {
	case t == nil && s.Repeat:
		return nil, false
	case t == nil:
		begun := l.begin(n, now)
		begun.know(name)
		if below := l.nearestBelow(n); below != nil && n-below.at-1 <= below.window() {
			return l.suspicion(begun, below, bus.Hole{Sequence: true, Publisher: name}), false
		}
		return nil, false
	case n < t.at:
		t.goBack(n, s.Late || s.Repeat)
		return nil, false
	}
	lost := between(bus.Hole{Sequence: true, Publisher: name}, t, &track{at: n, advanced: now})
	t.know(name)
	l.advance(t, n, now)
	if s.Repeat || lost.Missing > interruptWindow { // it is known, or the store was made anew
		return nil, false
	}
	return &lost, true
}

// reach notes a number where gaps are no losses: what came after the highest can be asked for.
func (l *line) reach(s Sighting) {
	switch {
	case s.Sequence <= 0 || s.Unproved:
	case len(l.tracks) == 0:
		l.begin(s.Sequence, s.Received)
	case s.Sequence > l.tracks[0].at && s.Sequence-l.tracks[0].at <= interruptWindow:
		l.tracks[0].at, l.tracks[0].advanced = s.Sequence, s.Received
	}
}

// goBack follows a store that was made anew: two numbers in a row below where the track stands.
func (t *track) goBack(n int64, old bool) {
	switch {
	case old:
	case t.below > 0 && n == t.below+1:
		t.at, t.below = n, 0
	default:
		t.below = n
	}
}

// know notes that the messages of a publisher are numbered by this sequence.
func (t *track) know(name string) {
	if t.publishers == nil {
		t.publishers = map[string]bool{}
	}
	if len(t.publishers) < maxPublishers {
		t.publishers[name] = true
	}
}

// knowing is the sequence of a publisher that advanced last. One that was restored knows nobody yet: it is that of
// whoever comes next above it.
func (l *line) knowing(name string, n int64) *track {
	var found, restored *track
	for _, t := range l.tracks {
		switch {
		case t.publishers[name]:
			if found == nil || !t.advanced.Before(found.advanced) {
				found = t
			}
		case t.publishers == nil && t.at < n && (restored == nil || t.at > restored.at):
			restored = t
		}
	}
	if found == nil {
		return restored
	}
	return found
}
