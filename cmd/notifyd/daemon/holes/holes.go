// Package holes follows where each source stands, and which messages it lacks.
//
// The router tells a Tracker of every message, in the order of the frames (Sight), and stores with each batch what has
// changed by it (Save, Committed, Routed). Package bus/gaps finds in it what is missing. A filler (bus/backlog) asks
// for that, by the holes Of its source.
//
//	tracker.Sight(frame, message, repeat, unproved) // for each message of a batch
//	tx(func() { store(events); tracker.Save(tx, added) })
//	tracker.Committed()
//	tracker.Routed() // once the batch is over
//
// What always holds:
//
//   - A position, and a hole, is stored by the transaction that stores the messages which say so. So a kill at any
//     moment loses no hole: the next start finds it again.
//   - Whatever was sent while a source was not connected, or nothing ran, is a hole, where something can fill it
//     (Config.Fillable). It is opened before the first message moves the source on.
package holes

import (
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/gaps"
	"github.com/notifyd/notifyd/history"
)

// maxPublishers bounds the publishers of one source whose counters are followed.
const maxPublishers = 1024

// A Tracker knows where the sources stand. The router and the fillers use it at the same time. A nil Tracker follows
// nothing.
type Tracker struct {
	Config

	sightings []*sighting // of the batch that is being routed; the router's alone
	saved     int         // how many of them the transaction stores

	mu      sync.Mutex
	sources map[string]*place
}

// A Config is what a Tracker works with.
type Config struct {
	Store   *history.Store
	Metrics Metrics
	// Fillable reports whether somebody can be asked for what a source lacks. It is called under a lock.
	Fillable func(source string) bool
	// NotifyWithin is the age up to which a message that came late still notifies people.
	NotifyWithin time.Duration
	Now          func() time.Time
	Log          *slog.Logger
}

// Metrics are what a Tracker counts.
type Metrics struct {
	Gaps, Missing *prometheus.CounterVec // by source
	Filled        *prometheus.CounterVec // by source and archive
	TooLate       *prometheus.CounterVec // by source
}

// New makes a Tracker.
func New(c Config) *Tracker { return &Tracker{Config: c, sources: map[string]*place{}} }

// A place is what is known of one source.
type place struct {
	gaps   *gaps.Finder
	moved  map[string]gaps.Position // by publisher; changed by messages, and not stored yet
	stored map[int64]holeRow        // the holes that are rows of the database, by number
	saving history.Place            // what the transaction under way stores
	wake   chan struct{}            // has room for one: a hole is open
	said   saidHoles
	filler string // bus.Archive.Name of the one that fills a hole now
	filled int64  // messages that came late and were new
	away   bool   // another node says where the source stands: what comes of it now was received before
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

// of returns what is known of a source. The caller holds mu.
func (h *Tracker) of(source string) *place {
	s := h.sources[source]
	if s == nil {
		s = &place{
			gaps: gaps.New(maxPublishers), moved: map[string]gaps.Position{}, stored: map[int64]holeRow{},
			wake: make(chan struct{}, 1),
		}
		h.sources[source] = s
	}
	return s
}

// Sight notes a message that the router has decoded and judged, or one that it knows already: then no event follows.
func (h *Tracker) Sight(f bus.Frame, m *bus.Message, repeat, unproved bool) {
	if h == nil {
		return
	}
	signer := ""
	if m.Standing.Proved() {
		signer = m.Standing.Signer
	}
	h.sightings = append(h.sightings, &sighting{
		source: f.Source, signer: signer, resumed: f.Resumed, event: !repeat, silent: h.TooLate(m),
		Sighting: gaps.Sighting{
			Envelope: m.Envelope(), ID: m.ID, Received: h.Now(), Late: f.Late, Whole: f.Whole, Repeat: repeat,
			Unproved: unproved,
		},
	})
}

// TooLate reports whether a message came so late that it goes into the history alone. One that says no time may be of
// any.
func (h *Tracker) TooLate(m *bus.Message) bool {
	return h != nil && m.Late && (m.Undated() || h.Now().Sub(m.Time) > h.NotifyWithin)
}
