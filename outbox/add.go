package outbox

import (
	"cmp"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
)

// chunk bounds the rows of one statement: SQLite takes 32766 parameters, PostgreSQL 65535.
const chunk = 400

// A queueKey names a queue.
type queueKey struct{ backend, destination string }

func (k queueKey) compare(other queueKey) int {
	return cmp.Or(strings.Compare(k.backend, other.backend), strings.Compare(k.destination, other.destination))
}

func keyOf(d Delivery) queueKey {
	return queueKey{text.Storable(d.Backend), text.Storable(d.Destination)}
}

// Add stores deliveries in the caller's transaction and gives how many are new: a pair of message and destination
// that is there already is skipped. What goes over the rate cap of its destination becomes a digest, due at the end
// of the window; critical notices pass. Call Notify after the commit.
func (o *Outbox) Add(tx *gorm.DB, deliveries []Delivery) (added int, err error) {
	if len(deliveries) == 0 {
		return 0, nil
	}
	queues, err := lockQueues(tx, deliveries)
	if err != nil {
		return 0, err
	}
	return o.add(tx, deliveries, queues)
}

// add is Add once the queues are locked.
func (o *Outbox) add(tx *gorm.DB, deliveries []Delivery, queues map[queueKey]*queue) (added int, err error) {
	if len(deliveries) == 0 {
		return 0, nil
	}
	if err := refresh(tx, deliveries); err != nil {
		return 0, err
	}
	now := o.now()
	fresh, err := insert(tx, deliveries, queues, now)
	if err != nil {
		return 0, err
	}
	if len(fresh) == 0 {
		return 0, nil
	}
	if err := o.deferOverflow(tx, fresh, queues, now); err != nil {
		return 0, err
	}
	if err := pullFull(tx, fresh, now); err != nil {
		return 0, err
	}
	return len(fresh), saveQueues(tx, queues)
}

// A stored is a delivery that Add has just inserted.
type stored struct {
	*Delivery
	id    int64
	queue *queue
	due   int64
}

