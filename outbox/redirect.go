package outbox

import (
	"fmt"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
)

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
