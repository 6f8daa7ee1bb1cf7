package outbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

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

// A sentNotice is what is kept of a notice that was sent: what pages and commands show, and what a correction of it
// needs. It is read as a backends.Notice, so its names are the same; what is empty takes no room.
type sentNotice struct {
	Topic    string       `json:",omitempty"`
	Title    string       `json:",omitempty"`
	Text     string       `json:",omitempty"`
	Link     string       `json:",omitempty"`
	Objects  []string     `json:",omitempty"` // the thread alone
	Severity string       `json:",omitempty"` // where it is not info
	Why      []sentReason `json:",omitempty"`
	Folded   int          `json:",omitzero"`
	backends.Provenance
}

type sentReason struct {
	Filter   string
	Sentence string `json:",omitempty"`
	Link     string `json:",omitempty"`
}

func slimmed(n backends.Notice) sentNotice {
	kept := sentNotice{
		Topic: n.Topic, Title: n.Title, Text: text.ElideBytes(n.Text, sentText), Link: n.Link,
		Objects: n.Objects[:min(len(n.Objects), 1)], Folded: n.Folded, Provenance: n.Provenance,
	}
	kept.Caution = "" // Standing says it in a few words
	if n.Severity != "info" {
		kept.Severity = n.Severity
	}
	for _, r := range n.Why {
		kept.Why = append(kept.Why, sentReason{r.Filter, text.ElideBytes(r.Sentence, sentSentence), r.Link})
	}
	return kept
}

// whole fills in what a notice that was sent has no room for.
func (r row) whole(n backends.Notice) backends.Notice {
	n.ID, n.Time = cmp.Or(n.ID, r.Message), cmp.Or(n.Time, unstamp(r.AddedAt))
	n.Severity = cmp.Or(n.Severity, "info")
	return n
}

// settle marks the rows of parcels that were sent, and makes them slim.
func (o *Outbox) settle(tx *gorm.DB, parcels []completion, now int64) error {
	var list [][]any
	for _, done := range parcels {
		for _, r := range done.rows {
			n, err := r.notice()
			if err != nil {
				continue // it was never sent
			}
			rest, err := json.Marshal(slimmed(n))
			if err != nil {
				return fmt.Errorf("encode notice: %w", err)
			}
			list = append(list, []any{r.ID, done.parcel, string(rest)})
		}
	}
	for part := range slices.Chunk(list, chunk) {
		err := tx.Exec(`WITH taken (id, parcel, notice) AS (VALUES `+values(len(part), "(CAST(? AS bigint), ?, ?)")+`)
			UPDATE deliveries SET state = ?, settled_at = ?, last_error = '', notice = taken.notice FROM taken
			WHERE deliveries.id = taken.id AND deliveries.parcel = taken.parcel AND state <> ?`,
			append(slices.Concat(part...), Done, now, Done)...).Error
		if err != nil {
			return err
		}
	}
	return nil
}