// lockQueues makes the queues of deliveries where they are missing and locks them, in the order of their names, so that
// two transactions never wait for each other. The lock makes counting exact on PostgreSQL.
func lockQueues(tx *gorm.DB, deliveries []Delivery) (map[queueKey]*queue, error) {
	queues := map[queueKey]*queue{}
	for _, d := range deliveries {
		queues[keyOf(d)] = nil
	}
	keys := slices.SortedFunc(maps.Keys(queues), queueKey.compare)
	for part := range slices.Chunk(keys, chunk) {
		var args []any
		for _, k := range part {
			args = append(args, k.backend, k.destination, int64(never))
		}
		// a column that is set to its own value locks the row; one without an index costs little
		upsert := tx.Raw(`INSERT INTO lanes (backend, destination, lease, ready_at, window_at, window_count) VALUES `+
			values(len(part), "(?, ?, '', ?, 0, 0)")+`
			ON CONFLICT (backend, destination) DO UPDATE SET lease = lanes.lease
			RETURNING id, backend, destination, lease, ready_at, window_at, window_count`, args...)
		err := eachRow(upsert, func(rows *sql.Rows) error {
			q := new(queue)
			err := rows.Scan(&q.ID, &q.Backend, &q.Destination, &q.Lease, &q.ReadyAt, &q.WindowAt, &q.WindowCount)
			q.was = q.state()
			queues[queueKey{q.Backend, q.Destination}] = q
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("lock destinations: %w", err)
		}
	}
	return queues, nil
}

// insert stores what is new and gives it back in the order of deliveries.
func insert(tx *gorm.DB, deliveries []Delivery, queues map[queueKey]*queue, now time.Time) ([]stored, error) {
	var fresh []stored
	for part := range slices.Chunk(deliveries, chunk) {
		var args []any
		first := map[[2]string]*Delivery{}
		for i := range part {
			r, err := newRow(part[i], queues[keyOf(part[i])].ID, now)
			if err != nil {
				return nil, err
			}
			pair := [2]string{r.Message, r.Destination}
			if first[pair] != nil {
				continue
			}
			first[pair] = &part[i]
			args = append(args, r.Message, r.Destination, r.Backend, r.Queue, r.Address, r.Notice, r.Manage, r.Together,
				r.State, r.DueAt, r.AddedAt)
		}
		var made []row
		store := tx.Raw(`INSERT INTO deliveries (message, destination, backend, lane, address, notice, manage, together,
			state, due_at, added_at, parcel, attempts, failed_at, last_error, settled_at) VALUES `+
			values(len(first), "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, 0, '', 0)")+
			` ON CONFLICT (message, destination) DO NOTHING RETURNING id, message, destination`, args...)
		err := eachRow(store, func(rows *sql.Rows) error {
			var r row
			err := rows.Scan(&r.ID, &r.Message, &r.Destination)
			made = append(made, r)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("store deliveries: %w", err)
		}
		slices.SortFunc(made, func(a, b row) int { return cmp.Compare(a.ID, b.ID) })
		for _, r := range made {
			d := first[[2]string{r.Message, r.Destination}]
			fresh = append(fresh, stored{d, r.ID, queues[keyOf(*d)], stamp(d.DueAt)})
		}
	}
	return fresh, nil
}

// deferOverflow turns what goes over the rate cap into a digest, and moves the queues' ready time forward.
func (o *Outbox) deferOverflow(tx *gorm.DB, fresh []stored, queues map[queueKey]*queue, now time.Time) error {
	late := map[int64][]int64{} // due time to ids
	for i := range fresh {
		s := &fresh[i]
		if o.cfg.CapCount > 0 && !s.Together && s.queue.over(now, o.cfg) && s.Notice.Severity != "critical" {
			s.due = max(s.due, s.queue.WindowAt+o.cfg.CapWindow.Microseconds())
			late[s.due] = append(late[s.due], s.id)
		}
		s.queue.ready(s.due)
	}
	for due, ids := range late {
		for part := range slices.Chunk(ids, chunk) {
			err := tx.Exec(`UPDATE deliveries SET together = ?, due_at = ? WHERE id IN ?`, true, due, part).Error
			if err != nil {
				return fmt.Errorf("defer overflow: %w", err)
			}
		}
	}
	return nil
}

// over counts one more notice in the window and says whether it is one too many.
func (q *queue) over(now time.Time, cfg Config) bool {
	if stamp(now) >= q.WindowAt+cfg.CapWindow.Microseconds() {
		q.WindowAt, q.WindowCount = stamp(now), 0
	}
	q.WindowCount++
	return q.WindowCount > int64(cfg.CapCount)
}

// ready lets a free queue be claimed at due, if that is earlier. A leased one finds its new rows when its parcel is
// complete.
func (q *queue) ready(due int64) {
	if q.Lease == "" {
		q.ReadyAt = min(q.ReadyAt, due)
	}
}

// pull makes a digest due at once where it has as many notices as its schedule allows.
func pullFull(tx *gorm.DB, fresh []stored, now time.Time) error {
	limits := map[*queue]int{}
	for _, s := range fresh {
		if s.Together && s.PullAt > 0 {
			if old, ok := limits[s.queue]; !ok || s.PullAt < old {
				limits[s.queue] = s.PullAt
			}
		}
	}
	for q, limit := range limits {
		var waiting int64
		err := tx.Raw(`SELECT count(*) FROM deliveries WHERE lane = ? AND state = ? AND together = ? AND parcel = ''`,
			q.ID, Waiting, true).Scan(&waiting).Error
		if err != nil {
			return fmt.Errorf("count digest: %w", err)
		}
		if waiting < int64(limit) {
			continue
		}
		if err := makeDue(tx, q.ID, now); err != nil {
			return err
		}
		q.ready(stamp(now))
	}
	return nil
}

// makeDue makes everything due that waits for a digest in a queue.
func makeDue(tx *gorm.DB, queue int64, now time.Time) error {
	err := tx.Exec(`UPDATE deliveries SET due_at = ?
		WHERE lane = ? AND state = ? AND together = ? AND parcel = '' AND due_at > ?`,
		stamp(now), queue, Waiting, true, stamp(now)).Error
	if err != nil {
		return fmt.Errorf("pull digest: %w", err)
	}
	return nil
}

// state is what Add may change of a queue.
func (q *queue) state() [3]int64 { return [3]int64{q.ReadyAt, q.WindowAt, q.WindowCount} }

func saveQueues(tx *gorm.DB, queues map[queueKey]*queue) error {
	keys := slices.SortedFunc(maps.Keys(queues), queueKey.compare)
	keys = slices.DeleteFunc(keys, func(k queueKey) bool { return queues[k].was == queues[k].state() })
	for part := range slices.Chunk(keys, chunk) {
		var args []any
		for _, k := range part {
			q := queues[k]
			args = append(args, q.Backend, q.Destination, q.Lease, q.ReadyAt, q.WindowAt, q.WindowCount)
		}
		err := tx.Exec(`INSERT INTO lanes (backend, destination, lease, ready_at, window_at, window_count) VALUES `+
			values(len(part), "(?, ?, ?, ?, ?, ?)")+` ON CONFLICT (backend, destination) DO UPDATE SET
			ready_at = excluded.ready_at, window_at = excluded.window_at, window_count = excluded.window_count`,
			args...).Error
		if err != nil {
			return fmt.Errorf("store destinations: %w", err)
		}
	}
	return nil
}

// eachRow calls scan for each row of a query that may have thousands. gorm's Scan would also format the statement with
// all its values, for a log that is off.
func eachRow(query *gorm.DB, scan func(rows *sql.Rows) error) error {
	rows, err := query.Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// values gives the tuple n times, separated by commas.
func values(n int, tuple string) string {
	return strings.TrimSuffix(strings.Repeat(tuple+", ", n), ", ")
}
