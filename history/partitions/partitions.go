// Package partitions divides the tables of messages on PostgreSQL by the id of the message ("Table Partitioning" in its
// manual), so that what is too old goes by a DROP, which costs the same for a thousand messages and for a million.
//
// Partition n, which is the tables messages_n, message_facts_n and so on, has the ids from n*Span on; the first one
// also has all before. Ids go up in the order of reception, so a partition is a part of the time: where it has taken
// messages for long enough, the next id is set to the begin of the next partition. The ids in between are lost, of
// which there are enough.
//
// What always holds:
//
//   - All tables have the same partitions.
//   - There is a partition for an id before anybody inserts it: Advance makes them ahead, and Room.Cover where nobody
//     has.
//   - Nobody waits for one who makes partitions, nor longer than lockWait at a time for one who drops them.
//
// SQLite has no partitions.
package partitions

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
)

// Span is how many ids a partition has.
const Span = 100_000_000

// most bounds how many partitions there are: each one costs each query some microseconds.
const most = 18

// A Table is one with partitions; ID is its column for the id of a message.
type Table struct{ Name, ID string }

// Tables are all with partitions, that of the messages first.
var Tables = []Table{
	{"messages", "id"}, {"message_facts", "message_id"}, {"message_users", "message_id"},
	{"message_packages", "message_id"},
}

// least is from which age on messages go by partitions. Below it the rows are few, and a day that is kept longer would
// be much.
const least = 48 * time.Hour

// Width is for how long a partition takes messages that are kept for a time: a tenth of it, but a day at least; 0: it
// never ends.
func Width(keep time.Duration) time.Duration {
	if keep < least {
		return 0
	}
	return max(keep/10, 24*time.Hour)
}

// A Partition is one that there is.
type Partition struct {
	Number int64
	First  bool // it begins with the first id of all
}

// End gives the first id that comes after it.
func (p Partition) End() int64 { return (p.Number + 1) * Span }

// begin gives the first id of it.
func (p Partition) begin() int64 {
	if p.First {
		return 0
	}
	return p.Number * Span
}

func (p Partition) table(name string) string { return name + "_" + strconv.FormatInt(p.Number, 10) }

// List reads which there are, in their order.
func List(tx *gorm.DB) (all []Partition, err error) {
	var rows []struct {
		Name  string
		First bool
	}
	err = tx.Raw("SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) LIKE '%(MINVALUE)%' AS first" +
		" FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'messages'::regclass").
		Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read partitions: %w", err)
	}
	for _, r := range rows {
		// one of another name is the operator's
		if n, err := strconv.ParseInt(strings.TrimPrefix(r.Name, "messages_"), 10, 64); err == nil {
			all = append(all, Partition{n, r.First})
		}
	}
	slices.SortFunc(all, func(a, b Partition) int { return int(a.Number - b.Number) })
	return all, nil
}

// InUse gives the number of the partition that takes messages now.
func InUse(tx *gorm.DB) (int64, error) {
	var last int64
	if err := tx.Raw("SELECT last_value FROM messages_id_seq").Scan(&last).Error; err != nil {
		return 0, fmt.Errorf("read the last id: %w", err)
	}
	return last / Span, nil
}

// lock keeps others from making and dropping partitions, until the end of the transaction.
func lock(tx *gorm.DB) error {
	return tx.Exec("SELECT pg_advisory_xact_lock(hashtextextended('notifyd partitions of messages', 0))").Error
}

// create makes a partition. A table is made by itself and then attached, which nobody has to wait for: to create it as
// a partition would lock out all readers.
func create(tx *gorm.DB, number int64) error {
	p := Partition{Number: number}
	for _, t := range Tables {
		part := p.table(t.Name)
		for _, statement := range []string{
			"CREATE TABLE " + part + " (LIKE " + t.Name + ")",
			fmt.Sprintf("ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%d) TO (%d)", t.Name, part, p.begin(), p.End()),
		} {
			if err := tx.Exec(statement).Error; err != nil {
				return fmt.Errorf("make partition %s: %w", part, err)
			}
		}
	}
	return nil
}

// A Room is up to which id there are partitions, as far as a process knows. The zero Room knows nothing yet.
type Room struct{ end atomic.Int64 }

// Cover makes the partition for an id, where there is none yet. Nothing may be locked in tx yet for which others wait
// that do the same.
func (r *Room) Cover(tx *gorm.DB, id int64) error {
	if id < r.end.Load() {
		return nil
	}
	covered := func() (bool, error) {
		all, err := List(tx)
		at := slices.IndexFunc(all, func(p Partition) bool { return p.begin() <= id && id < p.End() })
		if err != nil || at < 0 {
			return false, err
		}
		r.end.Store(all[at].End()) // and not that of the last one: see Advance
		return true, nil
	}
	if is, err := covered(); is || err != nil {
		return err
	}
	if err := lock(tx); err != nil {
		return err
	}
	if is, err := covered(); is || err != nil {
		return err
	}
	return create(tx, id/Span)
}

// Forget makes the process look again: it may know of a partition whose transaction has failed.
func (r *Room) Forget() { r.end.Store(0) }

// Advance makes the next partition ahead of need, and begins it where the one in use has taken messages for width, by
// the time of their reception; 0: it goes on.
func Advance(db *gorm.DB, now time.Time, width time.Duration) error {
	err := db.Transaction(func(tx *gorm.DB) error {
		if err := lock(tx); err != nil {
			return err
		}
		all, err := List(tx)
		if err != nil {
			return err
		}
		used, err := InUse(tx)
		if err != nil {
			return err
		}
		// also that in use: where this ends without a commit, the next id stays set all the same
		for n := used; n <= used+1; n++ {
			if slices.ContainsFunc(all, func(p Partition) bool { return p.Number == n }) {
				continue
			}
			if err := create(tx, n); err != nil {
				return err
			}
		}
		if width == 0 || len(all) >= most {
			return nil
		}
		p := Partition{used, slices.Contains(all, Partition{used, true})}
		var first []int64
		err = tx.Raw("SELECT received_at FROM messages WHERE id >= ? ORDER BY id LIMIT 1", p.begin()).Scan(&first).Error
		if err != nil || len(first) == 0 || first[0] > now.Add(-width).UnixMicro() {
			return err
		}
		return tx.Exec("SELECT setval('messages_id_seq', ?, false)", p.End()).Error
	})
	if err != nil {
		return fmt.Errorf("make partitions of the history: %w", err)
	}
	return nil
}
