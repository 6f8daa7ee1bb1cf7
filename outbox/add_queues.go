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
		upsert := tx.Raw(`INSERT INTO lanes (backend, destination, lease, ready_at, window_at) VALUES `+
			values(len(part), "(?, ?, '', ?, 0)")+`
			ON CONFLICT (backend, destination) DO UPDATE SET lease = lanes.lease
			RETURNING id, backend, destination, lease, ready_at, window_at, came, folds_at, lead_at, lead_more`, args...)
		err := eachRow(upsert, func(rows *sql.Rows) error {
			q := new(queue)
			err := rows.Scan(&q.ID, &q.Backend, &q.Destination, &q.Lease, &q.ReadyAt, &q.WindowAt, &q.Came, &q.FoldsAt,
				&q.LeadAt, &q.LeadMore)
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

// A queueState is what Add may change of a queue.
type queueState struct {
	readyAt, windowAt, foldsAt, leadAt int64
	came                               string
	leadMore                           bool
}

func (q *queue) state() queueState {
	if q.window != nil {
		q.Came = q.window.String()
	}
	return queueState{q.ReadyAt, q.WindowAt, q.FoldsAt, q.LeadAt, q.Came, q.LeadMore}
}

func saveQueues(tx *gorm.DB, queues map[queueKey]*queue) error {
	keys := slices.SortedFunc(maps.Keys(queues), queueKey.compare)
	keys = slices.DeleteFunc(keys, func(k queueKey) bool { return queues[k].was == queues[k].state() })
	for part := range slices.Chunk(keys, chunk) {
		var args []any
		for _, k := range part {
			q := queues[k]
			args = append(args, q.Backend, q.Destination, q.Lease, q.ReadyAt, q.WindowAt, q.Came, q.FoldsAt, q.LeadAt,
				q.LeadMore)
		}
		err := tx.Exec(`INSERT INTO lanes (backend, destination, lease, ready_at, window_at, came, folds_at, lead_at,
			lead_more) VALUES `+values(len(part), "(?, ?, ?, ?, ?, ?, ?, ?, ?)")+`
			ON CONFLICT (backend, destination) DO UPDATE SET ready_at = excluded.ready_at,
			window_at = excluded.window_at, came = excluded.came, folds_at = excluded.folds_at,
			lead_at = excluded.lead_at, lead_more = excluded.lead_more`, args...).Error
		if err != nil {
			return fmt.Errorf("store destinations: %w", err)
		}
	}
	return nil
}
