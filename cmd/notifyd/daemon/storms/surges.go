// Package storms is what the daemon does about too much and about what does not arrive: it counts the notices of each
// filter, and looks at what was not delivered, whether another destination of its owner is to have it.
package storms

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/surge"
)

// Surges counts for the router, which calls it from one goroutine. nil counts nothing.
type Surges struct {
	Tracker       *surge.Tracker
	Subscriptions *prefs.Subscriptions
	Now           func() time.Time
	Log           *slog.Logger
	Begun         prometheus.Counter // surges

	savedAt time.Time
	found   map[uint64]surge.State // to be stored
}

// saveEvery is how often rates are stored; saveMost is how many at a time, so that the router waits for little.
const (
	saveEvery = 10 * time.Minute
	saveMost  = 400
)

// Hit counts a notice of a filter. See surge.Tracker.
func (s *Surges) Hit(hit *prefs.Subscription) surge.State {
	return s.Tracker.Hit(uint64(hit.Filter.ID), hit.Rate, s.Now())
}

// Begin forgets what a transaction counted that was not committed.
func (s *Surges) Begin() {
	if s != nil {
		s.Tracker.Rollback()
	}
}

// Committed keeps what was counted, and tells other nodes of surges. What cannot be stored is tried again with the next
// batch.
func (s *Surges) Committed(ctx context.Context) {
	if s == nil {
		return
	}
	now := s.Now()
	for filter, state := range s.Tracker.Commit(now) {
		if s.found == nil {
			s.found = map[uint64]surge.State{}
		}
		s.found[filter] = state
		if !state.Over && state.Began.Equal(state.Folds.Add(-s.Tracker.Window())) {
			s.Begun.Inc()
			s.Log.Info("a filter has many times more notices than usual; they go together", "filter", filter,
				"came", state.Came, "usual", float64(state.Usual)/1000, "until", state.Folds)
		}
	}
	if len(s.found) > 0 {
		if err := s.Subscriptions.KeepSurges(ctx, s.found); err != nil {
			s.Log.Error("cannot store that filters have more notices than usual; trying again", "error", err)
			return
		}
		s.found = nil
	}
	s.save(ctx, now)
}

// save stores some of the rates that have changed.
func (s *Surges) save(ctx context.Context, now time.Time) {
	if s.savedAt.IsZero() {
		s.savedAt = now
	}
	if now.Sub(s.savedAt) < saveEvery {
		return
	}
	rates := s.Tracker.Unsaved(saveMost)
	if len(rates) > 0 {
		if err := s.Subscriptions.KeepRates(ctx, rates); err != nil {
			s.Log.Error("cannot store how many notices filters usually have; trying again", "error", err)
			s.savedAt = now // and not with each batch
			return
		}
		s.Tracker.Saved(rates)
	}
	if len(rates) < saveMost {
		s.savedAt = now
	}
}
