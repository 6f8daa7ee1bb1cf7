package partitions

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// The bounds of a drop. Who waits for an exclusive lock makes all wait that come after, readers too. So it waits for
// lockWait at most, and tries again after pauses that are much longer.
const (
	lockWait   = 100 * time.Millisecond
	firstPause = 500 * time.Millisecond
	mostPause  = 20 * time.Second
)

// newestRead is of how many of the last messages of a partition the newest is looked for: several nodes append at a
// time, and their clocks differ.
const newestRead = 1000

// Old reports whether all messages of a partition were received before a time, or there are none.
func Old(tx *gorm.DB, p Partition, before time.Time) (bool, error) {
	var newest int64
	err := tx.Raw("SELECT coalesce(max(received_at), 0) FROM (SELECT received_at FROM "+p.table("messages")+
		" ORDER BY id DESC LIMIT ?) AS last", newestRead).Scan(&newest).Error
	if err != nil {
		return false, fmt.Errorf("read age of partition %d: %w", p.Number, err)
	}
	return newest < before.UnixMicro(), nil
}

// OldOnes gives the partitions at the begin that are old, but not the one in use. db is no transaction: a partition
// that another process drops meanwhile is passed over.
func OldOnes(db *gorm.DB, before time.Time) (old []Partition, err error) {
	all, err := List(db)
	if err != nil {
		return nil, err
	}
	used, err := InUse(db)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if p.Number >= used {
			break
		}
		is, err := Old(db, p, before)
		var e *pgconn.PgError
		if errors.As(err, &e) && e.Code == undefinedTable {
			continue // another process has dropped it since
		}
		if err != nil || !is {
			return old, err
		}
		old = append(old, p)
	}
	return old, nil
}

// A Drop drops the first partition, if all its messages were received before a time.
type Drop struct {
	Partition
	Before time.Time
	// Count is called in the transaction before anybody has to wait for it; Locked when nobody else can change the table
	// of messages, which it gets.
	Count, Locked func(tx *gorm.DB, table string) error
}

// Run tries until ctx ends, while others use the tables in long transactions. It reports whether the partition is
// dropped; it is not where another process was faster, or it is not that old.
func (d Drop) Run(ctx context.Context, db *gorm.DB) (dropped bool, err error) {
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		dropped, err = d.once(db.WithContext(ctx))
		var e *pgconn.PgError
		if !errors.As(err, &e) || e.Code != lockNotAvailable {
			return dropped, err
		}
		timer := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false, fmt.Errorf("drop partition %d of the history: a transaction has used its tables for long"+
				" (pg_stat_activity says whose it is); it is tried again in the next round: %w", d.Number, err)
		}
	}
}

// undefinedTable is the SQLSTATE of a table that is not there.
const undefinedTable = "42P01"

// lockNotAvailable is the SQLSTATE of a lock that was not there within lock_timeout.
const lockNotAvailable = "55P03"

// once drops in one transaction: whoever reads finds a message whole or not at all.
func (d Drop) once(db *gorm.DB) (dropped bool, err error) {
	err = db.Transaction(func(tx *gorm.DB) error {
		if err := lock(tx); err != nil {
			return err
		}
		all, err := List(tx)
		if err != nil || len(all) == 0 || all[0] != d.Partition {
			return err
		}
		if err := d.Count(tx, d.table("messages")); err != nil {
			return err
		}
		if err := tx.Exec("SET LOCAL lock_timeout = '" + lockWait.String() + "'").Error; err != nil {
			return err
		}
		if err := tx.Exec("LOCK TABLE ONLY messages IN ACCESS EXCLUSIVE MODE").Error; err != nil {
			return err
		}
		// again: who has appended to it had the lock
		if old, err := Old(tx, d.Partition, d.Before); err != nil || !old {
			return err
		}
		if err := d.Locked(tx, d.table("messages")); err != nil {
			return err
		}
		parts := make([]string, len(Tables))
		for i, t := range Tables {
			parts[i] = d.table(t.Name)
		}
		dropped = true
		return tx.Exec("DROP TABLE " + strings.Join(parts, ", ")).Error
	})
	return dropped && err == nil, err
}
