package outbox

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

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
	queues, err := o.lockQueues(tx, slices.Concat(deliveries, touched))
	if err != nil {
		return 0, err
	}
	var sent []Entry
	for _, m := range moves {
		m.From, m.To = text.Storable(m.From), text.Storable(m.To)
		if err := o.rename(tx, m); err != nil {
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
		query := tx.Raw(`SELECT backend, destination FROM lanes WHERE id IN (SELECT lane FROM deliveries WHERE content IN
			(SELECT id FROM contents WHERE message <> '' AND message IN ?))`, part)
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

// rename gives the deliveries of a message its other id. A destination keeps one delivery of it. Where there
// are some of the other id already, those that move keep their text as one of their own.
func (o *Outbox) rename(tx *gorm.DB, m Move) error {
	if m.From == m.To {
		return nil
	}
	ids, err := contentIDs(tx, []string{m.From, m.To})
	if err != nil {
		return err
	}
	from, to := ids[m.From], ids[m.To]
	switch {
	case from == 0:
		return nil
	case to == 0:
		return tx.Exec("UPDATE contents SET message = ? WHERE id = ?", m.To, from).Error
	}
	_, err = o.forget(tx, "content = ? AND lane IN (SELECT lane FROM deliveries WHERE content = ?)", from, to)
	if err != nil {
		return err
	}
	err = tx.Exec(`UPDATE deliveries SET content = ?, variant = CASE WHEN variant = 0 THEN content ELSE variant END
		WHERE content = ?`, to, from).Error
	if err != nil {
		return err
	}
	if err := tx.Exec("UPDATE contents SET message = '' WHERE id = ?", from).Error; err != nil {
		return err
	}
	_, err = o.forgetContents(tx, []int64{from})
	return err
}

// withdraw makes dead what is owed of a message, and gives what was sent of it, or is being sent.
func (o *Outbox) withdraw(tx *gorm.DB, m Move) ([]Entry, error) {
	if m.Withdraw == "" {
		return nil, nil
	}
	const ofMessage = "content = (SELECT id FROM contents WHERE message <> '' AND message = ?)"
	sent, err := readRows(tx, "WHERE "+ofMessage+" AND state IN ? ORDER BY id", m.To, []State{Done, Claimed})
	if err != nil {
		return nil, err
	}
	// dead ones too: they are not to be sent again
	err = tx.Exec("UPDATE deliveries SET state = ?, settled_at = ?, last_error = ? WHERE "+ofMessage+" AND state <> ?",
		Dead, stamp(o.now()), text.ElideBytes(withdrawn+text.Storable(m.Withdraw), maxReason), m.To, Done).Error
	if err != nil {
		return nil, err
	}
	return o.entries(tx, sent)
}

// Redirect gives what waits for a destination to another one of the same backend, in the caller's transaction: the two
// are the same address. Of a message that is there for both, one delivery stays. What is being sent at this moment
// goes, and is not tried again.
func (o *Outbox) Redirect(tx *gorm.DB, backend, from, to string) error {
	queues, err := o.lockQueues(tx, []Delivery{{Backend: backend, Destination: from}, {Backend: backend, Destination: to}})
	if err != nil {
		return err
	}
	old, lane := queues[queueKey{text.Storable(backend), text.Storable(from)}], queues[queueKey{text.Storable(backend),
		text.Storable(to)}]
	lane.Address, lane.Owner = cmp.Or(lane.Address, old.Address), cmp.Or(lane.Owner, old.Owner)
	_, err = o.forget(tx, "lane = ? AND content IN (SELECT content FROM deliveries WHERE lane = ?)", old.ID, lane.ID)
	if err == nil {
		err = tx.Exec("UPDATE deliveries SET lane = ? WHERE lane = ? AND state <> ?", lane.ID, old.ID, Claimed).Error
	}
	if err != nil {
		return fmt.Errorf("redirect deliveries: %w", err)
	}
	if _, err := o.Cancel(tx, []string{from}, "the destination was joined with another one"); err != nil {
		return err
	}
	if err := saveQueues(tx, queues); err != nil {
		return err
	}
	if lane.Lease != "" {
		return nil // who sends there looks again when it has sent
	}
	return setReady(tx, lane.ID, 0)
}

// elsewhere begins the last error of a delivery that another destination has got instead.
const elsewhere = "sent elsewhere: "

// Undelivered gives what waits for destinations and is late or has failed, and what was given up since then, oldest
// first, at most limit. critical leaves out all but critical notices.
func (o *Outbox) Undelivered(
	ctx context.Context, destinations []string, since time.Time, critical bool, limit int,
) ([]Entry, error) {
	which := ""
	if critical {
		which = ` AND notice LIKE '%"Severity":"critical"%'`
	}
	tx := o.reader.WithContext(ctx)
	rows, err := readRows(tx, `WHERE lane IN (SELECT id FROM lanes WHERE destination IN ?) AND
		(settled_at = 0 AND state = 'waiting' AND (attempts > 0 OR due_at <= ?) OR
		settled_at >= ? AND state = 'dead' AND last_error NOT LIKE 'silenced: %' AND last_error NOT LIKE 'withdrawn: %' AND
		last_error NOT LIKE 'sent elsewhere: %')`+which+" ORDER BY id LIMIT ?", storable(destinations),
		stamp(o.shared()), max(stamp(since), 1), page(limit))
	if err != nil {
		return nil, fmt.Errorf("find what was not delivered: %w", err)
	}
	return o.entries(tx, rows)
}

// Reroute gives what is owed to one destination to another one, in the caller's transaction, and says whether it did.
// The delivery is closed with the reason, unless keep lets it go on being tried. What is being sent at this moment, was
// sent, silenced or withdrawn meanwhile, or was rerouted before, stays as it is. The message is owed to the other
// destination once, as by Add; where it has it already only the reason is written down.
func (o *Outbox) Reroute(tx *gorm.DB, id int64, to Delivery, reason string, keep bool) (done bool, err error) {
	rows, err := readRows(tx, "WHERE id = ?", id)
	if err != nil || len(rows) == 0 {
		return false, err
	}
	from := Delivery{Backend: rows[0].Backend, Destination: rows[0].Destination}
	queues, err := o.lockQueues(tx, []Delivery{from, to})
	if err != nil {
		return false, err
	}
	rows, err = readRows(tx, "WHERE id = ? AND state IN ? AND last_error NOT LIKE 'silenced: %' AND "+
		"last_error NOT LIKE 'withdrawn: %'", id, []State{Waiting, Dead})
	if err != nil || len(rows) == 0 {
		return false, err // somebody sends it, or has, or nobody wants it any more
	}
	if busy, err := inFlight(tx, queues[keyOf(from)], rows[0].Parcel); busy || err != nil {
		return false, err
	}
	if !keep {
		closed := tx.Exec(`UPDATE deliveries SET state = ?, settled_at = ?, last_error = ? WHERE id = ? AND
			last_error NOT LIKE 'sent elsewhere: %'`, Dead, stamp(o.now()),
			text.ElideBytes(elsewhere+text.Storable(reason), maxReason), id)
		if closed.Error != nil || closed.RowsAffected == 0 {
			return false, closed.Error
		}
	}
	added, err := o.add(tx, []Delivery{to}, queues)
	return !keep || added > 0, err
}
