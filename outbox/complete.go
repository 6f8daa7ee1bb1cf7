package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/backoff"
	"github.com/notifyd/notifyd/internal/text"
)

// A sendResult is what becomes of a parcel after a Send.
type sendResult string

const (
	sent     sendResult = "sent"     // the backend took it
	deferred sendResult = "deferred" // try again later; this attempt counts
	refused  sendResult = "refused"  // will never be taken
	expired  sendResult = "expired"  // tried for too long
	returned sendResult = "returned" // not this parcel's fault: due as before, the attempt does not count
)

// A completion is a claimed parcel whose send is over, with its result.
type completion struct {
	claim
	result sendResult
	err    error
	due    time.Time // of the next attempt, when deferred; of the next look at the destination, when returned
}

// classify turns the answer of a Send into a completion. ended says that the drain deadline cut the Send short.
func (o *Outbox) classify(c claim, err error, ended bool) completion {
	done := completion{claim: c, err: err}
	first := c.rows[0]
	switch {
	case err == nil:
		done.result = sent
	case errors.Is(err, backends.ErrRefused):
		done.result = refused
	case ended || errors.Is(err, backends.ErrUnavailable):
		done.result = returned
	case errors.Is(err, errCorrupt),
		first.Attempts+1 >= int64(o.cfg.MaxAttempts),
		first.FailedAt > 0 && o.now().Sub(unstamp(first.FailedAt)) >= o.cfg.GiveUpAfter:
		done.result = expired
	default:
		done.result = deferred
		done.due = o.shared().Add(o.delay(first.Attempts + 1))
	}
	return done
}

// delay is how long to wait after so many failed attempts: exponential backoff with jitter.
func (o *Outbox) delay(attempts int64) time.Duration {
	return backoff.Delay(o.cfg.RetryFirst, o.cfg.RetryMost, attempts, o.fraction)
}

// completeTimeout bounds one commit of completions, against a database that does not answer.
const completeTimeout = 10 * time.Second

// complete writes completions in one transaction, and frees the queues. A parcel that was sent is acknowledged even
// where its lease was lost; any other result counts only under the lease.
func (o *Outbox) complete(ctx context.Context, completions []completion) error {
	ctx, cancel := context.WithTimeout(ctx, completeTimeout)
	defer cancel()
	slices.SortFunc(completions, func(a, b completion) int { return a.queue.compare(b.queue) })
	err := o.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		for _, done := range completions {
			if err := o.completeOne(tx, done); err != nil {
				return err
			}
		}
		return o.tellSent(tx, completions)
	})
	if err != nil {
		return fmt.Errorf("complete deliveries: %w", err)
	}
	return nil
}

// A Sent is a parcel that a backend has taken.
type Sent struct {
	ID, Backend, Destination string
	Messages                 []string // Delivery.Message of each notice
	Topics                   []string // Notice.Topic of each
}

// tellSent calls Config.OnSent.
func (o *Outbox) tellSent(tx *gorm.DB, completions []completion) error {
	if o.cfg.OnSent == nil {
		return nil
	}
	var all []Sent
	for _, done := range completions {
		if done.result != sent {
			continue
		}
		p := Sent{ID: done.parcel, Backend: done.queue.backend, Destination: done.queue.destination}
		for _, r := range done.rows {
			n, err := r.notice()
			if err != nil {
				continue // it was never sent
			}
			p.Messages, p.Topics = append(p.Messages, r.Message), append(p.Topics, n.Topic)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil
	}
	return o.cfg.OnSent(tx, all)
}

func (o *Outbox) completeOne(tx *gorm.DB, done completion) error {
	freed := tx.Exec(`UPDATE lanes SET lease = '' WHERE id = ? AND lease = ?`, done.rows[0].Queue, done.lease)
	if freed.Error != nil {
		return fmt.Errorf("free destination: %w", freed.Error)
	}
	held := freed.RowsAffected == 1
	if held || done.result == sent {
		if err := o.mark(tx, done); err != nil {
			return err
		}
	}
	if !held {
		return nil
	}
	floor := stamp(o.shared()) // behind the others that are due: one busy destination does not starve them
	if done.result == returned && !done.due.IsZero() {
		floor = stamp(done.due) + 1 // never before: a stamp has cut off what is less than a microsecond
	}
	return setReady(tx, done.rows[0].Queue, floor)
}

// mark writes the result into the rows of the parcel.
func (o *Outbox) mark(tx *gorm.DB, done completion) error {
	now, reason := stamp(o.now()), reasonOf(done.err, done.rows[0].Address)
	var err error
	switch done.result {
	case sent:
		err = o.settle(tx, done, now)
	case refused, expired:
		err = tx.Exec(`UPDATE deliveries SET state = ?, settled_at = ?, last_error = ?, attempts = attempts + 1
			WHERE parcel = ? AND state = ?`,
			Dead, now, reason, done.parcel, Claimed).Error
	case deferred:
		err = tx.Exec(`UPDATE deliveries SET state = ?, due_at = ?, last_error = ?, attempts = attempts + 1,
			failed_at = CASE WHEN failed_at = 0 THEN ? ELSE failed_at END WHERE parcel = ? AND state = ?`,
			Waiting, stamp(done.due), reason, now, done.parcel, Claimed).Error
	case returned:
		err = tx.Exec(`UPDATE deliveries SET state = ?, last_error = ? WHERE parcel = ? AND state = ?`,
			Waiting, reason, done.parcel, Claimed).Error
	}
	if err != nil {
		return fmt.Errorf("mark %s: %w", done.result, err)
	}
	if strings.HasPrefix(done.queue.destination, Account) && done.result != deferred && done.result != returned {
		return wipe(tx, done.rows)
	}
	return nil
}

// wipe leaves only the titles of account mail that is done or dead: a sign-in link must not lie in the database, nor in
// its backups.
func wipe(tx *gorm.DB, rows []row) error {
	for _, r := range rows {
		n, err := r.notice()
		if err != nil {
			n = backends.Notice{}
		}
		rest, err := json.Marshal(backends.Notice{ID: n.ID, Title: n.Title, Time: n.Time, Severity: n.Severity})
		if err != nil {
			return fmt.Errorf("encode notice: %w", err)
		}
		if err := tx.Exec(`UPDATE deliveries SET notice = ? WHERE id = ?`, string(rest), r.ID).Error; err != nil {
			return fmt.Errorf("wipe account mail: %w", err)
		}
	}
	return nil
}

// secretive finds mail addresses and the user and query parts of URLs, which do not belong into a stored error.
var secretive = regexp.MustCompile(`[^\s<>"']+@[^\s<>"']+|\?[^\s"']+=[^\s"']*`)

// maxReason bounds a stored error, in bytes.
const maxReason = 300

// reasonOf gives the text of err for pages and logs: one short line without addresses and secrets. address is where the
// parcel went.
func reasonOf(err error, address string) string {
	if err == nil {
		return ""
	}
	reason := err.Error()
	if address != "" {
		reason = strings.ReplaceAll(reason, address, "[address]")
	}
	reason = secretive.ReplaceAllString(reason, "[address]")
	return text.ElideBytes(text.OneLine(reason), maxReason)
}
