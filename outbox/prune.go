package outbox

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// pruneChunk bounds what one deletion holds the writer for.
const pruneChunk = 500

// How long account mail is kept: its queue is named by an address, which may be of somebody who has no account.
const (
	keepAccountDone = 24 * time.Hour
	keepAccountDead = 7 * 24 * time.Hour // so that an operator sees why nobody can sign in
)

// prune deletes what was done or dead for long enough, and queues without deliveries.
func (o *Outbox) prune(ctx context.Context) error {
	for state, keep := range map[State]time.Duration{Done: o.cfg.KeepDone, Dead: o.cfg.KeepDead} {
		before := stamp(o.now().Add(-keep))
		err := o.deleteChunks(ctx, `DELETE FROM deliveries WHERE id IN
			(SELECT id FROM deliveries WHERE state = ? AND settled_at < ? LIMIT ?)`,
			state, before)
		if err != nil {
			return fmt.Errorf("delete %s deliveries: %w", state, err)
		}
	}
	for state, keep := range map[State]time.Duration{Done: keepAccountDone, Dead: keepAccountDead} {
		err := o.deleteChunks(ctx, `DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries
			WHERE lane IN (SELECT id FROM lanes WHERE destination LIKE ?) AND state = ? AND settled_at < ? LIMIT ?)`,
			Account+"%", state, stamp(o.now().Add(-keep)))
		if err != nil {
			return fmt.Errorf("delete %s account mail: %w", state, err)
		}
	}
	if err := o.prunePairs(o.writer.WithContext(ctx)); err != nil {
		return err
	}
	if err := o.pruneBytes(ctx); err != nil {
		return err
	}
	lock := ""
	if o.postgres {
		lock = " FOR UPDATE SKIP LOCKED"
	}
	err := o.deleteChunks(ctx, `DELETE FROM lanes WHERE id IN
		(SELECT id FROM lanes l WHERE ready_at = ? AND window_at < ? AND
		NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.lane = l.id) LIMIT ?`+lock+`)`,
		int64(never), stamp(o.now().Add(-MaxCapWindow)))
	if err != nil {
		return fmt.Errorf("delete idle destinations: %w", err)
	}
	return nil
}

// KeepAtLeast is how long what was sent or given up is kept in any case: mailed reports are known by it.
const KeepAtLeast = 48 * time.Hour

// sizeOf is what a row takes, about: its texts, and what the other columns and the indexes take.
const sizeOf = "length(notice) + length(manage) + length(address) + length(last_error) + 400"

// pruneBytes deletes the oldest of what was sent, and then of what was given up, until all takes at most KeepBytes.
func (o *Outbox) pruneBytes(ctx context.Context) error {
	if o.cfg.KeepBytes <= 0 {
		return nil
	}
	if some, err := o.belowBytes(ctx); some || err != nil {
		return err
	}
	var size int64
	all := o.reader.WithContext(ctx).Raw("SELECT COALESCE(sum(" + sizeOf + "), 0) FROM deliveries")
	if err := all.Scan(&size).Error; err != nil {
		return fmt.Errorf("measure deliveries: %w", err)
	}
	gone, before := 0, stamp(o.now().Add(-KeepAtLeast))
	for _, state := range []State{Done, Dead} {
		for size > o.cfg.KeepBytes && ctx.Err() == nil {
			var sizes []int64
			err := o.writer.WithContext(ctx).Raw(`DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries
				WHERE state = ? AND settled_at < ? ORDER BY id LIMIT ?) RETURNING `+sizeOf, state, before, pruneChunk).
				Scan(&sizes).Error
			if err != nil {
				return fmt.Errorf("delete %s deliveries: %w", state, err)
			}
			if len(sizes) == 0 {
				break
			}
			for _, n := range sizes {
				size -= n
			}
			gone += len(sizes)
		}
	}
	if gone > 0 {
		o.cfg.Log.Warn("deliveries that were sent or given up went before their time (outbox.keep_bytes)", "deliveries", gone)
	}
	if size > o.cfg.KeepBytes {
		o.cfg.Log.Warn("what waits and what is young takes more than outbox.keep_bytes", "bytes", size)
	}
	return nil
}

// belowBytes reports whether the whole database, or on PostgreSQL the whole table, takes less than KeepBytes: then no
// row need be read to know.
func (o *Outbox) belowBytes(ctx context.Context) (bool, error) {
	query := "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
	if o.postgres {
		query = "SELECT pg_total_relation_size('deliveries')"
	}
	var most int64
	if err := o.reader.WithContext(ctx).Raw(query).Scan(&most).Error; err != nil {
		return false, fmt.Errorf("measure deliveries: %w", err)
	}
	return most < o.cfg.KeepBytes, nil
}

func (o *Outbox) deleteChunks(ctx context.Context, statement string, args ...any) error {
	for ctx.Err() == nil {
		done := o.writer.WithContext(ctx).Exec(statement, append(slices.Clone(args), pruneChunk)...)
		if done.Error != nil || done.RowsAffected < pruneChunk {
			return done.Error
		}
	}
	return ctx.Err()
}
