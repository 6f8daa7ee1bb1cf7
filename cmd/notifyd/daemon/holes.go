package daemon

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/gaps"
	"github.com/notifyd/notifyd/history"
)

// maxPublishers bounds the publishers of one source whose counters are followed.
const maxPublishers = 1024

// A holesTracker knows where each source stands and which messages it lacks. The router tells it of every message, in
// the order of the frames, and stores with each batch what has changed by it. The fillers (holes_fill.go) ask it what
// is missing. A nil tracker follows nothing.
type holesTracker struct {
	store   *history.Store
	metrics *metrics
	log     *slog.Logger
	now     func() time.Time
	// notifyWithin is the age up to which a message that came late still notifies people.
	notifyWithin time.Duration

	sightings []*sighting // of the batch that is being routed; the router's alone
	saved     int         // how many of them the transaction stores

	mu       sync.Mutex
	sources  map[string]*sourceHoles
	fillable map[string]bool // sources whose holes can be filled; set before anything runs
}

// A sourceHoles is what is known of one source.
type sourceHoles struct {
	gaps   *gaps.Finder
	moved  map[string]gaps.Position // by publisher; changed by messages, and not stored yet
	stored map[int64]holeRow        // the holes that are rows of the database, by number
	saving history.Place            // what the transaction under way stores
	wake   chan struct{}            // has room for one: a hole is open
	said   saidHoles
	filler string // bus.Archive.Name of the one that fills a hole now
	filled int64  // messages that came late and were new
}

// A holeRow is what may change of the row of a hole: First, and Since and Until in microseconds.
type holeRow struct{ first, since, until int64 }

func rowOf(h bus.Hole) holeRow { return holeRow{h.First, h.Since.UnixMicro(), h.Until.UnixMicro()} }

// A sighting is a message of the batch that is being routed.
type sighting struct {
	gaps.Sighting
	source   string
	signer   string // whose signature the message bears, where that is proved
	resumed  bool
	event    bool // the router makes an event of it
	silent   bool // nobody is notified
	observed bool // and found is what it shows
	found    *bus.Hole
}

func newHolesTracker(store *history.Store, m *metrics, now func() time.Time, log *slog.Logger) *holesTracker {
	return &holesTracker{
		store: store, metrics: m, now: now, log: log, sources: map[string]*sourceHoles{}, fillable: map[string]bool{},
	}
}

// of returns what is known of a source. The caller holds mu.
func (h *holesTracker) of(source string) *sourceHoles {
	s := h.sources[source]
	if s == nil {
		s = &sourceHoles{
			gaps: gaps.New(maxPublishers), moved: map[string]gaps.Position{}, stored: map[int64]holeRow{},
			wake: make(chan struct{}, 1),
		}
		h.sources[source] = s
	}
	return s
}

// sight notes a message that the router has decoded and judged, or one that it knows already: then no event follows.
func (h *holesTracker) sight(f bus.Frame, m *bus.Message, repeat, unproved bool) {
	if h == nil {
		return
	}
	signer := ""
	if m.Standing.Proved() {
		signer = m.Standing.Signer
	}
	h.sightings = append(h.sightings, &sighting{
		source: f.Source, signer: signer, resumed: f.Resumed, event: !repeat, silent: h.tooLate(m),
		Sighting: gaps.Sighting{
			Envelope: m.Envelope(), ID: m.ID, Received: h.now(), Late: f.Late, Whole: f.Whole, Repeat: repeat,
			Unproved: unproved,
		},
	})
}

// tooLate reports whether a message came so late that it goes into the history alone. One that says no time may be of
// any.
func (h *holesTracker) tooLate(m *bus.Message) bool {
	return h != nil && m.Late && (m.Undated() || h.now().Sub(m.Time) > h.notifyWithin)
}

// save stores, as part of tx, what the next events have changed, and what was between them; added says which of the
// events are new. It may be called again for the same events after their transaction has failed.
func (h *holesTracker) save(tx *gorm.DB, added []bool) error {
	if h == nil {
		return nil
	}
	return h.store.SavePlaces(tx, h.observe(added))
}

func (h *holesTracker) observe(added []bool) []history.Place {
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
func (s *sourceHoles) place(name string) history.Place {
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

func (h *holesTracker) observeOne(s *sighting) {
	of := h.of(s.source)
	if s.resumed {
		of.gaps.Interrupt()
		if hole := of.interruption(s.Received); hole != nil && h.fillable[s.source] {
			of.gaps.Add(*hole)
		}
	}
	changed, found := of.gaps.Observe(s.Sighting)
	for _, position := range changed {
		of.moved[position.Publisher] = position
	}
	if found != nil && !h.fillable[s.source] {
		of.gaps.Close(*found)
	}
	s.observed, s.found = true, found
}

// committed notes that what save has stored is in the database, and reports the holes that it shows.
func (h *holesTracker) committed() {
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
func (s *sourceHoles) noteStored() {
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

// routed notes that the batch is over. What is left are messages known before; what they have changed is stored with
// the next batch.
func (h *holesTracker) routed() {
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

func (h *holesTracker) report(s *sighting) {
	of := h.of(s.source)
	if s.Late && !s.Repeat {
		of.filled++
		h.metrics.filled.WithLabelValues(s.source, of.filler).Inc()
		if s.silent {
			h.metrics.tooLate.WithLabelValues(s.source).Inc()
		}
	}
	if s.found == nil {
		return
	}
	h.metrics.gaps.WithLabelValues(s.source).Inc()
	h.metrics.missing.WithLabelValues(s.source).Add(float64(s.found.Missing))
	h.say(s, of)
}

// restore reads where the sources stood when the daemon ran last. Whatever was sent since then may be missing: that is
// a hole, where something can fill it, and it is stored before the first message moves the source on.
func (h *holesTracker) restore(ctx context.Context, db *gorm.DB) error {
	places, err := h.store.Places(ctx)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var opened []history.Place
	for _, p := range places {
		s := h.of(p.Source)
		s.gaps.Restore(p.Positions)
		for _, hole := range p.Holes {
			s.gaps.Add(hole)
			s.stored[hole.Number] = rowOf(hole)
		}
		hole := s.interruption(h.now())
		if hole == nil || !h.fillable[p.Source] {
			continue
		}
		h.log.Info("messages may be missing", "source", p.Source, "since", hole.Since)
		s.saving = history.Place{Source: p.Source, Holes: []bus.Hole{*s.gaps.Add(*hole)}}
		opened = append(opened, s.saving)
		s.noteStored()
	}
	return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return h.store.SavePlaces(tx, opened) })
}
