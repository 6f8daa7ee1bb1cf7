package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"gorm.io/gorm"
)

// Keep bounds how much history is kept. A zero field does not bound it.
type Keep struct {
	Age         time.Duration // since reception
	Bytes       int64         // of all messages, as Size counts them
	SourceBytes int64         // the same, of the messages of one source
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

// minReclaim is for how many bytes a reclaim is worth its time at least.
const minReclaim = 16 << 20

// vacuumWithin is the longest time of a VACUUM, which takes longer than the database gives other statements.
const vacuumWithin = time.Hour

// reclaim lets PostgreSQL use again what deleted messages took, whenever that is an eighth of what is kept. Autovacuum
// looks once a minute, in which a flood writes gigabytes. SQLite needs none of this.
func (s *Store) reclaim(ctx context.Context, keep Keep) error {
	if s.writer.Name() != "postgres" || s.freed.Load() < max(keep.Bytes/8, minReclaim) {
		return nil
	}
	s.freed.Store(0)
	ctx, cancel := context.WithTimeout(ctx, vacuumWithin)
	defer cancel()
	err := s.writer.WithContext(ctx).Exec("VACUUM (SKIP_LOCKED, TRUNCATE false)" +
		" messages, message_facts, message_users, message_packages").Error
	if err != nil {
		return fmt.Errorf("reclaim the space of deleted messages: %w", err)
	}
	return nil
}

// prune counts what is kept, and deletes what keep does not allow, the oldest first. It returns the number.
func (s *Store) prune(ctx context.Context, keep Keep) (deleted int64, err error) {
	if err := s.usage.read(func() (map[string]int64, error) { return s.sums(ctx) }); err != nil {
		return 0, fmt.Errorf("read size of history: %w", err)
	}
	if keep.Age > 0 {
		before := s.now().Add(-keep.Age).UnixMicro()
		for source := range s.BySource() {
			n, err := s.pruneSource(ctx, source, func(m oldest, _ int64) bool { return m.ReceivedAt < before })
			deleted += n
			if err != nil {
				return deleted, fmt.Errorf("prune history: %w", err)
			}
		}
	}
	n, err := s.shrink(ctx, keep, 1<<62)
	return deleted + n, err
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
		select {
		case s.reread <- struct{}{}:
		default:
		}
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
		n, err := s.pruneSource(ctx, over.source, func(_ oldest, before int64) bool { return before < bytes })
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

// An oldest is one of the oldest messages of a source.
type oldest struct{ ID, ReceivedAt, Size int64 }

// pruneSource deletes the oldest messages of a source while doom says so, which is told how many bytes go before them.
// Each batch is a transaction of its own, so that others can write between two.
func (s *Store) pruneSource(ctx context.Context, source string, doom func(m oldest, before int64) bool) (int64, error) {
	deleted, bytes := int64(0), int64(0)
	for {
		var first []oldest
		err := s.reader.WithContext(ctx).Raw("SELECT id, received_at, size FROM messages WHERE source = ?"+
			" ORDER BY received_at, id LIMIT ?", source, pruned).Scan(&first).Error
		if err != nil {
			return deleted, err
		}
		var ids []int64
		for _, m := range first {
			if !doom(m, bytes) {
				break
			}
			ids, bytes = append(ids, m.ID), bytes+m.Size
		}
		if len(ids) == 0 {
			return deleted, nil
		}
		n, err := s.delete(ctx, source, ids)
		deleted += n
		if err != nil || len(ids) < pruned || n == 0 {
			return deleted, err
		}
	}
}

// delete deletes messages of a source, with their users and packages (by cascade), and returns their number. On
// PostgreSQL it leaves those that another transaction is working on.
func (s *Store) delete(ctx context.Context, source string, ids []int64) (deleted int64, err error) {
	statement := "DELETE FROM messages WHERE id IN ? RETURNING id, size"
	if s.writer.Name() == "postgres" {
		statement = "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE id IN ? ORDER BY id" +
			" FOR UPDATE SKIP LOCKED) RETURNING id, size"
	}
	var gone []oldest
	err = s.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		gone = gone[:0]
		if err := tx.Raw(statement, slices.Clone(ids)).Scan(&gone).Error; err != nil {
			return err
		}
		left := make([]int64, len(gone))
		for i, m := range gone {
			left[i] = m.ID
		}
		return countLost(tx, left)
	})
	if err != nil {
		return 0, err
	}
	bytes := int64(0)
	for _, m := range gone {
		bytes += m.Size
	}
	s.usage.remove(source, bytes)
	s.deleted.Add(int64(len(gone)))
	s.freed.Add(bytes)
	return int64(len(gone)), nil
}
