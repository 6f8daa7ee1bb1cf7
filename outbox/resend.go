package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
)

var (
	// ErrNotFound says that there is no such delivery, or that it is not dead.
	ErrNotFound = errors.New("no such dead delivery")
	// ErrUnsendable says that a dead delivery cannot be sent again. The error that wraps it says why, for its owner.
	ErrUnsendable = errors.New("cannot be sent again")
)

// DeadLetter gives a dead delivery as it stands in a transaction.
func (o *Outbox) DeadLetter(tx *gorm.DB, id int64) (Entry, error) {
	rows, err := readRows(tx, "WHERE id = ? AND state = ?", id, Dead)
	if err != nil {
		return Entry{}, fmt.Errorf("read dead delivery: %w", err)
	}
	if len(rows) == 0 {
		return Entry{}, fmt.Errorf("%w: %d", ErrNotFound, id)
	}
	list, err := o.entries(tx, rows)
	if err != nil {
		return Entry{}, err
	}
	return list[0], nil
}

// Resend makes a dead delivery waiting again, due now, with no attempts counted, in the caller's transaction. It goes
// in a new parcel: alone, or together with what else is due to its destination. ErrUnsendable when its text
// was wiped or cannot be read, and while the send during which it was cancelled still runs. The caller checks before
// that its destination takes anything. Call Notify after the commit.
func (o *Outbox) Resend(tx *gorm.DB, id int64, together bool) error {
	letter, err := o.DeadLetter(tx, id)
	if err != nil {
		return err
	}
	if strings.HasPrefix(letter.Destination, Account) {
		return fmt.Errorf("%w: its text was wiped when it was given up, since it may have held a sign-in link or a "+
			"code", ErrUnsendable)
	}
	if letter.Broken {
		return fmt.Errorf("%w: its stored text cannot be read", ErrUnsendable)
	}
	if strings.HasPrefix(letter.LastError, withdrawn) {
		return fmt.Errorf("%w: it was %s", ErrUnsendable, letter.LastError)
	}
	d := Delivery{Backend: letter.Backend, Destination: letter.Destination}
	queues, err := o.lockQueues(tx, []Delivery{d})
	if err != nil {
		return err
	}
	q := queues[keyOf(d)]
	busy, err := inFlight(tx, q, letter.Parcel)
	if err != nil {
		return err
	}
	if busy {
		return fmt.Errorf("%w: it was cancelled while it was being sent, and that send may still run; try again in a "+
			"minute", ErrUnsendable)
	}
	now := stamp(o.shared())
	changed := tx.Exec(`UPDATE deliveries SET state = ?, lane = ?, parcel = '', together = ?, due_at = ?, hold = '',
		attempts = 0, failed_at = 0, settled_at = 0 WHERE id = ? AND state = ?`, Waiting, q.ID, together, now, id, Dead)
	if changed.Error != nil {
		return fmt.Errorf("resend delivery: %w", changed.Error)
	}
	if changed.RowsAffected == 0 { // another node was faster
		return fmt.Errorf("%w: %d", ErrNotFound, id)
	}
	q.ready(now)
	return saveQueues(tx, queues)
}

// inFlight says whether a worker may still be sending a parcel that was cancelled. A leased queue has one parcel under
// way: the one whose rows are claimed or, where none is, one of which every row was cancelled. A lease that has run out
// counts too: its worker may still be sending, and the next claim clears it.
func inFlight(tx *gorm.DB, q *queue, parcel string) (bool, error) {
	if parcel == "" || q.Lease == "" {
		return false, nil
	}
	var claimed []string
	err := tx.Raw("SELECT DISTINCT parcel FROM deliveries WHERE lane = ? AND state = ? AND settled_at = 0", q.ID,
		Claimed).Scan(&claimed).Error
	if err != nil {
		return false, fmt.Errorf("find parcel in hand: %w", err)
	}
	return len(claimed) == 0 || slices.Contains(claimed, parcel), nil
}

// Drop deletes dead deliveries and gives how many there were.
func (o *Outbox) Drop(ctx context.Context, ids []int64) (int, error) {
	dropped := 0
	for part := range slices.Chunk(ids, chunk) {
		gone, err := o.forgetNow(ctx, "state = ? AND id IN ?", Dead, part)
		if err != nil {
			return dropped, fmt.Errorf("drop dead deliveries: %w", err)
		}
		dropped += gone.count
	}
	return dropped, nil
}
