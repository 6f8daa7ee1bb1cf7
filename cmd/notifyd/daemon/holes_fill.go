package daemon

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/backlog"
	"github.com/notifyd/notifyd/internal/metric"
)

// archives returns who can fill the holes of each source, in the order in which they are asked: the publishers' own
// stores, and the datagrepper.
func (s *Service) archives() map[string][]bus.Archive {
	all := map[string][]bus.Archive{}
	for _, source := range s.sources {
		if archived, ok := source.(bus.Archived); ok {
			for name, archive := range archived.Archives() {
				all[name] = append(all[name], archive)
			}
		}
	}
	for _, name := range sourceNames(s.sources) {
		if s.settings.Backlog.Has(name) {
			all[name] = append(all[name], backlog.NewDatagrepper(s.settings.Backlog, s.env.Now))
		}
	}
	return all
}

// wants returns what a source would receive live; nil: everything.
func (s *Service) wants(name string) func(topic string) bool {
	for _, source := range s.sources {
		selective, ok := source.(bus.Selective)
		if ok && slices.Contains(sourceNames(map[string]bus.Source{"": source}), name) {
			return func(topic string) bool { return selective.Wants(name, topic) }
		}
	}
	return nil
}

// openHoles reads what the sources may lack since the daemon ran last, and makes a filler for each source that somebody
// can be asked for.
func (s *Service) openHoles(ctx context.Context) error {
	s.holes = newHolesTracker(s.history, s.metrics, s.env.Now, s.log)
	s.holes.notifyWithin = s.settings.Backlog.NotifyWithin
	archives := s.archives()
	for _, name := range slices.Sorted(maps.Keys(archives)) {
		s.holes.fillable[name] = true
		s.fillers = append(s.fillers, &backlog.Filler{
			Source: name, Config: s.settings.Backlog, Archives: archives[name], Wants: s.wants(name),
			Holes: &holesOf{s.holes, name}, Now: s.env.Now, Random: rand.Float64, Log: s.log,
		})
	}
	return s.holes.restore(ctx, s.db.Writer)
}

// startFillers starts what fills holes: it ends with the sources, since it hands frames over as they do.
func (s *Service) startFillers(intake *runGroup, in *bus.Intake) {
	for _, f := range s.fillers {
		f.Put = in.Put
		intake.start("holes of "+f.Source, f.Run)
	}
	if len(s.fillers) > 0 {
		intake.start("connections", s.watchConnections)
	}
}

// connectionsWatched is how often the connections of sources are looked at. The first message after a lost connection
// says that one was lost; but it may be long in coming, and what was lost should not wait for it.
const connectionsWatched = time.Second

// watchConnections opens a hole for each source that was connected, until ctx ends.
func (s *Service) watchConnections(ctx context.Context) error {
	tick := time.NewTicker(connectionsWatched)
	defer tick.Stop()
	var known map[string]connects
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := s.connects()
		for name, n := range now {
			if n.up > known[name].up || n.again > known[name].again {
				s.holes.reconnected(name)
			}
		}
		known = now
	}
}

// connects is how often a source was connected: the connections that it has, and those made after a first.
type connects struct{ up, again float64 }

func (s *Service) connects() map[string]connects {
	all := map[string]connects{}
	for _, source := range s.sources {
		metered, ok := source.(bus.Metered)
		if !ok {
			continue
		}
		metered.Collect(func(d *metric.Desc, value float64, labels ...string) {
			at := slices.Index(d.Labels, "source")
			if at < 0 || at >= len(labels) {
				return
			}
			n := all[labels[at]]
			switch d.Name {
			case bus.ConnectedMetric:
				n.up += value
			case bus.ReconnectsMetric:
				n.again += value
			}
			all[labels[at]] = n
		})
	}
	return all
}

// reconnected opens a hole of unknown size since the last message of a source. The next batch stores it; until then a
// restart would find it again, by the time of that message.
func (h *holesTracker) reconnected(source string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.of(source)
	if hole := s.interruption(h.now()); hole != nil && h.fillable[source] {
		s.gaps.Add(*hole)
		s.wakeFiller()
	}
}

// interruption is the hole of unknown size since the last message; nil where none came yet.
func (s *sourceHoles) interruption(now time.Time) *bus.Hole {
	last, sequence := s.gaps.Last()
	if last.IsZero() {
		return nil
	}
	hole := &bus.Hole{Since: last, Until: now}
	if sequence > 0 {
		hole.Sequence, hole.First = true, sequence+1
	}
	return hole
}

// wakeFiller tells the filler that a hole is open.
func (s *sourceHoles) wakeFiller() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// A holesOf is the holes of one source, as its filler sees them. The router inserts their rows; it must not find one
// again that it has deleted, so that nothing here inserts any.
type holesOf struct {
	*holesTracker
	source string
}

// Wake implements backlog.Holes.
func (h *holesOf) Wake() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.of(h.source).wake
}

// Open implements backlog.Holes.
func (h *holesOf) Open() []bus.Hole {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.of(h.source).gaps.Open()
}

// Filling implements backlog.Holes.
func (h *holesOf) Filling(archive string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.of(h.source).filler = archive
}

// Filled implements backlog.Holes.
func (h *holesOf) Filled() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.of(h.source).filled
}

// Narrow implements backlog.Holes.
func (h *holesOf) Narrow(ctx context.Context, number, next int64, reached time.Time) error {
	h.mu.Lock()
	hole, open := h.of(h.source).gaps.Narrow(number, next, reached)
	h.mu.Unlock()
	if !open {
		return nil
	}
	return h.store.NarrowHole(ctx, h.source, hole)
}

// Close implements backlog.Holes. A row that is left by a failure is deleted with the next batch.
func (h *holesOf) Close(ctx context.Context, asked bus.Hole) (bus.Hole, bool, error) {
	h.mu.Lock()
	s := h.of(h.source)
	closed, ok := s.gaps.Close(asked)
	h.mu.Unlock()
	if !ok {
		return bus.Hole{}, false, nil
	}
	if err := h.store.DeleteHole(ctx, h.source, asked.Number); err == nil {
		h.mu.Lock()
		delete(s.stored, asked.Number)
		h.mu.Unlock()
	} else if ctx.Err() == nil {
		h.log.Error("cannot forget a hole that is filled", "source", h.source, "error", err)
	}
	return closed, true, nil
}
