package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
)

// clock.go says what time it is for all nodes. What is due, and when a lease ends, is a time that one node writes and
// another one reads; so on PostgreSQL both ask the database. Times of one process alone, such as the pause of a
// breaker, are by its own clock.

// databaseNow is PostgreSQL's clock at the moment of the call, not that of the transaction, in microseconds.
const databaseNow = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

// clock asks what time it is. tx may be the writer.
func (o *Outbox) clock(tx *gorm.DB) (time.Time, error) {
	if !o.postgres || !o.cfg.DatabaseClock {
		return o.now(), nil
	}
	var us int64
	if err := tx.Raw("SELECT " + databaseNow).Scan(&us).Error; err != nil {
		return time.Time{}, fmt.Errorf("ask for the time: %w", err)
	}
	o.measured(us)
	return unstamp(us), nil
}

func (o *Outbox) measured(us int64) { o.ahead.Store(int64(o.now().Sub(unstamp(us)))) }

// shared is about what clock would say, without asking: it goes by how far our own clock was ahead when it was asked
// last. It is for what does no harm where it is a moment early or late.
func (o *Outbox) shared() time.Time { return o.now().Add(-time.Duration(o.ahead.Load())) }

// dueAt makes of a time by our own clock one by which all go. What is due now is due now for all; any other time was
// meant as it was said: a digest at seven.
func (o *Outbox) dueAt(t time.Time) time.Time {
	if t.After(o.now()) {
		return t
	}
	if shared := o.shared(); t.After(shared) {
		return shared
	}
	return t
}

// dueForAll gives deliveries with a due time that all nodes understand.
func (o *Outbox) dueForAll(deliveries []Delivery) []Delivery {
	if o.ahead.Load() <= int64(time.Millisecond) { // whatever is due by our clock is due by the other one too
		return deliveries
	}
	deliveries = slices.Clone(deliveries)
	for i := range deliveries {
		deliveries[i].DueAt = o.dueAt(deliveries[i].DueAt)
	}
	return deliveries
}

// next says how long it is until the first queue of a backend may be claimed, negative where it may; false when nothing
// is owed.
func (o *Outbox) next(ctx context.Context, backend string) (time.Duration, bool, error) {
	ours := !o.postgres || !o.cfg.DatabaseClock
	clock := databaseNow
	if ours {
		clock = "0"
	}
	var ready sql.NullInt64
	var us int64
	err := o.reader.WithContext(ctx).Raw(`SELECT (SELECT min(ready_at) FROM lanes WHERE backend = ? AND NOT held), `+clock,
		backend).Row().Scan(&ready, &us)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, false, fmt.Errorf("find next due: %w", err)
	}
	if ours {
		us = stamp(o.now())
	} else if err == nil {
		o.measured(us)
	}
	if !ready.Valid || ready.Int64 == never {
		return 0, false, nil
	}
	return time.Duration(max(ready.Int64, 1)-us) * time.Microsecond, true, nil
}
