package outbox

import (
	"database/sql"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
)

// A Move says that a message has another id now, or that it is withdrawn, or both.
type Move struct {
	From, To string // ids of messages; they may be the same
	// Withdraw is the reason, for the people to whom it is owed, why the message is not sent any more; "": it is. As
	// with Cancel, what is being sent at this moment still goes, and is not tried again.
	Withdraw string
}

// withdrawn begins the last error of a delivery that was withdrawn.
const withdrawn = "withdrawn: "

// Corrections gives the deliveries that correct others, which were sent, or are being sent, and then were withdrawn.
// They go to destinations of those others.
type Corrections func(tx *gorm.DB, sent []Entry) ([]Delivery, error)

// AddAfter follows moves, in their order, and then is Add for the corrections of what they withdraw, and for
// deliveries. All queues are locked at once, in one order, so that two transactions never wait for each other.
func (o *Outbox) AddAfter(
	tx *gorm.DB, moves []Move, correct Corrections, deliveries []Delivery,
) (added int, err error) {
	if len(moves) == 0 {
		return o.Add(tx, deliveries)
	}
	touched, err := queuesOf(tx, moves)
	if err != nil {
		return 0, err
	}
	queues, err := lockQueues(tx, slices.Concat(deliveries, touched))
	if err != nil {
		return 0, err
	}
	var sent []Entry
	for _, m := range moves {
		m.From, m.To = text.Storable(m.From), text.Storable(m.To)
		if err := rename(tx, m); err != nil {
			return 0, fmt.Errorf("move deliveries: %w", err)
		}
		gone, err := o.withdraw(tx, m)
		if err != nil {
			return 0, fmt.Errorf("withdraw deliveries: %w", err)
		}
		sent = append(sent, gone...)
	}
	if len(sent) > 0 {
		corrections, err := correct(tx, sent)
		if err != nil {
			return 0, err
		}
		deliveries = append(corrections, deliveries...)
	}
	return o.add(tx, deliveries, queues)
}

// queuesOf gives the queues that have deliveries of messages, each as an empty delivery.
func queuesOf(tx *gorm.DB, moves []Move) ([]Delivery, error) {
	var ids []string
	for _, m := range moves {
		ids = append(ids, text.Storable(m.From), text.Storable(m.To))
	}
	var touched []Delivery
	for part := range slices.Chunk(ids, chunk) {
		query := tx.Raw("SELECT DISTINCT backend, destination FROM deliveries WHERE message IN ?", part)
		err := eachRow(query, func(rows *sql.Rows) error {
			var d Delivery
			err := rows.Scan(&d.Backend, &d.Destination)
			touched = append(touched, d)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("find deliveries of a message: %w", err)
		}
	}
	return touched, nil
}

// rename gives the deliveries of a message its other id. A destination keeps one delivery of it.
func rename(tx *gorm.DB, m Move) error {
	if m.From == m.To {
		return nil
	}
	err := tx.Exec(`DELETE FROM deliveries WHERE message = ? AND destination IN
		(SELECT destination FROM deliveries WHERE message = ?)`, m.From, m.To).Error
	if err != nil {
		return err
	}
	return tx.Exec("UPDATE deliveries SET message = ? WHERE message = ?", m.To, m.From).Error
}

// withdraw makes dead what is owed of a message, and gives what was sent of it, or is being sent.
func (o *Outbox) withdraw(tx *gorm.DB, m Move) ([]Entry, error) {
	if m.Withdraw == "" {
		return nil, nil
	}
	var sent []row
	err := tx.Where("message = ? AND state IN ?", m.To, []State{Done, Claimed}).Order("id").Find(&sent).Error
	if err != nil {
		return nil, err
	}
	// dead ones too: they are not to be sent again
	err = tx.Exec("UPDATE deliveries SET state = ?, settled_at = ?, last_error = ? WHERE message = ? AND state <> ?",
		Dead, stamp(o.now()), text.ElideBytes(withdrawn+text.Storable(m.Withdraw), maxReason), m.To, Done).Error
	if err != nil {
		return nil, err
	}
	return entries(sent), nil
}

// refresh gives their new notices to those that are to have them.
func refresh(tx *gorm.DB, deliveries []Delivery) error {
	for _, d := range deliveries {
		if !d.Refresh {
			continue
		}
		r, err := newRow(d, 0, d.DueAt)
		if err != nil {
			return err
		}
		err = tx.Exec(`UPDATE deliveries SET notice = ? WHERE message = ? AND destination = ? AND state = ? AND parcel = ''`,
			r.Notice, r.Message, r.Destination, Waiting).Error
		if err != nil {
			return fmt.Errorf("refresh notice: %w", err)
		}
	}
	return nil
}

// Redirect gives what waits for a destination to another one of the same backend, in the caller's transaction: the two
// are the same address. Of a message that is there for both, one delivery stays. What is being sent at this moment
// goes, and is not tried again.
func (o *Outbox) Redirect(tx *gorm.DB, backend, from, to string) error {
	queues, err := lockQueues(tx, []Delivery{{Backend: backend, Destination: from}, {Backend: backend, Destination: to}})
	if err != nil {
		return err
	}
	from, to = text.Storable(from), text.Storable(to)
	lane := queues[queueKey{text.Storable(backend), to}].ID
	err = tx.Exec(`DELETE FROM deliveries WHERE destination = ? AND message IN
		(SELECT message FROM deliveries WHERE destination = ?)`, from, to).Error
	if err != nil {
		return fmt.Errorf("redirect deliveries: %w", err)
	}
	err = tx.Exec("UPDATE deliveries SET destination = ?, lane = ? WHERE destination = ? AND state <> ?", to, lane, from,
		Claimed).Error
	if err != nil {
		return fmt.Errorf("redirect deliveries: %w", err)
	}
	if _, err := o.Cancel(tx, []string{from}, "the destination was joined with another one"); err != nil {
		return err
	}
	if queues[queueKey{text.Storable(backend), to}].Lease != "" {
		return nil // who sends there looks again when it has sent
	}
	return setReady(tx, lane, 0)
}
