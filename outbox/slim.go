package outbox

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
)

// slim.go takes from a notice that was sent what nobody looks at any more. What was sent is kept for weeks.

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

// settle marks the rows of parcels that were sent.
func (o *Outbox) settle(tx *gorm.DB, parcels []completion, now int64) error {
	for part := range slices.Chunk(parcels, chunk) {
		ids, names := rowsOf(part)
		for some := range slices.Chunk(ids, chunk) {
			err := tx.Exec(`UPDATE deliveries SET state = 'done', settled_at = ?, last_error = ''
				WHERE id IN ? AND parcel IN ? AND state <> 'done'`, now, some, names).Error
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// slim makes the notices slim of which everything was sent. It is done a while later, since most of them go to several
// destinations.
func (o *Outbox) slim(ctx context.Context) error {
	for last := int64(0); ctx.Err() == nil; {
		var list []content
		err := o.writer.WithContext(ctx).Raw(`SELECT * FROM contents WHERE whole = 1 AND id > ?
			AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.content = contents.id AND d.variant = 0 AND d.state <> 'done')
			AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.variant = contents.id AND d.variant > 0 AND d.state <> 'done')
			ORDER BY id LIMIT ?`, last, pruneChunk).Scan(&list).Error
		if err != nil {
			return fmt.Errorf("find what was sent: %w", err)
		}
		if len(list) == 0 {
			return nil
		}
		last = list[len(list)-1].ID
		err = o.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return slimAll(tx, list) })
		if err != nil {
			return fmt.Errorf("make notices slim: %w", err)
		}
	}
	return ctx.Err()
}

func slimAll(tx *gorm.DB, list []content) error {
	var ids []int64
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	if tx.Name() == "postgres" { // whoever adds a delivery has locked its content
		if err := tx.Raw("SELECT id FROM contents WHERE id IN ? ORDER BY id FOR UPDATE SKIP LOCKED", ids).Scan(&ids).Error; err != nil {
			return err
		}
	}
	for _, c := range list {
		if !slices.Contains(ids, c.ID) {
			continue
		}
		rest := c.Notice
		var n backends.Notice
		if json.Unmarshal([]byte(c.Notice), &n) == nil { // else it was never sent
			b, err := json.Marshal(slimmed(n))
			if err != nil {
				return err
			}
			rest = string(b)
		}
		err := tx.Exec(`UPDATE contents SET notice = ?, whole = 0 WHERE id = ? AND notice = ? AND NOT EXISTS
			(SELECT 1 FROM deliveries d WHERE d.content = contents.id AND d.variant = 0 AND d.state <> 'done')`,
			rest, c.ID, c.Notice).Error
		if err != nil {
			return err
		}
	}
	return nil
}
