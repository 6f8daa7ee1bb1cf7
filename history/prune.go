package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/notifyd/notifyd/history/retention"
)

// Keep bounds how much history is kept. A zero field does not bound it.
type Keep struct {
	Age         time.Duration // since reception
	Bytes       int64         // of all messages, as Size counts them
	SourceBytes int64         // the same, of the messages of one source
	// Rules decide about some messages: how long they are kept, instead of Age, and how many bytes of them. The other
	// two bounds hold for all, but what a rule keeps longer than Age goes last.
	Rules *retention.Rules
}

// forever is the age of what no age bounds.
const forever = time.Duration(math.MaxInt64)

// age gives how long messages are kept of which a rule decides; -1: none does.
func (k Keep) age(rule int) time.Duration {
	if rule >= 0 {
		if keep := k.Rules.At(rule).Keep; keep > 0 {
			return keep
		}
	}
	if k.Age > 0 {
		return k.Age
	}
	return forever
}

// ages gives the ages at which messages are deleted, ascending.
func (k Keep) ages() []time.Duration {
	ages := []time.Duration{k.age(-1)}
	for i := range k.Rules.Len() {
		ages = append(ages, k.age(i))
	}
	slices.Sort(ages)
	return slices.DeleteFunc(slices.Compact(ages), func(age time.Duration) bool { return age == forever })
}

// spares reports whether a rule keeps anything longer than Age.
func (k Keep) spares() bool {
	ages := k.ages()
	return len(ages) > 0 && k.age(-1) < ages[len(ages)-1]
}

// longest gives for how long any message may be kept; 0: for ever.
func (k Keep) longest() time.Duration {
	ages := k.ages()
	if len(ages) == 0 || k.age(-1) == forever {
		return 0
	}
	return ages[len(ages)-1]
}

// pruned is the number of messages that one transaction deletes. With their users and packages it occupies the writer
// for some ten milliseconds.
const pruned = 200

// Run prunes at once and then every interval, until ctx ends. While it runs, Committed holds the bounds too.
func (s *Store) Run(ctx context.Context, keep Keep, interval time.Duration, log *slog.Logger) error {
	s.keep.Store(&keep)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for round := true; ; {
		_, err := s.prune(ctx, keep)
		err = errors.Join(err, s.reclaim(ctx, keep))
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			log.Error("history could not be pruned", "error", err)
		}
		if round { // during a flood all is counted anew for each few messages
			if n := s.deleted.Swap(0); n > 0 {
				log.Info("history pruned", "messages", n)
			}
		}
		select {
		case <-tick.C:
			round = true
		case <-s.reread:
			round = false
		case <-ctx.Done():
			return nil
		}
	}
}

// Elsewhere sets, before Run, what reports whether another process deletes now for all that share the database. Then
// Run only counts, and Committed still keeps to the bounds in bytes.
func (s *Store) Elsewhere(deletes func() bool) { s.elsewhere = deletes }

// Recount makes Run begin its next round now.
func (s *Store) Recount() {
	select {
	case s.reread <- struct{}{}:
	default:
	}
}

// prune counts what is kept, and deletes what keep does not allow, the oldest first. It returns the number.
func (s *Store) prune(ctx context.Context, keep Keep) (deleted int64, err error) {
	elsewhere := s.elsewhere != nil && s.elsewhere()
	var failed error
	if !elsewhere {
		if deleted, failed = s.expirePartitions(ctx, keep); failed != nil { // which keeps nothing else from being pruned
			failed = fmt.Errorf("prune history: %w", failed)
		}
	}
	counted := s.oldestPartition(ctx) // before what is in them
	if err := s.usage.read(func() (map[string]int64, error) { return s.sums(ctx) }); err != nil {
		return deleted, errors.Join(failed, fmt.Errorf("read size of history: %w", err))
	}
	s.oldest.Store(counted)
	if elsewhere {
		return 0, nil
	}
	k := s.keeperOf(keep)
	for _, step := range []func(context.Context) error{k.expire, k.trim} {
		if err := step(ctx); err != nil {
			return deleted + k.deleted, errors.Join(failed, fmt.Errorf("prune history: %w", err))
		}
	}
	deleted += k.deleted
	n, err := s.shrink(ctx, keep, 1<<62)
	return deleted + n, errors.Join(failed, err)
}

// rereadPart is the part of Keep.Bytes that this process appends before all is counted anew: other nodes append too.
const rereadPart = 64

// Committed is to be called with the outcomes of Append once their transaction is committed. It deletes the oldest
// messages as far as the bounds of Run demand, so that these hold at every commit. It gives up no more than a few times
// what came in: a bound that has just become smaller is Run's work. It returns the number of deleted messages.
func (s *Store) Committed(ctx context.Context, outcomes []Outcome) (deleted int64, err error) {
	grown, all := map[string]int64{}, int64(0)
	for _, o := range outcomes {
		if o.grown != 0 {
			grown[o.source] += o.grown
			all += max(0, o.grown)
		}
	}
	s.usage.add(grown)
	keep := s.keep.Load()
	if keep == nil || all == 0 {
		return 0, nil
	}
	if keep.Bytes > 0 && s.usage.due(keep.Bytes/rereadPart) {
		s.Recount()
	}
	if _, over := s.usage.excess(*keep); over && s.outdated(ctx) {
		s.Recount()
		return 0, nil
	}
	return s.shrink(ctx, *keep, 2*all+turn)
}

// shrink deletes the oldest messages of those sources that hold too much, but not many more than so many bytes.
func (s *Store) shrink(ctx context.Context, keep Keep, most int64) (deleted int64, err error) {
	for most > 0 {
		over, found := s.usage.excess(keep)
		if !found {
			return deleted, nil
		}
		bytes := min(over.bytes, most)
		n, err := s.shrinkSource(ctx, keep, over.source, bytes)
		deleted += n
		if err != nil {
			return deleted, fmt.Errorf("prune history: %w", err)
		}
		most -= bytes
		if n == 0 { // others have deleted them, or are about to
			return deleted, nil
		}
	}
	return deleted, nil
}

// shrinkSource deletes the oldest messages of a source, of so many bytes together. What a rule keeps longer than all
// goes only where nothing else is left.
func (s *Store) shrinkSource(ctx context.Context, keep Keep, source string, bytes int64) (deleted int64, err error) {
	spare := keep.spares()
	after := place{}
	if spare {
		after = s.spared.of(keep.Rules, source)
	}
	for bytes > 0 {
		found, err := s.next(ctx, stream{"source", source}, after, unbounded, pruned)
		if err != nil {
			return deleted, err
		}
		var doomed []agingRow
		for _, m := range found {
			if spare && keep.age(keep.Rules.Which(m.Source, m.Kind, m.Topic)) > keep.age(-1) {
				if len(doomed) == 0 {
					s.spared.note(keep.Rules, source, m.place())
				}
			} else if doomed, bytes = append(doomed, m), bytes-m.Size; bytes <= 0 {
				break
			}
			after = m.place()
		}
		n, err := s.delete(ctx, keep, bySize, doomed)
		deleted += n
		switch {
		case err != nil || n < int64(len(doomed)):
			return deleted, err
		case len(found) < pruned && spare:
			spare, after = false, place{}
		case len(found) < pruned:
			return deleted, nil
		}
	}
	return deleted, nil
}
