package pace

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Watch listens to the services and endpoints of a bus. It is safe for concurrent use.
type Watch struct {
	config Config

	mu       sync.Mutex
	subjects map[Subject]*subject
	services int
	gone     []Subject // forgotten, and still stored
	refused  bool      // there was no room for a service since the last look

	since    time.Time // when it began to listen, after the last interruption
	last     time.Time // the last Tick
	minute   int64     // that is not over
	hour     int64
	listened int // minutes of this hour
}

// A subject is what a Watch knows of a Subject.
type subject struct {
	Subject
	*record
	last    time.Time // heard
	first   time.Time // heard in this minute
	before  time.Time // heard before this minute
	fresh   int       // messages of this minute
	again   time.Time // when the silence is worth another look
	silent  time.Time // since when it is silent: the time it was heard last; zero: it is not
	lost    bool      // it is silent because it is not connected
	down    time.Time // since when it is not connected; zero: it is, or never was
	wasUp   bool
	present bool // the endpoint is there
	unsaved bool
}

// NewWatch makes a Watch that has heard nothing.
func NewWatch(c Config) *Watch {
	c.SetDefaults()
	return &Watch{config: c, subjects: map[Subject]*subject{}}
}

// Heard notes a message of a subject. What there is no room for, or has too long a name, is left out.
func (w *Watch) Heard(of Subject, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.subject(of, now); s != nil {
		s.hear(now)
	}
}

// HeardAll notes several messages of a subject, the last of which came at a time.
func (w *Watch) HeardAll(of Subject, last time.Time, messages int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.subject(of, last); s != nil && messages > 0 {
		s.hear(last)
		s.fresh += messages - 1
	}
}

func (s *subject) hear(now time.Time) {
	if s.fresh == 0 {
		s.first, s.before = now, s.last
	}
	s.fresh++
	if now.After(s.last) {
		s.last = now
	}
}

// subject gives what is known of a subject; nil where there is no room.
func (w *Watch) subject(of Subject, now time.Time) *subject {
	if s := w.subjects[of]; s != nil {
		return s
	}
	full := of.What == Service && w.services >= MaxServices || len(w.subjects) >= 2*MaxServices
	if full || len(of.Name) > maxName || len(of.Under) > maxName || of.Name == "" {
		w.refused = w.refused || full
		return nil
	}
	of.Name, of.Under = strings.Clone(of.Name), strings.Clone(of.Under) // and not the whole of a topic
	s := &subject{Subject: of, record: newRecord(hourOf(now))}
	w.subjects[of] = s
	if of.What == Service {
		w.services++
	}
	return s
}

// Connected says which endpoints there are and whether frames can come from them. Others are forgotten.
func (w *Watch) Connected(up map[string]bool, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.subjects {
		s.present = false
	}
	for name, is := range up {
		s := w.subject(Subject{Endpoint, name, ""}, now)
		if s == nil {
			continue
		}
		s.present, s.wasUp = true, s.wasUp || is
		switch {
		case is:
			s.down = time.Time{}
		case s.down.IsZero() && s.wasUp:
			s.down = now
		}
	}
	for _, s := range w.subjects {
		if s.What == Endpoint && !s.present {
			w.forget(s)
		}
	}
}

func (w *Watch) forget(s *subject) {
	delete(w.subjects, s.Subject)
	w.gone = append(w.gone, s.Subject)
	if s.What == Service {
		w.services--
	}
}

// interrupted is the time between two Ticks from which on nobody is taken to have listened: a machine that slept, a
// clock that was set.
const interrupted = 3 * time.Minute

