package prefs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/rescue"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/prefs/surge"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// owed.go is what preferences say of single deliveries: how many come to a destination at once, what is held (what has
// begun, until it has ended, and what comes in a surge), where what fails goes, and what is sent again.

// CheckCap returns the mistake in a person's own cap as an *Error. most is the most notices that the site allows at
// once; 0: any number.
func CheckCap(c outbox.Cap, most int) error {
	switch {
	case c == outbox.Cap{}:
		return nil // that of the site
	case c.Count < 1:
		return problem("cap", "%d is no number of notices; one is at least 1", c.Count)
	case most > 0 && c.Count > most:
		return problem("cap", "%d is more than the %d that this site sends at once", c.Count, most)
	case c.Window < outbox.MinCapWindow || c.Window > outbox.MaxCapWindow:
		return problem("cap", "%s is not between a minute and a day", c.Window)
	case c.Window%time.Second != 0:
		return problem("cap", "%s is no whole number of seconds", c.Window)
	}
	return nil
}

// SetCap sets how much a destination gets at once; the zero Cap: as much as the site says. What waits already keeps its
// time. A mistake is an *Error.
func (s *Destinations) SetCap(ctx context.Context, userID, id uint, c outbox.Cap) error {
	if err := CheckCap(c, s.capMost()); err != nil {
		return err
	}
	return s.set(ctx, userID, id, accounts.DestinationCap,
		map[string]any{"cap_count": c.Count, "cap_window": c.Window.Microseconds()})
}

// The bounds on how long what has begun is held.
const (
	MinHoldStarted = time.Minute
	MaxHoldStarted = 24 * time.Hour
)

func checkHoldStarted(d time.Duration) error {
	if d != 0 && (d < MinHoldStarted || d > MaxHoldStarted || d%time.Second != 0) {
		return problem("hold_started", "%s is not between a minute and a day, in whole seconds", d)
	}
	return nil
}

// A gathered is what the filters that reach a destination say of one delivery to it. A filter that wants the notice now
// wins over those that hold it.
type gathered struct {
	hits   int
	least  time.Duration // the shortest time for which they hold what has begun; 0: one of them does not
	most   time.Duration // the longest
	surges int
	surge  schedule.Surge
	folds  time.Time
	over   string // a filter whose surge is over
}

func (g *gathered) add(hit *Subscription, s surge.State, now time.Time) {
	hold := hit.Filter.HoldStarted
	if g.hits++; g.hits == 1 || hold < g.least {
		g.least = hold
	}
	g.most = max(g.most, hold)
	if s.Over {
		g.over = hit.Filter.Name
	}
	if !s.Surging(now) {
		return
	}
	if g.surges++; g.surges == 1 || s.Folds.Before(g.folds) {
		g.folds = s.Folds
		g.surge = schedule.Surge{Came: s.Came, Usual: int(s.Usual), Window: s.Window, Filter: hit.Filter.Name}
	}
}

// shape holds what has begun until it has ended, and what comes in a surge until its window is over. What is critical,
// and what waits for longer anyway, keeps its time.
func (p *Planner) shape(d *outbox.Delivery, g *gathered) {
	marked := p.event.Standing.Marked
	if p.event.Severity >= catalogue.Critical && !marked {
		return
	}
	folded := g.surges == g.hits && (!d.Together || d.PullAt > 0)
	switch {
	case folded && !d.Together:
		d.DueAt, d.Together, d.Hold = g.folds, true, g.surge.Hold()
	case folded: // a digest at so many notices would go over and over
		d.PullAt, d.Hold = 0, g.surge.Hold()
		if g.folds.Before(d.DueAt) {
			d.DueAt = g.folds
		}
	case g.over != "" && !d.Together && d.Lead == 0:
		d.Hold = schedule.SurgeOver(g.over)
	}
	if len(d.Notice.Objects) == 0 {
		return
	}
	thing := d.Notice.Objects[0]
	switch phase := p.event.Phase(); {
	case phase == catalogue.PhaseStarted && g.least > 0:
		d.Pair = outbox.Pair{Thing: thing}
		if until := p.now.Add(g.least); d.DueAt.Before(until) && !folded {
			d.DueAt, d.Together, d.PullAt, d.Hold = until, false, 0, fmt.Sprintf("started %s", g.least)
		}
	case (phase == catalogue.PhaseFinished || phase == catalogue.PhaseSolved) && g.most > 0 && !marked:
		d.Pair = outbox.Pair{Thing: thing, Ends: true, Keep: g.most} // whoever could forge an end could silence a beginning
	}
}

