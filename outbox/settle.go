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

// An outcome is a result with its reason.
type outcome struct {
	claim
	result sendResult
	err    error
	due    time.Time // of the next attempt, when deferred; of the next look at the destination, when returned
}

// judge turns the answer of a Send into an outcome. ended says that the drain deadline cut the Send short.
func (o *Outbox) judge(c claim, err error, ended bool) outcome {
	out := outcome{claim: c, err: err}
	first := c.rows[0]
	switch {
	case err == nil:
		out.result = sent
	case errors.Is(err, backends.ErrRefused):
		out.result = refused
	case ended || errors.Is(err, backends.ErrUnavailable):
		out.result = returned
	case errors.Is(err, errCorrupt),
		first.Attempts+1 >= int64(o.cfg.MaxAttempts),
		first.FailedAt > 0 && o.now().Sub(unstamp(first.FailedAt)) >= o.cfg.GiveUpAfter:
		out.result = expired
	default:
		out.result = deferred
		out.due = o.now().Add(o.delay(first.Attempts + 1))
	}
	return out
}

// delay is how long to wait after so many failed attempts: it doubles up to a bound, and is spread.
func (o *Outbox) delay(attempts int64) time.Duration {
	return o.jitter(double(o.cfg.RetryFirst, o.cfg.RetryMost, attempts))
}

// double gives first * 2^(n-1), at most most.
func double(first, most time.Duration, n int64) time.Duration {
	d := first
	for ; n > 1 && d < most; n-- {
		d *= 2
	}
	return min(d, most)
}

// settleTimeout bounds one commit of outcomes, against a database that does not answer.
const settleTimeout = 10 * time.Second

// settle writes outcomes in one transaction, and frees the queues. A parcel that was sent is done even where its lease
// was lost; any other result counts only under the lease.
func (o *Outbox) settle(ctx context.Context, outcomes []outcome) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	slices.SortFunc(outcomes, func(a, b outcome) int { return a.queue.compare(b.queue) })
	err := o.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		for _, out := range outcomes {
			if err := o.settleOne(tx, out); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("settle deliveries: %w", err)
	}
	return nil
}

func (o *Outbox) settleOne(tx *gorm.DB, out outcome) error {
	freed := tx.Exec(`UPDATE lanes SET lease = '' WHERE id = ? AND lease = ?`, out.rows[0].Queue, out.lease)
	if freed.Error != nil {
		return fmt.Errorf("free destination: %w", freed.Error)
	}
	held := freed.RowsAffected == 1
	if held || out.result == sent {
		if err := o.mark(tx, out); err != nil {
			return err
		}
	}
	if !held {
		return nil
	}
	floor := stamp(o.now()) // behind the others that are due: one busy destination does not starve them
	if out.result == returned && !out.due.IsZero() {
		floor = stamp(out.due) + 1 // never before: a stamp has cut off what is less than a microsecond
	}
	return setReady(tx, out.rows[0].Queue, floor)
}

// mark writes the result into the rows of the parcel.
func (o *Outbox) mark(tx *gorm.DB, out outcome) error {
	now, reason := stamp(o.now()), Reason(out.err, out.rows[0].Address)
	var err error
	switch out.result {
	case sent:
		err = tx.Exec(`UPDATE deliveries SET state = ?, settled_at = ?, last_error = '' WHERE parcel = ? AND state <> ?`,
			Done, now, out.parcel, Done).Error
	case refused, expired:
		err = tx.Exec(`UPDATE deliveries SET state = ?, settled_at = ?, last_error = ?, attempts = attempts + 1 WHERE parcel = ? AND state = ?`,
			Dead, now, reason, out.parcel, Claimed).Error
	case deferred:
		err = tx.Exec(`UPDATE deliveries SET state = ?, due_at = ?, last_error = ?, attempts = attempts + 1,
			failed_at = CASE WHEN failed_at = 0 THEN ? ELSE failed_at END WHERE parcel = ? AND state = ?`,
			Waiting, stamp(out.due), reason, now, out.parcel, Claimed).Error
	case returned:
		err = tx.Exec(`UPDATE deliveries SET state = ?, last_error = ? WHERE parcel = ? AND state = ?`,
			Waiting, reason, out.parcel, Claimed).Error
	}
	if err != nil {
		return fmt.Errorf("mark %s: %w", out.result, err)
	}
	if strings.HasPrefix(out.queue.destination, Account) && out.result != deferred && out.result != returned {
		return forget(tx, out.rows)
	}
	return nil
}

// forget leaves only the titles of settled account mail: a sign-in link must not lie in the database, nor in its backups.
func forget(tx *gorm.DB, rows []row) error {
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
			return fmt.Errorf("forget account mail: %w", err)
		}
	}
	return nil
}

// secretive finds mail addresses and the user and query parts of URLs, which do not belong into a stored error.
var secretive = regexp.MustCompile(`[^\s<>"']+@[^\s<>"']+|\?[^\s"']+=[^\s"']*`)

// maxReason bounds a stored error, in bytes.
const maxReason = 300

// Reason gives the text of err for pages and logs: one short line without addresses and secrets. address is where the
// parcel went.
func Reason(err error, address string) string {
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
