package outbox

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
)

// pruneChunk bounds what one deletion holds the writer for.
const pruneChunk = 500

// How long account mail is kept: its queue is named by an address, which may be of somebody who has no account.
const (
	keepAccountDone = 24 * time.Hour
	keepAccountDead = 7 * 24 * time.Hour // so that an operator sees why nobody can sign in
)

// prune deletes what was done or dead for long enough, queues without deliveries, and what nobody needs of notices.
func (o *Outbox) prune(ctx context.Context) error {
	steps := []func(context.Context) error{o.pruneDone, o.pruneDead, o.pruneAccounts, o.prunePairs, o.pruneBytes,
		o.pruneQueues, o.slim}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pruneDone deletes what was sent long ago. It looks at the oldest first, and at nothing that was added since: that was
// not sent before either. So no index need say when something was sent.
func (o *Outbox) pruneDone(ctx context.Context) error {
	before := stamp(o.now().Add(-o.cfg.KeepDone))
	for last := int64(0); ctx.Err() == nil; {
		var found []record
		err := o.reader.WithContext(ctx).Raw(`SELECT id, state, settled_at FROM deliveries WHERE id > ? AND added_at < ?
			ORDER BY id LIMIT ?`, last, before, pruneChunk).Scan(&found).Error
		if err != nil {
			return fmt.Errorf("find done deliveries: %w", err)
		}
		var old []int64
		for _, r := range found {
			last = r.ID
			if r.State == Done && r.FinishedAt < before {
				old = append(old, r.ID)
			}
		}
		if len(old) > 0 {
			if _, err := o.forgetNow(ctx, "state = 'done' AND id IN ?", old); err != nil {
				return fmt.Errorf("delete done deliveries: %w", err)
			}
		}
		if len(found) < pruneChunk {
			return nil
		}
	}
	return ctx.Err()
}

func (o *Outbox) pruneDead(ctx context.Context) error {
	return o.forgetChunks(ctx, `id IN (SELECT id FROM deliveries WHERE state = 'dead' AND settled_at < ? LIMIT ?)`,
		stamp(o.now().Add(-o.cfg.KeepDead)))
}

func (o *Outbox) pruneAccounts(ctx context.Context) error {
	for state, keep := range map[State]time.Duration{Done: keepAccountDone, Dead: keepAccountDead} {
		err := o.forgetChunks(ctx, `id IN (SELECT id FROM deliveries
			WHERE lane IN (SELECT id FROM lanes WHERE destination LIKE ?) AND state = ? AND settled_at < ? LIMIT ?)`,
			Account+"%", state, stamp(o.now().Add(-keep)))
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *Outbox) pruneQueues(ctx context.Context) error {
	lock := ""
	if o.postgres {
		lock = " FOR UPDATE SKIP LOCKED"
	}
	for ctx.Err() == nil {
		done := o.writer.WithContext(ctx).Exec(`DELETE FROM lanes WHERE id IN
			(SELECT id FROM lanes l WHERE ready_at = ? AND window_at < ? AND
			NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.lane = l.id) LIMIT ?`+lock+`)`,
			int64(never), stamp(o.now().Add(-MaxCapWindow)), pruneChunk)
		if done.Error != nil {
			return fmt.Errorf("delete idle destinations: %w", done.Error)
		}
		if done.RowsAffected < pruneChunk {
			return nil
		}
	}
	return ctx.Err()
}

// forgetChunks deletes what a condition selects, whose last parameter bounds how many.
func (o *Outbox) forgetChunks(ctx context.Context, condition string, args ...any) error {
	for ctx.Err() == nil {
		gone, err := o.forgetNow(ctx, condition, append(slices.Clone(args), pruneChunk)...)
		if err != nil {
			return fmt.Errorf("delete old deliveries: %w", err)
		}
		if gone.count < pruneChunk {
			return nil
		}
	}
	return ctx.Err()
}

// KeepAtLeast is how long what was sent or given up is kept in any case: mailed reports are known by it.
const KeepAtLeast = 48 * time.Hour

// sizeOfRow and sizeOfText are what a delivery and a content take, about: their texts, and what the other columns and
// the indexes take.
const (
	sizeOfRow  = "length(manage) + length(last_error) + length(reasons) + length(hold) + length(parcel) + 120"
	sizeOfText = "length(notice) + 2 * length(message) + 40"
)

// size measures what all deliveries and their texts take.
func (o *Outbox) size(ctx context.Context) (size int64, err error) {
	err = o.reader.WithContext(ctx).Raw("SELECT (SELECT COALESCE(sum(" + sizeOfRow + "), 0) FROM deliveries) + " +
		"(SELECT COALESCE(sum(" + sizeOfText + "), 0) FROM contents)").Scan(&size).Error
	if err != nil {
		return 0, fmt.Errorf("measure deliveries: %w", err)
	}
	return size, nil
}

// pruneBytes deletes the oldest of what was sent, and then of what was given up, until all takes at most KeepBytes.
func (o *Outbox) pruneBytes(ctx context.Context) error {
	if o.cfg.KeepBytes <= 0 {
		return nil
	}
	if some, err := o.belowBytes(ctx); some || err != nil {
		return err
	}
	size, err := o.size(ctx)
	if err != nil {
		return err
	}
	gone, before := 0, stamp(o.now().Add(-KeepAtLeast))
	for _, state := range []State{Done, Dead} {
		for size > o.cfg.KeepBytes && ctx.Err() == nil {
			some, err := o.forgetNow(ctx, `id IN (SELECT id FROM deliveries WHERE state = ? AND settled_at < ?
				ORDER BY id LIMIT ?)`, state, before, min(pruneChunk, 1+(size-o.cfg.KeepBytes)/1000))
			if err != nil {
				return fmt.Errorf("delete %s deliveries: %w", state, err)
			}
			if some.count == 0 {
				break
			}
			gone, size = gone+some.count, size-some.bytes
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
		query = "SELECT pg_total_relation_size('deliveries') + pg_total_relation_size('contents')"
	}
	var most int64
	if err := o.reader.WithContext(ctx).Raw(query).Scan(&most).Error; err != nil {
		return false, fmt.Errorf("measure deliveries: %w", err)
	}
	return most < o.cfg.KeepBytes, nil
}

// Forget deletes everything that is stored of destinations, in the caller's transaction: what is owed, what was sent
// and what was given up, with the texts that nobody else has, and the queues with their addresses. It is for
// destinations that are deleted. What is being sent at this moment still goes, and nothing is written of it.
func (o *Outbox) Forget(tx *gorm.DB, destinations []string) error {
	for part := range slices.Chunk(storable(destinations), chunk) {
		if err := o.lockQueuesOf(tx, part); err != nil {
			return err
		}
		_, err := o.forget(tx, "lane IN (SELECT id FROM lanes WHERE destination IN ?)", part)
		if err == nil {
			err = tx.Exec("DELETE FROM lanes WHERE destination IN ?", part).Error
		}
		if err == nil {
			err = tx.Exec("DELETE FROM pairs WHERE destination IN ?", part).Error
		}
		if err != nil {
			return fmt.Errorf("forget destinations: %w", err)
		}
	}
	return nil
}

// ForgetSettled deletes what was sent to destinations and what was given up, and the queues that are empty then.
func (o *Outbox) ForgetSettled(tx *gorm.DB, destinations []string) error {
	for part := range slices.Chunk(storable(destinations), chunk) {
		if err := o.lockQueuesOf(tx, part); err != nil {
			return err
		}
		_, err := o.forget(tx, "lane IN (SELECT id FROM lanes WHERE destination IN ?) AND settled_at > 0", part)
		if err == nil {
			err = tx.Exec("DELETE FROM lanes WHERE destination IN ? AND NOT EXISTS (SELECT 1 FROM deliveries AS d "+
				"WHERE d.lane = lanes.id)", part).Error
		}
		if err != nil {
			return fmt.Errorf("forget what is settled: %w", err)
		}
	}
	return nil
}

// storable gives keys as they are stored.
func storable(keys []string) []string {
	list := make([]string, len(keys))
	for i, key := range keys {
		list[i] = text.Storable(key)
	}
	return list
}
