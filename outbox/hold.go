package outbox

import (
	"fmt"
	"slices"

	"gorm.io/gorm"
)

// Hold keeps everything that is owed to destinations where it is, or lets it go again, in the caller's transaction. It
// is for people who are disabled: nothing is sent to them, and nothing is lost. What is being sent at this moment still
// goes.
func (o *Outbox) Hold(tx *gorm.DB, destinations []string, held bool) error {
	for part := range slices.Chunk(destinations, chunk) {
		if err := o.lockQueuesOf(tx, part); err != nil {
			return err
		}
		if err := tx.Exec(`UPDATE lanes SET held = ? WHERE destination IN ?`, held, part).Error; err != nil {
			return fmt.Errorf("hold deliveries: %w", err)
		}
	}
	return nil
}