// Tick is called each minute, or more often. It gives what has changed since the last: sorted, so that it is always the
// same.
func (w *Watch) Tick(now time.Time) []Change {
	w.mu.Lock()
	defer w.mu.Unlock()
	minute := floorDiv(now.Unix(), 60)
	over := minute != w.minute
	if pause := now.Sub(w.last); w.last.IsZero() || pause < 0 || pause > interrupted {
		w.since = now
	} else if over {
		w.listened++
	}
	w.last, w.minute = now, minute
	var changes []Change
	for _, s := range w.subjects {
		if over {
			w.endMinute(s)
		}
		if c, changed := w.look(s, now); changed {
			changes = append(changes, c)
		}
	}
	if hour := hourOf(now); hour != w.hour {
		for _, s := range w.subjects {
			s.advance(hour, w.listened >= 55)
			s.unsaved = true
		}
		w.hour, w.listened = hour, 0
		w.tidy(now)
	}
	slices.SortFunc(changes, func(a, b Change) int { return a.compare(b.Subject) })
	return changes
}

func (s Subject) compare(t Subject) int {
	return cmp.Or(cmp.Compare(s.What, t.What), cmp.Compare(s.Under, t.Under), cmp.Compare(s.Name, t.Name))
}

// endMinute puts a minute of a subject into its record.
func (w *Watch) endMinute(s *subject) {
	if s.fresh == 0 {
		return
	}
	if from := later(s.before, w.since); !s.before.IsZero() && s.first.Sub(from) >= time.Minute {
		s.ended(from, s.first)
	}
	s.heard(s.fresh)
	s.fresh, s.again, s.unsaved = 0, time.Time{}, true
}

// look reports whether a subject has fallen silent, or is back.
func (w *Watch) look(s *subject, now time.Time) (Change, bool) {
	switch {
	case !s.silent.IsZero() && (s.last.After(s.silent) || s.lost && s.down.IsZero()):
		c := Change{State: s.state(), Back: true, Since: s.silent} // Lost says what it was
		s.silent, s.lost, s.unsaved = time.Time{}, false, true
		c.State.State = Normal
		return c, true
	case s.silent.IsZero() && !s.down.IsZero() && now.Sub(s.down) >= w.config.LostAfter:
		s.lost = true
		return s.fall(now, 0), true
	case !s.silent.IsZero() || s.last.IsZero():
		return Change{}, false
	}
	from := later(s.last, w.since)
	if now.Sub(from) < shortest {
		return Change{}, false
	}
	if now.Before(s.again) {
		return Change{}, false
	}
	missing, limit := 0.0, float64(w.config.Missing)
	if m, ok := s.missing(from, now); ok {
		missing, limit = m, s.limit(limit)
		if missing >= limit {
			return s.fall(now, missing), true
		}
	}
	// a minute adds at most one to what is missing
	s.again = now.Add(time.Duration(min(limit-missing, 60) * float64(time.Minute)))
	return Change{}, false
}

// fall makes a subject silent.
func (s *subject) fall(now time.Time, missing float64) Change {
	s.silent, s.unsaved = s.last, true
	if s.silent.IsZero() {
		s.silent = now // it was never heard, and has lost its connection
	}
	return Change{State: s.state(), Since: s.silent, Missing: missing}
}

// later gives the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// tidy forgets what was shut down for good, and what strangers have made up.
func (w *Watch) tidy(now time.Time) {
	for _, s := range w.subjects {
		if s.What == Endpoint {
			continue
		}
		age := now.Sub(s.last)
		seldom := s.minutes() < w.config.Missing
		switch {
		case age > forgotten, !s.silent.IsZero() && age > givenUp, seldom && age > fleeting,
			seldom && age > crowded && w.services > MaxServices/2:
			w.forget(s)
		}
	}
}

// States gives what is known of all subjects, sorted. full says that there was no room for another.
func (w *Watch) States() (all []State, full bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.subjects {
		all = append(all, s.state())
	}
	slices.SortFunc(all, func(a, b State) int { return a.compare(b.Subject) })
	return all, w.refused && w.services >= MaxServices
}

func (s *subject) state() State {
	state := State{Subject: s.Subject, Last: s.last, State: Normal, Lost: s.lost}
	state.PerHour, state.Weeks = s.usual()
	switch {
	case !s.silent.IsZero():
		state.State = Silent
	case state.Weeks < 2:
		state.State = Unknown
	}
	return state
}
