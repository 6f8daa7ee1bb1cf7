package history

import (
	"context"
	"time"

	"github.com/notifyd/notifyd/history/partitions"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Prune is one round of Run.
func (s *Store) Prune(ctx context.Context, keep Keep) (int64, error) { return s.prune(ctx, keep) }

// Pack is pack.
func Pack(e *catalogue.Event) []byte { return pack(e) }

// Unpack returns the event that was packed.
func Unpack(packed []byte) (*catalogue.Event, bool) {
	f := newFacts()
	ok := f.unpack(packed)
	return f.take(), ok
}

// Hold counts what is kept and sets the bounds of Committed, as Run does, and deletes nothing.
func (s *Store) Hold(ctx context.Context, keep Keep) error {
	s.keep.Store(&keep)
	return s.usage.read(func() (map[string]int64, error) { return s.sums(ctx) })
}

// Reclaim is a part of each round of Run.
func (s *Store) Reclaim(ctx context.Context, keep Keep) error { return s.reclaim(ctx, keep) }

// SetPatience sets how long Settled waits.
func (s *Store) SetPatience(d time.Duration) { s.patience = d }

// SetWorthTwo sets how many messages of an archive are stored by two transactions.
func SetWorthTwo(n int) { worthTwo = n }

// Abandon gives the connection of a loading back, as a kill does.
func (l *Loader) Abandon() error { return l.bare.close() }

// Waiting gives how many messages wait for the indexes.
func (l *Loader) Waiting() int {
	if l.bare == nil {
		return 0
	}
	return len(l.bare.waiting)
}

// Turn lets what is appended next go into a new partition.
func (s *Store) Turn(ctx context.Context) error {
	if !isPostgres(s.writer) {
		return nil
	}
	return partitions.Advance(s.writer.WithContext(ctx), s.now(), -time.Hour)
}
