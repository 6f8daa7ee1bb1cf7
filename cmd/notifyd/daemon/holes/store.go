package holes

import (
	"slices"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
)

// store.go stores what the messages of a batch have changed, in the transaction that stores them.

// Save stores, as part of tx, what the next events have changed, and what was between them; added says which of the
// events are new. It may be called again for the same events after their transaction has failed.
func (h *Tracker) Save(tx *gorm.DB, added []bool) error {
	if h == nil {
		return nil
	}
	return h.Store.SavePlaces(tx, h.observe(added))
}

func (h *Tracker) observe(added []bool) []history.Place {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.saved = 0
	for _, s := range h.sightings {
		if s.event {
			if len(added) == 0 {
				break
			}
			s.Repeat, added = !added[0], added[1:]
		}
		if !s.observed {
			h.observeOne(s)
		}
		h.saved++
	}
	var places []history.Place
	for name, s := range h.sources {
		s.saving = s.place(name)
		if p := s.saving; len(p.Positions)+len(p.Holes)+len(p.Closed) > 0 {
			places = append(places, p)
		}
	}
	return places
}

// place gives what has changed and is not stored.
func (s *place) place(name string) history.Place {
	p := history.Place{Source: name}
	for _, position := range s.moved {
		p.Positions = append(p.Positions, position)
	}
	open := s.gaps.Open()
	for _, hole := range open {
		if row, ok := s.stored[hole.Number]; !ok || row != rowOf(hole) {
			p.Holes = append(p.Holes, hole)
		}
	}
	for number := range s.stored {
		if !slices.ContainsFunc(open, func(h bus.Hole) bool { return h.Number == number }) {
			p.Closed = append(p.Closed, number)
		}
	}
	return p
}

func (h *Tracker) observeOne(s *sighting) {
	of := h.of(s.source)
	if of.away {
		s.observed = true
		return
	}
	if s.resumed {
		of.gaps.Interrupt()
		h.interrupt(s.source, of, s.Received)
	}
	changed, found := of.gaps.Observe(s.Sighting)
	for _, position := range changed {
		of.moved[position.Publisher] = position
	}
	if found != nil && !h.Fillable(s.source) {
		of.gaps.Close(*found)
	}
	s.observed, s.found = true, found
}

// Committed notes that what Save has stored is in the database, and reports the holes that it shows.
func (h *Tracker) Committed() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sources {
		clear(s.moved)
		s.noteStored()
	}
	for _, s := range h.sightings[:h.saved] {
		h.report(s)
	}
	h.sightings, h.saved = h.sightings[h.saved:], 0
}

// noteStored notes that what was looked at for the transaction is in the database. Since then the filler may have
// closed holes, and connections that were lost may have widened one: that is for the next transaction.
func (s *place) noteStored() {
	for _, hole := range s.saving.Holes {
		s.stored[hole.Number] = rowOf(hole)
	}
	for _, number := range s.saving.Closed {
		delete(s.stored, number)
	}
	s.saving = history.Place{}
	if len(s.gaps.Open()) > 0 {
		s.wakeFiller()
	}
}

// Routed notes that the batch is over. What is left are messages known before; what they have changed is stored with
// the next batch.
func (h *Tracker) Routed() {
	if h == nil {
		return
	}
	h.observe(nil)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sightings[:h.saved] {
		h.report(s)
	}
	h.sightings, h.saved = nil, 0
}

func (h *Tracker) report(s *sighting) {
	of := h.of(s.source)
	if s.Late && !s.Repeat {
		of.filled++
		h.Metrics.Filled.WithLabelValues(s.source, of.filler).Inc()
		if s.silent {
			h.Metrics.TooLate.WithLabelValues(s.source).Inc()
		}
	}
	if s.found == nil {
		return
	}
	h.Metrics.Gaps.WithLabelValues(s.source).Inc()
	h.Metrics.Missing.WithLabelValues(s.source).Add(float64(s.found.Missing))
	h.say(s, of)
}
