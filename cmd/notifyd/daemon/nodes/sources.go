// Package nodes is what a daemon does as one of several on a PostgreSQL database. Nodes do not talk to each other: what
// one must know of the others stands in a table.
//
//   - Sources: which sources this node runs, and which are on standby here.
//   - Feed: outlets of this node get what all nodes receive, from the history.
//   - Ears: the node that looks for silences learns what all nodes hear.
//   - Files: nodes that do not read the same directory or catalogue say so.
//
// Which node does what is decided by package leases. On SQLite a daemon is alone: it runs all sources, and has none of
// the rest.
package nodes

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/holes"
	"github.com/notifyd/notifyd/cmd/notifyd/leases"
	"github.com/notifyd/notifyd/internal/backoff"
	"github.com/notifyd/notifyd/internal/metric"
)

// Sources are the sources of this node by their sections of the configuration. One whose messages are shared out among
// the nodes (bus.Competing) runs on each of them. Any other runs on the node with the lease of it, and is on standby
// elsewhere.
type Sources struct {
	Leases  *leases.Leases
	Several bool // there can be other nodes
	All     map[string]bus.Source
	Holes   *holes.Tracker
	DB      *gorm.DB
	Log     *slog.Logger
	// Names gives the names of the frames of sources, as in Frame.Source.
	Names func(map[string]bus.Source) []string
}

// Single reports whether one node at a time runs a source.
func (s *Sources) Single(name string) bool { return s.Several && !bus.Competes(s.All[name]) }

// Standby reports whether this node waits for the lease of a source.
func (s *Sources) Standby(name string) bool { return s.Single(name) && !s.Leases.Held("source "+name) }

// Listening gives what runs a source.
func (s *Sources) Listening(name string, source bus.Source, in *bus.Intake) func(context.Context) error {
	run := func(ctx context.Context) error {
		err := source.Run(ctx, in)
		if err == nil && ctx.Err() == nil {
			s.Log.Info("a source has ended: its input is spent", "source", name)
		}
		return err
	}
	if !s.Single(name) {
		return run
	}
	ours := s.namesOf(name)
	term := func(ctx context.Context) error {
		if !s.takeUp(ctx, name, ours) {
			return nil
		}
		defer func() {
			// where this node stops in order what it has received is still stored, and where the source stands with it
			if errors.Is(context.Cause(ctx), leases.ErrLost) {
				s.Holes.Leave(ours)
			}
		}()
		err := run(ctx)
		if err == nil {
			<-ctx.Done() // a spent input is spent for all nodes
		}
		return err
	}
	return func(ctx context.Context) error { return s.Leases.While(ctx, "source "+name, term) }
}

// takeUp reads from the database where a source stands that this node begins to run; false: ctx has ended.
func (s *Sources) takeUp(ctx context.Context, name string, ours func(string) bool) bool {
	for failed := int64(1); ; failed++ {
		there := s.Names(map[string]bus.Source{name: s.All[name]})
		err := s.Holes.Restore(ctx, s.DB, ours, there)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		s.Log.Error("cannot read where a source stands; trying again", "source", name, "error", err)
		backoff.Sleep(ctx, backoff.Delay(100*time.Millisecond, 2*time.Second, failed, rand.Float64))
	}
}

// namesOf gives what says whether a name, as in Frame.Source, is of a source. It may be a name that the source has yet
// to find, and is not one of another source.
func (s *Sources) namesOf(name string) func(string) bool {
	others := maps.Clone(s.All)
	delete(others, name)
	return func(frames string) bool { return !slices.Contains(s.Names(others), frames) }
}

// Running gives the sources that are not on standby.
func (s *Sources) Running() map[string]bus.Source {
	all := map[string]bus.Source{}
	for name, source := range s.All {
		if !s.Standby(name) {
			all[name] = source
		}
	}
	return all
}

var standbyDesc = &metric.Desc{Name: bus.StandbyMetric, Help: "1 while another node receives from the address.",
	Type: metric.Gauge, Labels: []string{"source", "address"}}

// Collect emits the numbers of the sources. One on standby is not connected, and says so in another word: it is
// no fault.
func (s *Sources) Collect(emit metric.Emit) {
	for name, source := range s.All {
		metered, ok := source.(bus.Metered)
		if !ok {
			continue
		}
		if !s.Standby(name) {
			metered.Collect(emit)
			continue
		}
		metered.Collect(func(d *metric.Desc, value float64, labels ...string) {
			if d.Name == bus.ReceivedMetric { // which is always there
				emit(standbyDesc, 1, labels...)
			}
			if d.Name != bus.ConnectedMetric {
				emit(d, value, labels...)
			}
		})
	}
}
