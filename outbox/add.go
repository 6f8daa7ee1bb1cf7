package outbox

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
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
	queues, err := o.lockQueues(tx, deliveries)
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
	now := o.shared()
	if deliveries, err = o.foldOverflow(tx, o.dueForAll(deliveries), queues); err != nil {
		return 0, err
	}
	fresh, err := o.store(tx, deliveries, queues, now)
	if err != nil {
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

// store stores what is new of deliveries, and gives it in their order. Those that are there already may get their new
// notices.
func (o *Outbox) store(
	tx *gorm.DB, deliveries []Delivery, queues map[queueKey]*queue, now time.Time,
) ([]stored, error) {
	list, err := o.place(tx, deliveries, queues)
	if err != nil {
		return nil, err
	}
	fresh := make([]stored, 0, len(list))
	for _, p := range list {
		if !p.known {
			fresh = append(fresh, stored{placed: p, due: stamp(p.DueAt), together: p.Together, hold: text.Storable(p.Hold)})
			continue
		}
		if err := refresh(tx, p); err != nil {
			return nil, err
		}
	}
	o.deferLate(fresh, now)
	return fresh, insert(tx, fresh, now)
}

// A stored is a delivery that Add has just inserted.
type stored struct {
	placed
	due      int64
	together bool
	hold     string
	gathered bool // behind a first one: see Delivery.Lead
}

// insert stores what is new. What most rows have alike stands in the statement.
func insert(tx *gorm.DB, fresh []stored, now time.Time) error {
	for part := range slices.Chunk(fresh, chunk) {
		var b strings.Builder
		b.WriteString(`INSERT INTO deliveries (content, lane, variant, due_at, together, relations, reasons, hold, manage,
			added_at, settled_at, attempts, failed_at, state, parcel, last_error) VALUES `)
		args := make([]any, 0, 10*len(part))
		for i, s := range part {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString("(?,?,?,?,?,?,?,?,?,?,0,0,0,'waiting','','')")
			args = append(args, s.message.ID, s.queue.ID, s.version.variant, s.due, s.together, s.relations,
				encodeReasons(s.Reasons), s.hold, text.Storable(s.Manage), stamp(now))
		}
		if err := tx.Exec(b.String(), args...).Error; err != nil {
			return fmt.Errorf("store deliveries: %w", err)
		}
	}
	return nil
}

// refresh gives its new notice to a delivery that is to have it, if it was never tried.
func refresh(tx *gorm.DB, p placed) error {
	if !p.Refresh {
		return nil
	}
	err := tx.Exec(`UPDATE deliveries SET variant = ?, reasons = ?, relations = ? WHERE content = ? AND lane = ?
		AND state = ? AND parcel = ''`, p.version.variant, encodeReasons(p.Reasons), p.relations, p.message.ID, p.queue.ID,
		Waiting).Error
	if err != nil {
		return fmt.Errorf("refresh notice: %w", err)
	}
	return nil
}

// values gives the tuple n times, separated by commas.
func values(n int, tuple string) string {
	return strings.TrimSuffix(strings.Repeat(tuple+", ", n), ", ")
}