// rescuing makes the store of where notices go that do not arrive.
func (c *core) rescuing() *rescue.Store {
	return &rescue.Store{Writer: c.writer, Reader: c.reader, Now: c.now, Audit: c.audit,
		Touch: func(tx *gorm.DB, user uint) error {
			if err := c.raiseRevision(tx); err != nil {
				return err
			}
			return c.touchUser(tx, user)
		}}
}

// readEverywhere puts into subscriptions where critical notices go, if that is to all addresses of their owner.
func readEverywhere(tx *gorm.DB, people []uint, reachable map[uint][]Destination, all []*Subscription) error {
	everywhere, err := rescue.Everywhere(tx, people)
	if err != nil {
		return err
	}
	for _, s := range all {
		if everywhere[s.User.ID] {
			s.Everywhere = reachable[s.User.ID]
		}
	}
	return nil
}

// reaches gives where a notice of a filter goes: to all addresses of its owner where it is critical and they say so.
func (p *Planner) reaches(hit *Subscription) []Destination {
	if len(hit.Everywhere) > 0 && p.event.Severity >= catalogue.Critical && !p.event.Standing.Marked {
		return hit.Everywhere
	}
	return hit.Destinations
}

// Resend sends a delivery that was given up again, at once: alone, or together with the other waiting deliveries of
// its destination. It must belong to the user; with userID 0, for operators, it may belong to anybody. The error is
// outbox.ErrNotFound when the delivery is not dead or belongs to somebody else. It is outbox.ErrUnsendable, with the
// reason, when the destination is closed or the text was wiped.
func (s *Destinations) Resend(ctx context.Context, o *outbox.Outbox, userID uint, id int64, together bool) error {
	err := s.write(ctx, "send again", func(tx *gorm.DB) error {
		// so that nobody closes the destination in the meantime
		if err := lockDeliveries(tx, "pg_advisory_xact_lock_shared"); err != nil {
			return err
		}
		letter, err := o.DeadLetter(tx, id)
		if err != nil {
			return err
		}
		if err := checkTarget(tx, letter.Destination, userID); err != nil {
			return err
		}
		if err := o.Resend(tx, id, together); err != nil {
			return err
		}
		return s.noteResend(tx, letter.Destination, id)
	})
	if err == nil {
		o.Notify()
	}
	return err
}

// noteResend makes the entry of the audit for its owner; account mail has none.
func (s *Destinations) noteResend(tx *gorm.DB, key string, delivery int64) error {
	id, err := strconv.ParseUint(key, 10, 64)
	if err != nil {
		return nil
	}
	var to destinationRow
	if err := tx.Where("id = ?", id).Take(&to).Error; err != nil {
		return err
	}
	return s.note(tx, to.UserID, accounts.NoticeResend, "notice "+strconv.FormatInt(delivery, 10), nil,
		accounts.Fields{"destination": to.place()})
}

// checkTarget returns the reason why a destination accepts no notices; nil when it does, or is not in this store.
func checkTarget(tx *gorm.DB, key string, userID uint) error {
	id, err := strconv.ParseUint(key, 10, 64)
	if err != nil {
		if userID != 0 {
			return outbox.ErrNotFound
		}
		return nil // account mail, which the outbox checks itself
	}
	var to destinationRow
	err = tx.Where("id = ?", id).Take(&to).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		if userID != 0 {
			return outbox.ErrNotFound
		}
		return fmt.Errorf("%w: its destination was deleted", outbox.ErrUnsendable)
	}
	if err != nil {
		return err
	}
	return to.checkTarget(userID)
}

func (r destinationRow) checkTarget(userID uint) error {
	switch {
	case userID != 0 && r.UserID != userID:
		return outbox.ErrNotFound
	case !r.Confirmed:
		return fmt.Errorf("%w: its destination is not confirmed", outbox.ErrUnsendable)
	case r.Disabled != "":
		return fmt.Errorf("%w: its destination was switched off, because of: %s", outbox.ErrUnsendable, r.Disabled)
	case !r.IsOn:
		return fmt.Errorf("%w: its destination is switched off", outbox.ErrUnsendable)
	}
	return nil
}
