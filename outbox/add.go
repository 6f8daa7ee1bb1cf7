package outbox

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
)

// chunk bounds the rows of one statement: SQLite takes 32766 parameters, PostgreSQL 65535.
const chunk = 400

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
	now := o.shared()
	if deliveries, err = o.foldOverflow(tx, o.dueForAll(deliveries), queues); err != nil {
		return 0, err
	}
	fresh, err := insert(tx, deliveries, queues, now)
	if err != nil {
		return 0, err
	}
	if len(fresh) == 0 {
		return 0, saveQueues(tx, queues)
	}
	if err := o.deferLate(tx, fresh, queues, now); err != nil {
		return 0, err
	}
	if err := o.pair(tx, fresh, now); err != nil {
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
	id       int64
	queue    *queue
	due      int64
	gathered bool // behind a first one: see Delivery.Lead
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
				r.State, r.DueAt, r.AddedAt, r.Hold)
		}
		var made []row
		store := tx.Raw(`INSERT INTO deliveries (message, destination, backend, lane, address, notice, manage, together,
			state, due_at, added_at, hold, parcel, attempts, failed_at, last_error, settled_at) VALUES `+
			values(len(first), "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, 0, '', 0)")+
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
			fresh = append(fresh, stored{Delivery: d, id: r.ID, queue: queues[keyOf(*d)], due: stamp(d.DueAt)})
		}
	}
	return fresh, nil
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
