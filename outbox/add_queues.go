package outbox

import (
	"cmp"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
)

// add_queues.go locks the queues of deliveries for a transaction, and stores what has changed of them.

// A queueKey names a queue.
type queueKey struct{ backend, destination string }

func (k queueKey) compare(other queueKey) int {
	return cmp.Or(strings.Compare(k.backend, other.backend), strings.Compare(k.destination, other.destination))
}

func keyOf(d Delivery) queueKey {
	return queueKey{text.Storable(d.Backend), text.Storable(d.Destination)}
}

// A queueState is what Add may change of a queue.
type queueState struct {
	readyAt, windowAt, foldsAt, leadAt int64
	came, address, owner               string
	leadMore                           bool
}

func (q *queue) state() queueState {
	if q.window != nil {
		q.Came = q.window.String()
	}
	return queueState{q.ReadyAt, q.WindowAt, q.FoldsAt, q.LeadAt, q.Came, q.Address, q.Owner, q.LeadMore}
}

const queueColumns = "id, backend, destination, lease, ready_at, window_at, came, folds_at, lead_at, lead_more, address, owner"

// lockQueues makes the queues of deliveries where they are missing and locks them, in the order of their names, so that
// two transactions never wait for each other. The lock makes counting exact on PostgreSQL. The last delivery says where
// a queue leads to.
func (o *Outbox) lockQueues(tx *gorm.DB, deliveries []Delivery) (map[queueKey]*queue, error) {
	queues := make(map[queueKey]*queue, len(deliveries))
	for _, d := range deliveries {
		queues[keyOf(d)] = nil
	}
	keys := slices.SortedFunc(maps.Keys(queues), queueKey.compare)
	if !o.postgres { // the transaction has the database to itself
		if err := readQueues(tx, keys, queues); err != nil {
			return nil, err
		}
		keys = slices.DeleteFunc(keys, func(k queueKey) bool { return queues[k] != nil })
	}
	if err := makeQueues(tx, keys, queues); err != nil {
		return nil, err
	}
	for _, d := range deliveries {
		q := queues[keyOf(d)]
		q.Address = cmp.Or(text.Storable(d.Address), q.Address)
		q.Owner = cmp.Or(text.Storable(d.Owner), q.Owner)
	}
	return queues, nil
}

// readQueues reads those of queues that are there.
func readQueues(tx *gorm.DB, keys []queueKey, queues map[queueKey]*queue) error {
	for part := range slices.Chunk(keys, chunk) {
		args := make([]any, 0, 2*len(part))
		for _, k := range part {
			args = append(args, k.destination, k.backend)
		}
		query := tx.Raw("SELECT "+queueColumns+" FROM lanes WHERE (destination, backend) IN (VALUES "+
			values(len(part), "(?, ?)")+")", args...)
		if err := eachQueue(query, queues); err != nil {
			return err
		}
	}
	return nil
}

// makeQueues makes queues, and locks those that are there.
func makeQueues(tx *gorm.DB, keys []queueKey, queues map[queueKey]*queue) error {
	for part := range slices.Chunk(keys, chunk) {
		args := make([]any, 0, 3*len(part))
		for _, k := range part {
			args = append(args, k.backend, k.destination, int64(never))
		}
		// a column that is set to its own value locks the row; one without an index costs little
		upsert := tx.Raw(`INSERT INTO lanes (backend, destination, lease, ready_at, window_at) VALUES `+
			values(len(part), "(?, ?, '', ?, 0)")+`
			ON CONFLICT (destination, backend) DO UPDATE SET lease = lanes.lease RETURNING `+queueColumns, args...)
		if err := eachQueue(upsert, queues); err != nil {
			return err
		}
	}
	return nil
}

func eachQueue(query *gorm.DB, queues map[queueKey]*queue) error {
	err := eachRow(query, func(rows *sql.Rows) error {
		q := new(queue)
		err := rows.Scan(&q.ID, &q.Backend, &q.Destination, &q.Lease, &q.ReadyAt, &q.WindowAt, &q.Came, &q.FoldsAt,
			&q.LeadAt, &q.LeadMore, &q.Address, &q.Owner)
		q.was = q.state()
		queues[queueKey{q.Backend, q.Destination}] = q
		return err
	})
	if err != nil {
		return fmt.Errorf("lock destinations: %w", err)
	}
	return nil
}

// saveQueues stores what has changed of queues: of most of them only when they are ready.
func saveQueues(tx *gorm.DB, queues map[queueKey]*queue) error {
	keys := slices.SortedFunc(maps.Keys(queues), queueKey.compare)
	keys = slices.DeleteFunc(keys, func(k queueKey) bool { return queues[k].was == queues[k].state() })
	for part := range slices.Chunk(keys, chunk) {
		args := make([]any, 0, 9*len(part))
		for _, k := range part {
			q := queues[k]
			args = append(args, q.ID, q.ReadyAt, q.WindowAt, q.Came, q.FoldsAt, q.LeadAt, q.LeadMore, q.Address, q.Owner)
		}
		err := tx.Exec(`WITH changed (id, ready_at, window_at, came, folds_at, lead_at, lead_more, address, owner) AS (VALUES `+
			values(len(part), "(CAST(? AS bigint), CAST(? AS bigint), CAST(? AS bigint), ?, CAST(? AS bigint), "+
				"CAST(? AS bigint), CAST(? AS boolean), ?, ?)")+`)
			UPDATE lanes SET ready_at = changed.ready_at, window_at = changed.window_at, came = changed.came,
			folds_at = changed.folds_at, lead_at = changed.lead_at, lead_more = changed.lead_more, address = changed.address, owner = changed.owner FROM changed WHERE lanes.id = changed.id`, args...).Error
		if err != nil {
			return fmt.Errorf("store destinations: %w", err)
		}
	}
	return nil
}

// lockQueuesAt locks the queues that destinations have.
func (o *Outbox) lockQueuesAt(tx *gorm.DB, destinations []string) (map[queueKey]*queue, error) {
	var found []queue
	if err := tx.Where("destination IN ?", destinations).Find(&found).Error; err != nil {
		return nil, fmt.Errorf("find destinations: %w", err)
	}
	list := make([]Delivery, len(found))
	for i, q := range found {
		list[i] = Delivery{Backend: q.Backend, Destination: q.Destination}
	}
	return o.lockQueues(tx, list)
}
