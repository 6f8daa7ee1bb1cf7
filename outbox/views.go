package outbox

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
)

// An Entry is a stored delivery as pages and commands show it.
type Entry struct {
	ID          int64
	Message     string
	Destination string
	Backend     string
	Address     string // for its owner only
	Notice      backends.Notice
	Broken      bool // the stored notice cannot be read: Notice only says so
	Together    bool
	State       State
	Parcel      string // "" before the first attempt
	AddedAt     time.Time
	DueAt       time.Time // of the next attempt while Waiting
	FinishedAt  time.Time // when it became Done or Dead; else zero
	Attempts    int       // failed ones
	LastError   string    // without addresses; "" when all is well
}

// A Depth is how many deliveries of a backend are in a state.
type Depth struct {
	Backend string
	State   State
	Count   int
	Oldest  time.Time // the earliest due time among them
}

// maxPage bounds the entries of one page.
const maxPage = 500

// Recent gives deliveries of the destinations, newest first, at most limit. before is the id of the last entry of the
// page before, or 0.
func (o *Outbox) Recent(ctx context.Context, destinations []string, before int64, limit int) ([]Entry, error) {
	if len(destinations) == 0 {
		return nil, nil
	}
	if before <= 0 {
		before = never
	}
	var rows []row
	err := o.reader.WithContext(ctx).Where("destination IN ? AND id < ?", destinations, before).
		Order("id DESC").Limit(page(limit)).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read recent deliveries: %w", err)
	}
	return entries(rows), nil
}

func page(limit int) int {
	if limit <= 0 || limit > maxPage {
		return maxPage
	}
	return limit
}

// Depth counts what is waiting, claimed and dead, by backend and state.
func (o *Outbox) Depth(ctx context.Context) ([]Depth, error) {
	var found []struct {
		Backend string
		State   State
		Count   int
		Oldest  int64
	}
	err := o.reader.WithContext(ctx).Raw(`SELECT backend, state, count(*) AS count, min(due_at) AS oldest FROM deliveries
		WHERE state IN ? GROUP BY backend, state ORDER BY backend, state`, []State{Waiting, Claimed, Dead}).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	list := make([]Depth, 0, len(found))
	for _, f := range found {
		list = append(list, Depth{f.Backend, f.State, f.Count, unstamp(f.Oldest)})
	}
	return list, nil
}

// Cancel makes everything that is owed to destinations dead, in the caller's transaction, and gives its number: for
// destinations that are deleted or switched off. What is being sent at this moment is not held back, and is done when the
// backend takes it; but it is not tried again.
func (o *Outbox) Cancel(tx *gorm.DB, destinations []string, reason string) (int, error) {
	cancelled := 0
	for part := range slices.Chunk(destinations, chunk) {
		if err := o.lockQueuesOf(tx, part); err != nil {
			return 0, err
		}
		done := tx.Exec(`UPDATE deliveries SET state = ?, settled_at = ?, last_error = ? WHERE destination IN ? AND state IN ?`,
			Dead, stamp(o.now()), text.ElideBytes(text.Storable(reason), maxReason), part, []State{Waiting, Claimed})
		if done.Error != nil {
			return 0, fmt.Errorf("cancel deliveries: %w", done.Error)
		}
		cancelled += int(done.RowsAffected)
	}
	return cancelled, nil
}

// lockQueuesOf locks the queues of destinations, in the order that all who lock several keep (see lockQueues): whoever changes
// rows of a queue holds it, so that two never wait for each other's rows.
func (o *Outbox) lockQueuesOf(tx *gorm.DB, destinations []string) error {
	if !o.postgres {
		return nil // the transaction has the database to itself
	}
	var held []int64
	err := tx.Raw(`SELECT id FROM lanes WHERE destination IN ? ORDER BY backend COLLATE "C", destination COLLATE "C" FOR UPDATE`,
		destinations).Scan(&held).Error
	if err != nil {
		return fmt.Errorf("lock destinations: %w", err)
	}
	return nil
}

// Withdraw is Cancel for one destination in a transaction of its own.
func (o *Outbox) Withdraw(ctx context.Context, destination, reason string) error {
	return o.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		_, err := o.Cancel(tx, []string{destination}, reason)
		return err
	})
}

// SendNow is Flush in a transaction of its own, and Notify.
func (o *Outbox) SendNow(ctx context.Context, destination string) error {
	err := o.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return o.Flush(tx, destination) })
	if err == nil {
		o.Notify()
	}
	return err
}

// Flush makes everything that waits for a destination due now, in the caller's transaction: for "send now" and for
// a schedule that was changed. Retries keep their time. Call Notify after the commit.
func (o *Outbox) Flush(tx *gorm.DB, destination string) error {
	var found []queue
	if err := tx.Where("destination = ?", destination).Order("backend").Find(&found).Error; err != nil {
		return fmt.Errorf("find destination: %w", err)
	}
	for _, q := range found {
		queues, err := lockQueues(tx, []Delivery{{Backend: q.Backend, Destination: q.Destination}})
		if err != nil {
			return err
		}
		now := stamp(o.now())
		err = tx.Exec(`UPDATE deliveries SET due_at = ? WHERE lane = ? AND state = ? AND parcel = '' AND due_at > ?`,
			now, q.ID, Waiting, now).Error
		if err != nil {
			return fmt.Errorf("flush destination: %w", err)
		}
		for _, locked := range queues {
			locked.ready(now)
		}
		if err := saveQueues(tx, queues); err != nil {
			return err
		}
	}
	return nil
}

// pruneChunk bounds what one deletion holds the writer for.
const pruneChunk = 500

// prune deletes what was done or dead for long enough, and queues without deliveries.
func (o *Outbox) prune(ctx context.Context) error {
	for state, keep := range map[State]time.Duration{Done: o.cfg.KeepDone, Dead: o.cfg.KeepDead} {
		before := stamp(o.now().Add(-keep))
		err := o.deleteChunks(ctx, `DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE state = ? AND settled_at < ? LIMIT ?)`,
			state, before)
		if err != nil {
			return fmt.Errorf("delete %s deliveries: %w", state, err)
		}
	}
	lock := ""
	if o.postgres {
		lock = " FOR UPDATE SKIP LOCKED"
	}
	err := o.deleteChunks(ctx, `DELETE FROM lanes WHERE id IN (SELECT id FROM lanes l WHERE ready_at = ? AND window_at < ? AND
		NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.lane = l.id) LIMIT ?`+lock+`)`, int64(never), stamp(o.now().Add(-o.cfg.CapWindow)))
	if err != nil {
		return fmt.Errorf("delete idle destinations: %w", err)
	}
	return nil
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
