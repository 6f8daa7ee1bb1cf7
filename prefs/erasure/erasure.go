// Package erasure wipes what is stored beyond preferences of destinations that people have deleted: what was sent there
// and what waits, with addresses and texts, and what a backend itself keeps.
//
// Erase does it in the transaction that deletes them, so all of it happens or nothing. Two things can only be done
// later, and a row for each destination says that they are owed, so a process that is killed leaves them to the next:
//
//   - A commit leaves the old versions of pages behind. Scrub lets go of them: see migrations.DB.Scrub.
//   - A send that was under way when the destination was deleted may still store something, such as a notice in a
//     desktop's feed. So what a backend keeps is deleted once more when such a send must have ended.
//
// A row holds no address that a person typed, and goes when both are done.
package erasure

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
)

// Tables are those from which rows of people are deleted, beside what backends keep. They are what is scrubbed.
func Tables() []string {
	return []string{
		"users", "destinations", "filters", "filter_destinations", "filter_schedules", "mailed", "mailed_secrets", "sent_codes",
		"api_tokens", "passkeys", "identities", "logins", "places", "undos", "names", "audit",
		"mutes", "fallbacks", "escalations", "returned_mail",
		"deliveries", "contents", "lanes", "pairs", "filter_revisions", "erasures",
	}
}

// An Eraser wipes what is stored of destinations. All fields are needed.
type Eraser struct {
	Writer   *gorm.DB
	Scrub    func(ctx context.Context, tables ...string) error // migrations.DB.Scrub
	Lasting  bool                                              // Scrub takes long, as on PostgreSQL: Run alone calls it
	Outbox   *outbox.Outbox
	Backends []backends.Info
	Now      func() time.Time
	Log      *slog.Logger
}

// row is a destination of which something is still to be done.
type row struct {
	ID          uint   `gorm:"primaryKey"`
	Destination string `gorm:"not null"`
	Backend     string `gorm:"not null"`
	Address     string `gorm:"not null"` // where the backend keeps what was sent; else ""
	ErasedAt    int64  `gorm:"not null"`
	Scrubbed    bool   `gorm:"not null"`
}

// TableName is for gorm.
func (row) TableName() string { return "erasures" }

// Models returns a value of each gorm model, for the test that models and schema agree.
func Models() []any { return []any{&row{}} }

// Erase wipes what is stored of destinations, as part of tx, which deletes them. It is for prefs.Config.OnErase.
func (e *Eraser) Erase(tx *gorm.DB, gone []prefs.Destination) error {
	var keys, others []string
	for _, d := range gone {
		keys = append(keys, prefs.Key(d.ID))
		if account := outbox.Account + d.Backend + ":" + d.Address; d.Confirmed {
			keys = append(keys, account)
		} else { // what waits may be another person's
			others = append(others, account)
		}
		owed := row{Destination: prefs.Key(d.ID), Backend: d.Backend, ErasedAt: e.Now().UnixMicro()}
		if len(e.kept(d.Backend)) > 0 {
			owed.Address = d.Address
		}
		if err := tx.Create(&owed).Error; err != nil {
			return fmt.Errorf("note what is to be wiped: %w", err)
		}
		if err := e.deleteKept(tx, owed); err != nil {
			return err
		}
	}
	if err := e.Outbox.ForgetSettled(tx, others); err != nil {
		return err
	}
	return e.Outbox.Forget(tx, keys)
}

// deleteKept deletes what a backend keeps of a destination.
func (e *Eraser) deleteKept(tx *gorm.DB, r row) error {
	for _, table := range e.kept(r.Backend) {
		if err := tx.Exec("DELETE FROM "+table+" WHERE address = ?", r.Address).Error; err != nil {
			return fmt.Errorf("wipe what %s keeps: %w", r.Backend, err)
		}
	}
	return nil
}

// kept gives the tables in which a backend keeps what goes to an address.
func (e *Eraser) kept(backend string) []string {
	for _, info := range e.Backends {
		if info.Name == backend {
			return info.Keeps
		}
	}
	return nil
}

// tables are all that are scrubbed.
func (e *Eraser) tables() []string {
	all := Tables()
	for _, info := range e.Backends {
		all = append(all, info.Keeps...)
	}
	return all
}
