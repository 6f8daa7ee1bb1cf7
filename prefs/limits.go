package prefs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/rescue"
	"github.com/notifyd/notifyd/prefs/returned"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/prefs/surge"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// limits.go is how much comes to a destination at once, and what of it is held: what has begun, until it has ended, and
// what comes in a surge.

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

// Disable switches a destination off after the server refused its address. It cancels the deliveries to it, stores the
// reason for its owner, and ends what the address was good for: it may be another person's by now, and so it lets
// nobody in any more, even where it was the last way in. It is for the program, not for users. The error is ErrNotFound
// when the destination was deleted.
func (s *Destinations) Disable(ctx context.Context, id uint, why string) error {
	return s.close(ctx, "disable destination", func(tx *gorm.DB) error { return s.disable(tx, id, why) })
}

func (s *Destinations) disable(tx *gorm.DB, id uint, why string) error {
	why = text.CutBytes(text.OneLine(cmp.Or(why, "refused")), maxAddress)
	err := s.destinationChange(tx, accounts.Daemon, id, accounts.DestinationRefuse, func(to destinationRow) error {
		set := map[string]any{"disabled": why, "sign_in": false}
		if err := changed(tx.Model(&destinationRow{}).Where("id = ?", id).Updates(set)); err != nil {
			return err
		}
		if err := s.logins.EndByDestination(tx, id); err != nil {
			return err
		}
		return s.touchUser(tx, to.UserID)
	})
	if err != nil {
		return err
	}
	return s.cancelOwed(tx, why, id)
}

// stop switches a destination off for a reason that its owner reads, as the owner could: it still lets its owner in.
func (s *Destinations) stop(tx *gorm.DB, id uint, why string) error {
	why = text.CutBytes(text.OneLine(why), maxAddress)
	err := s.destinationChange(tx, accounts.Daemon, id, accounts.DestinationOff, func(to destinationRow) error {
		set := map[string]any{"is_on": false, "off_reason": why}
		if err := changed(tx.Model(&destinationRow{}).Where("id = ?", id).Updates(set)); err != nil {
			return err
		}
		if err := s.tell(tx, to.UserID, ofDestinations); err != nil {
			return err
		}
		return s.touchUser(tx, to.UserID)
	})
	if err != nil {
		return err
	}
	return s.cancelOwed(tx, why, id)
}

// A Verdict is how to judge what came back: by which rule, by what was sent, and who is told that a destination is off.
type Verdict struct {
	Rule returned.Rule
	Sent func(tx *gorm.DB, destination string) ([]returned.Sent, error)
	Tell func(tx *gorm.DB, off Destination, others []Destination, why string) error
}

// errEnds ends a transaction that would have to switch a destination off, so that another one can do all of it.
var errEnds = errors.New("the destination ends")

// Returned notes that something came back of what was sent to a destination, and switches it off where that ends it:
// all in one transaction, once, however often it is told. The error is ErrNotFound when the destination was deleted.
func (s *Destinations) Returned(
	ctx context.Context, id uint, e returned.Event, v Verdict,
) (out returned.Outcome, err error) {
	note := func(tx *gorm.DB, ends func(to destinationRow) error) error {
		var to destinationRow
		if err := tx.Where("id = ?", id).Take(&to).Error; err != nil {
			return err
		}
		if out.Again, err = returned.Note(tx, id, e); err != nil || out.Again {
			return err
		}
		events, err := returned.Of(tx, id)
		if err != nil {
			return err
		}
		sent, err := v.Sent(tx, Key(id))
		if err != nil {
			return err
		}
		if out = v.Rule.Judge(events, sent, s.now()); out.Off == "" || !to.IsOn || to.Disabled != "" {
			out.Off = ""
			return nil
		}
		return ends(to)
	}
	err = s.write(ctx, "note returned mail", func(tx *gorm.DB) error {
		return note(tx, func(destinationRow) error { return errEnds })
	})
	if !errors.Is(err, errEnds) {
		return out, err
	}
	return out, s.close(ctx, "end a destination", func(tx *gorm.DB) error {
		return note(tx, func(to destinationRow) error { return s.end(tx, to, out, v) })
	})
}

// end switches a destination off, and tells its owner.
func (s *Destinations) end(tx *gorm.DB, to destinationRow, out returned.Outcome, v Verdict) error {
	off := s.stop
	if out.Forever {
		off = s.disable
	}
	if err := off(tx, to.ID, out.Off); err != nil {
		return err
	}
	var rows []destinationRow
	err := tx.Where("user_id = ? AND id <> ? AND confirmed AND is_on AND disabled = ''", to.UserID, to.ID).Order("id").
		Find(&rows).Error
	if err != nil {
		return err
	}
	others := make([]Destination, len(rows))
	for i, r := range rows {
		others[i] = r.destination()
	}
	return v.Tell(tx, to.destination(), others, out.Off)
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
