package outbox

import (
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
)

// mark.go writes down what came of parcels, in one statement for all that have the same result.

// An outcome is what completions have in common that one statement writes down.
type outcome struct {
	result sendResult
	due    int64
	reason string
	hold   string // of what waits
	whole  bool   // what waits keeps its parcel
}

// mark writes the results into the rows of the parcels: those that were sent in one statement, the others in one for
// each result and reason.
func (o *Outbox) mark(tx *gorm.DB, completions []completion) error {
	var taken []completion
	others := map[outcome][]completion{}
	for _, done := range completions {
		if done.result == sent {
			taken = append(taken, done)
			continue
		}
		out := outcome{result: done.result, reason: reasonOf(done.err, done.rows[0].Address)}
		if done.result == deferred || done.result == waits {
			out.due = stamp(done.due)
		}
		if done.result == waits {
			out.hold, out.whole = done.hold, done.whole()
		}
		others[out] = append(others[out], done)
	}
	now := stamp(o.now())
	if err := o.settle(tx, taken, now); err != nil {
		return fmt.Errorf("mark sent: %w", err)
	}
	for out, list := range others {
		for part := range slices.Chunk(list, chunk) {
			if err := markParcels(tx, out, part, now); err != nil {
				return fmt.Errorf("mark %s: %w", out.result, err)
			}
		}
	}
	for _, done := range completions {
		if done.ended() && strings.HasPrefix(done.queue.destination, Account) {
			if err := wipe(tx, done.rows); err != nil {
				return err
			}
		}
	}
	return nil
}

// rowsOf gives the rows of parcels, and the parcels, which some of the rows may have left since.
func rowsOf(list []completion) (ids []int64, parcels []string) {
	for _, done := range list {
		parcels = append(parcels, done.parcel)
		for _, r := range done.rows {
			ids = append(ids, r.ID)
		}
	}
	return ids, parcels
}

// ended reports whether the parcel is done or dead.
func (c completion) ended() bool {
	return c.result == sent || c.result == refused || c.result == expired
}

// whole reports whether a claim stays one parcel while it waits: its receiver may have seen it, or it is about an
// account.
func (c claim) whole() bool {
	return c.rows[0].Attempts > 0 || c.rows[0].FailedAt > 0 || c.redelivered ||
		strings.HasPrefix(c.queue.destination, Account)
}

// markParcels writes a result that is not sent into the rows of parcels.
func markParcels(tx *gorm.DB, out outcome, list []completion, now int64) error {
	ids, parcels := rowsOf(list)
	switch out.result {
	case refused, expired:
		return tx.Exec(`UPDATE deliveries SET state = ?, settled_at = ?, last_error = ?, attempts = attempts + 1
			WHERE id IN ? AND parcel IN ? AND state = ?`, Dead, now, out.reason, ids, parcels, Claimed).Error
	case deferred:
		return tx.Exec(`UPDATE deliveries SET state = ?, due_at = ?, hold = ?, last_error = ?, attempts = attempts + 1,
			failed_at = CASE WHEN failed_at = 0 THEN ? ELSE failed_at END
			WHERE id IN ? AND parcel IN ? AND state = ?`,
			Waiting, out.due, HeldByRetry, out.reason, now, ids, parcels, Claimed).Error
	case returned:
		return tx.Exec(`UPDATE deliveries SET state = ?, last_error = ? WHERE id IN ? AND parcel IN ? AND state = ?`,
			Waiting, out.reason, ids, parcels, Claimed).Error
	case waits:
		apart := "together = true, parcel = '', "
		if out.whole {
			apart = ""
		}
		return tx.Exec("UPDATE deliveries SET "+apart+`state = ?, due_at = ?, hold = ?, last_error = ?
			WHERE id IN ? AND parcel IN ? AND state = ?`, Waiting, out.due, out.hold, out.reason, ids, parcels, Claimed).Error
	case unsent:
		return tx.Exec(`UPDATE deliveries SET state = ? WHERE id IN ? AND parcel IN ? AND state = ?`,
			Waiting, ids, parcels, Claimed).Error
	}
	return fmt.Errorf("bug: no result %q", out.result)
}

// wipe leaves only the titles of account mail that is done or dead: a sign-in link must not lie in the database, nor in
// its backups. No two deliveries of it share a text: see newPlaced.
func wipe(tx *gorm.DB, rows []row) error {
	for _, r := range rows {
		n, err := r.notice()
		if err != nil {
			n = backends.Notice{}
		}
		rest, _, err := encode(backends.Notice{ID: n.ID, Title: n.Title, Time: n.Time, Severity: n.Severity})
		if err != nil {
			return err
		}
		if err := tx.Exec(`UPDATE contents SET notice = ?, whole = 0 WHERE id = ?`, rest, r.own()).Error; err != nil {
			return fmt.Errorf("wipe account mail: %w", err)
		}
	}
	return nil
}
