package outbox

import (
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
)

// slim.go takes from a notice that was sent what nobody looks at any more. What was sent is kept for weeks, and there
// is one row for each message and destination.

// The bounds on the texts of a notice that was sent, in bytes.
const (
	sentText     = 300
	sentSentence = 200
)

// slimmed returns what is kept of a notice that was sent: what pages and commands show, and what a correction of it
// needs.
func slimmed(n backends.Notice) backends.Notice {
	kept := backends.Notice{
		ID: n.ID, Topic: n.Topic, Time: n.Time, App: n.App, Kind: n.Kind, Title: n.Title,
		Text: text.ElideBytes(n.Text, sentText), Link: n.Link, Severity: n.Severity, Folded: n.Folded,
		Objects: n.Objects[:min(len(n.Objects), 1)], Provenance: n.Provenance,
	}
	for _, r := range n.Why {
		kept.Why = append(kept.Why, backends.Reason{Filter: r.Filter, Link: r.Link,
			Sentence: text.ElideBytes(r.Sentence, sentSentence)})
	}
	return kept
}

// settle marks the rows of a parcel that was sent, and makes them slim. A notice that went alone takes one statement.
func (o *Outbox) settle(tx *gorm.DB, done completion, now int64) error {
	for _, r := range done.rows {
		n, err := r.notice()
		if err != nil {
			continue // it was never sent
		}
		rest, err := json.Marshal(slimmed(n))
		if err != nil {
			return fmt.Errorf("encode notice: %w", err)
		}
		err = tx.Exec(`UPDATE deliveries SET state = ?, settled_at = ?, last_error = '', notice = ?
			WHERE id = ? AND parcel = ? AND state <> ?`, Done, now, string(rest), r.ID, done.parcel, Done).Error
		if err != nil {
			return err
		}
	}
	return nil
}
