package outbox

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/moving"
	"github.com/notifyd/notifyd/internal/text"
)

// add_due.go decides when new deliveries are due: by the window of a first notice, by the rate cap, and by how many
// notices a digest may hold.

// A Cap bounds how much goes to a destination at once: Count in any Window. The notice that is one too many opens
// a digest, which goes a Window later and has what comes until then. So nobody gets more than Count notices and one
// digest in a Window, and no notice overtakes another. Critical notices are neither counted nor held.
type Cap struct {
	Count  int // 0: no cap
	Window time.Duration
}

// The bounds on the window of a cap.
const (
	MinCapWindow = time.Minute
	MaxCapWindow = 24 * time.Hour
)

// hold is the Hold of what goes over the cap: "cap 60 10m0s".
func (c Cap) hold() string { return fmt.Sprintf("%s %d %s", HeldByCap, c.Count, c.Window) }

// capOf gives the cap that holds for a delivery: its owner's own, within what the site allows, or else the site's.
func (o *Outbox) capOf(d *Delivery) Cap {
	own := d.Cap
	if own.Count <= 0 || own.Window <= 0 {
		return Cap{o.cfg.CapCount, o.cfg.CapWindow}
	}
	if o.cfg.CapMost > 0 {
		own.Count = min(own.Count, o.cfg.CapMost)
	}
	own.Window = min(own.Window, MaxCapWindow)
	return own
}

// urgent reports whether a notice goes round caps and bounds: it is critical, and nobody need doubt its sender.
func urgent(n *backends.Notice) bool { return n.Severity == "critical" && n.Standing == "" }

// deferLate turns what follows a first notice, and what goes over the rate cap, into digests, and moves the queues'
// ready time forward.
func (o *Outbox) deferLate(fresh []stored, now time.Time) {
	for i := range fresh {
		s := &fresh[i]
		limit := o.capOf(s.Delivery)
		switch {
		case s.Together:
		case s.Lead > 0 && s.queue.gathers(s, now):
		case limit.Count > 0 && !urgent(&s.Notice):
			if folds := s.queue.over(now, limit); folds > 0 {
				s.due, s.together, s.hold = max(s.due, folds), true, limit.hold()
				o.counts.hold(s.Backend, HeldByCap, 1)
			}
		}
		s.queue.ready(s.due)
	}
}

// gathers reports whether a delivery with a Lead waits, and then until when: it arrives within a window of the last
// that was the first, or of the last digest. Otherwise it is the first, and opens a window. The digest at the end of a
// window opens the next one.
func (q *queue) gathers(s *stored, now time.Time) bool {
	end, window := unstamp(q.LeadAt), s.Lead
	switch {
	case now.Before(end):
		if far := now.Add(window); end.After(far) { // the clock was put back, or the window is shorter now
			end = far
		}
	case q.LeadMore && now.Before(end.Add(window)): // that digest went at the end
		end = end.Add(window)
	default:
		q.LeadAt, q.LeadMore = stamp(now.Add(window)), false
		return false
	}
	q.LeadAt, q.LeadMore = stamp(end), true
	s.due, s.together, s.gathered = stamp(end), true, true
	return true
}

// over counts one more notice, and gives when the digest goes that it is in; 0: it is not over the cap.
func (q *queue) over(now time.Time, limit Cap) int64 {
	if q.window == nil {
		w := moving.Read(q.Came, limit.Window)
		q.window = &w
	}
	q.window.Add(now, 1)
	q.WindowAt = stamp(now)
	last := stamp(now.Add(limit.Window)) // a digest that goes later was opened under another cap, or another clock
	if q.FoldsAt > stamp(now) && q.FoldsAt <= last {
		return q.FoldsAt
	}
	if q.window.Count(now) <= limit.Count {
		return 0
	}
	q.FoldsAt = last
	return q.FoldsAt
}

// ready lets a free queue be claimed at due, if that is earlier. A leased one finds its new rows when its parcel is
// complete.
func (q *queue) ready(due int64) {
	if q.Lease == "" {
		q.ReadyAt = min(q.ReadyAt, due)
	}
}

// A digest is what waits for one in a queue for one reason: see Delivery.Hold.
type digest struct {
	queue *queue
	hold  string
}

// pullFull makes a digest due at once where it has as many notices as its schedule allows.
func pullFull(tx *gorm.DB, fresh []stored, now time.Time) error {
	limits := map[digest]int{}
	for _, s := range fresh {
		if (s.Together || s.gathered) && s.PullAt > 0 {
			of := digest{s.queue, text.Storable(s.Hold)}
			if old, ok := limits[of]; !ok || s.PullAt < old {
				limits[of] = s.PullAt
			}
		}
	}
	for of, limit := range limits {
		var waiting int64
		err := tx.Raw(`SELECT count(*) FROM deliveries WHERE lane = ? AND state = ? AND settled_at = 0 AND together = ?
			AND parcel = '' AND hold = ?`, of.queue.ID, Waiting, true, of.hold).Scan(&waiting).Error
		if err != nil {
			return fmt.Errorf("count digest: %w", err)
		}
		if waiting < int64(limit) {
			continue
		}
		err = tx.Exec(`UPDATE deliveries SET due_at = ?
			WHERE lane = ? AND state = ? AND settled_at = 0 AND due_at > ? AND together = ? AND parcel = '' AND hold = ?`,
			stamp(now), of.queue.ID, Waiting, stamp(now), true, of.hold).Error
		if err != nil {
			return fmt.Errorf("pull digest: %w", err)
		}
		of.queue.ready(stamp(now))
	}
	return nil
}
