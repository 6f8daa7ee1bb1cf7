package holes

import (
	"context"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// Reconnected opens a hole of unknown size since the last message of a source. The next batch stores it; until then a
// restart would find it again, by the time of that message.
func (h *Tracker) Reconnected(source string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.of(source); h.interrupt(source, s, h.Now()) {
		s.wakeFiller()
	}
}

// interrupt opens a hole since the last message of a source, where something can fill it. The caller holds mu.
func (h *Tracker) interrupt(source string, of *place, now time.Time) bool {
	hole := of.interruption(now)
	if hole == nil || !h.Fillable(source) {
		return false
	}
	of.gaps.Add(*hole)
	return true
}

// interruption is the hole of unknown size since the last message; nil where none came yet.
func (s *place) interruption(now time.Time) *bus.Hole {
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
func (s *place) wakeFiller() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// SourceHoles are the holes of one source, as its filler sees them: a backlog.Holes. The router inserts their rows; it
// must not find one again that it has deleted, so that nothing here inserts any.
type SourceHoles struct {
	*Tracker
	source string
}

// Of gives the holes of a source to its filler.
func (h *Tracker) Of(source string) *SourceHoles { return &SourceHoles{h, source} }

// Wake implements backlog.Holes.
func (h *SourceHoles) Wake() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.of(h.source).wake
}

// Open implements backlog.Holes.
func (h *SourceHoles) Open() []bus.Hole {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.of(h.source).gaps.Open()
}

// Filling implements backlog.Holes.
func (h *SourceHoles) Filling(archive string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.of(h.source).filler = archive
}

// Filled implements backlog.Holes.
func (h *SourceHoles) Filled() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.of(h.source).filled
}

// Narrow implements backlog.Holes.
func (h *SourceHoles) Narrow(ctx context.Context, number, next int64, reached time.Time) error {
	h.mu.Lock()
	hole, open := h.of(h.source).gaps.Narrow(number, next, reached)
	h.mu.Unlock()
	if !open {
		return nil
	}
	return h.Store.NarrowHole(ctx, h.source, hole)
}

// Close implements backlog.Holes. A row that is left by a failure is deleted with the next batch.
func (h *SourceHoles) Close(ctx context.Context, asked bus.Hole) (bus.Hole, bool, error) {
	h.mu.Lock()
	s := h.of(h.source)
	closed, ok := s.gaps.Close(asked)
	h.mu.Unlock()
	if !ok {
		return bus.Hole{}, false, nil
	}
	if err := h.Store.DeleteHole(ctx, h.source, asked.Number); err == nil {
		h.mu.Lock()
		delete(s.stored, asked.Number)
		h.mu.Unlock()
	} else if ctx.Err() == nil {
		h.Log.Error("cannot forget a hole that is filled", "source", h.source, "error", err)
	}
	return closed, true, nil
}
