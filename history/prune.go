package history

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"
)

// Keep bounds how much history is kept. A zero field does not bound it.
type Keep struct {
	Age   time.Duration // since reception
	Bytes int64         // as Size counts them
}

// pruned is the number of messages that one transaction deletes. With their users and packages it occupies the writer
// for some ten milliseconds.
const pruned = 200

// Run prunes at once and then every interval, until ctx ends.
func (s *Store) Run(ctx context.Context, keep Keep, interval time.Duration, log *slog.Logger) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		deleted, err := s.prune(ctx, keep)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			log.Error("history could not be pruned", "error", err)
		case deleted > 0:
			log.Info("history pruned", "messages", deleted)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// prune deletes the oldest messages as far as keep demands, and returns their number. Each batch is a transaction of
// its own, so that others can write between two batches.
func (s *Store) prune(ctx context.Context, keep Keep) (deleted int64, err error) {
	size, err := s.Size(ctx)
	if err != nil {
		return 0, err
	}
	for {
		n, bytes, err := s.pruneBatch(ctx, keep, size.Bytes)
		deleted += n
		size.Bytes -= bytes
		if err != nil {
			return deleted, fmt.Errorf("prune history: %w", err)
		}
		if n < pruned {
			return deleted, nil
		}
	}
}

// pruneBatch deletes at most one batch; total is the size of the history in bytes.
func (s *Store) pruneBatch(ctx context.Context, keep Keep, total int64) (deleted, bytes int64, err error) {
	var oldest []struct{ ID, ReceivedAt, Size int64 }
	err = s.reader.WithContext(ctx).Raw("SELECT id, received_at, size FROM messages ORDER BY received_at, id LIMIT ?",
		pruned).
		Scan(&oldest).Error
	if err != nil {
		return 0, 0, err
	}
	limit := s.now().Add(-keep.Age).UnixMicro()
	var ids []int64
	for _, m := range oldest {
		old := keep.Age > 0 && m.ReceivedAt < limit
		full := keep.Bytes > 0 && total-bytes > keep.Bytes
		if !old && !full {
			break
		}
		ids, bytes = append(ids, m.ID), bytes+m.Size
	}
	if len(ids) == 0 {
		return 0, 0, nil
	}
	err = s.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		done := tx.Exec("DELETE FROM messages WHERE id IN ?", ids) // the rows of users and packages are deleted by cascade
		deleted = done.RowsAffected
		return done.Error
	})
	if err != nil {
		return 0, 0, err
	}
	return deleted, bytes, nil
}
