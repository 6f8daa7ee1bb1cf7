package outbox

import (
	"context"
	"database/sql"
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
	waits    sendResult = "waits"    // its address must wait (backends.Wait): the attempt does not count
	unsent   sendResult = "unsent"   // claimed, and given back without an attempt
)

// A completion is a claimed parcel whose send is over, with its result.
type completion struct {
	claim
	result sendResult
	err    error
	due    time.Time // of the next attempt, when deferred; of the next look at the destination, when returned
	hold   string    // why it waits
}

// classify turns the answer of a Send into a completion. ended says that the drain deadline cut the Send short.
func (o *Outbox) classify(c claim, err error, ended bool) completion {
	done := completion{claim: c, err: err}
	first := c.rows[0]
	var wait *backends.Wait
	switch {
	case err == nil:
		done.result = sent
	case errors.Is(err, backends.ErrRefused):
		done.result = refused
	case errors.As(err, &wait):
		done.result, done.hold, done.due = waits, wait.Hold, o.shared().Add(max(wait.For, leastWait))
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

// leastWait keeps a backend that says "wait" and means no time from being asked without a pause.
const leastWait = 100 * time.Millisecond

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
	err := o.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		leases, err := o.lockLeases(tx, completions)
		if err != nil {
			return err
		}
		isHeld := func(done completion) bool { return leases[done.rows[0].Queue] == done.lease }
		counting := slices.Clone(completions)
		counting = slices.DeleteFunc(counting, func(done completion) bool { return done.result != sent && !isHeld(done) })
		if err := o.mark(tx, counting); err != nil {
			return err
		}
		free := map[int64][]int64{} // floor to queues
		for _, done := range completions {
			if isHeld(done) {
				floor := o.floor(done)
				free[floor] = append(free[floor], done.rows[0].Queue)
			}
		}
		for floor, queues := range free {
			if err := freeQueues(tx, queues, floor); err != nil {
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

// lockLeases gives the leases on the queues of completions, and locks them in the order in which Add does: two
// transactions never wait for each other.
func (o *Outbox) lockLeases(tx *gorm.DB, completions []completion) (map[int64]string, error) {
	order, lock := "id", ""
	if o.postgres {
		order, lock = `backend COLLATE "C", destination COLLATE "C"`, " FOR UPDATE"
	}
	sorted := slices.SortedFunc(slices.Values(completions), func(a, b completion) int { return a.queue.compare(b.queue) })
	leases := map[int64]string{}
	for part := range slices.Chunk(sorted, chunk) {
		var ids []int64
		for _, done := range part {
			ids = append(ids, done.rows[0].Queue)
		}
		err := eachRow(tx.Raw(`SELECT id, lease FROM lanes WHERE id IN ? ORDER BY `+order+lock, ids),
			func(rows *sql.Rows) error {
				var id int64
				var lease string
				err := rows.Scan(&id, &lease)
				leases[id] = lease
				return err
			})
		if err != nil {
			return nil, fmt.Errorf("lock destinations: %w", err)
		}
	}
	return leases, nil
}

// floor is when the queue of a completion may be claimed at the earliest.
func (o *Outbox) floor(done completion) int64 {
	if done.result == returned && !done.due.IsZero() {
		return stamp(done.due) + 1 // never before: a stamp has cut off what is less than a microsecond
	}
	return stamp(o.shared()) // behind the others that are due: one busy destination does not starve them
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
