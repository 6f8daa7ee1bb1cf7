package prefs

import (
	"context"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// review.go compares the accounts with the directory, which changes without telling them: whose an address is, who is
// switched off there, and who is there no more. Nothing is done while a source of it is unknown.

// A Reviewed is what a look at the directory has changed, by numbers of accounts.
type Reviewed struct {
	Proved, Unproved  int // names that the directory proves now, and no more
	Disabled, Enabled int
	Doubted           int // destinations that it vouched for, and does no more
	// Refused is how many accounts would have lost their name or been disabled, and how many destinations what vouches
	// for them: so many at once that it was not done.
	Refused int
}

// Review brings proofs and disabled accounts to what the directory says now. It changes nothing while a source of the
// directory is unknown, and takes nothing from many people at once: see Reviewed.Refused.
func (s *Accounts) Review(ctx context.Context) (Reviewed, error) {
	people := s.people()
	if !people.Whole() {
		return Reviewed{}, nil
	}
	ctx = accounts.WithActor(ctx, accounts.Actor{Kind: accounts.Upstream, Name: "the directory"})
	plan := accounts.Review{Now: s.now()}
	for last := uint(0); ; {
		page, own, err := s.reviewPage(ctx, last)
		if err != nil {
			return Reviewed{}, err
		}
		for _, row := range page {
			plan.Look(people, s.reviewable(row, own[row.ID]))
			last = row.ID
		}
		if len(page) < inStatement {
			break
		}
	}
	return s.carryOut(ctx, plan)
}

// reviewPage reads accounts behind one, with their confirmed destinations.
func (s *Accounts) reviewPage(ctx context.Context, last uint) ([]userRow, map[uint][]destinationRow, error) {
	var page []userRow
	if err := s.read(ctx).Where("id > ?", last).Order("id").Limit(inStatement).Find(&page).Error; err != nil {
		return nil, nil, explain("read users", err)
	}
	if len(page) == 0 {
		return nil, nil, nil
	}
	var to []destinationRow
	err := s.read(ctx).Select("id", "user_id", "backend", "address", "vouched").
		Where("user_id BETWEEN ? AND ? AND confirmed", page[0].ID, page[len(page)-1].ID).Order("id").Find(&to).Error
	own := map[uint][]destinationRow{}
	for _, d := range to {
		own[d.UserID] = append(own[d.UserID], d)
	}
	return page, own, explain("read addresses", err)
}

// reviewable is an account with its confirmed destinations. One that is only vouched for does not prove a name: it
// rests on the name itself.
func (s *Accounts) reviewable(r userRow, own []destinationRow) accounts.Reviewable {
	u := r.user()
	a := accounts.Reviewable{ID: u.ID, Name: u.Name, Proof: u.Proof, Disabled: u.Disabled, DisabledBy: u.DisabledBy,
		Listed: r.Listed}
	for _, d := range own {
		switch {
		case d.Vouched != "":
			a.Vouched = append(a.Vouched, accounts.Vouched{ID: d.ID, Backend: d.Backend, Address: d.Address})
		case s.mailbox(d.Backend):
			a.Addresses = append(a.Addresses, d.Address)
		}
	}
	if r.MissingAt != 0 {
		a.Missing = time.UnixMicro(r.MissingAt)
	}
	return a
}

// carryOut does what a Review says, an account at a time.
func (s *Accounts) carryOut(ctx context.Context, p accounts.Review) (Reviewed, error) {
	done := Reviewed{Refused: p.Restrain()}
	if err := s.noteListed(ctx, p.Listed, map[string]any{"listed": true, "missing_at": 0}); err != nil {
		return done, err
	}
	if err := s.noteListed(ctx, p.Missing, map[string]any{"missing_at": s.micro()}); err != nil {
		return done, err
	}
	for _, id := range p.Doubted {
		if err := count(&done.Unproved, s.doubt(ctx, id)); err != nil {
			return done, err
		}
	}
	for id, address := range p.Vouched {
		if err := s.vouchNow(ctx, id, address, &done); err != nil {
			return done, err
		}
	}
	for _, id := range p.Lost {
		if err := count(&done.Doubted, s.doubtDestination(ctx, id)); err != nil {
			return done, err
		}
	}
	for id, why := range p.Off {
		if err := count(&done.Disabled, s.Disable(ctx, id, why, accounts.ByUpstream)); err != nil {
			return done, err
		}
	}
	for _, id := range p.On {
		if err := count(&done.Enabled, s.Enable(ctx, id, accounts.ByUpstream)); err != nil {
			return done, err
		}
	}
	return done, nil
}

// noteListed notes who is in the directory, or missing there: a part at a time, so that others can write in between.
func (s *Accounts) noteListed(ctx context.Context, ids []uint, set map[string]any) error {
	for part := range slices.Chunk(ids, inStatement) {
		err := s.write(ctx, "note who is in the directory", func(tx *gorm.DB) error {
			return tx.Model(&userRow{}).Where("id IN ?", part).Updates(set).Error
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// count counts what was done. An account that was deleted in the meantime is no error.
func count(n *int, err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil {
		*n++
	}
	return err
}

// doubt makes a name claimed that the directory proves no more.
func (s *Accounts) doubt(ctx context.Context, id uint) error {
	return s.change(ctx, "doubt name", func(tx *gorm.DB) error {
		return s.changeName(tx, id, "", func(was userRow) error {
			if accounts.Proof(was.Proof) != accounts.OfDirectory {
				return nil
			}
			return tx.Model(&userRow{}).Where("id = ?", id).Update("proof", string(accounts.Claimed)).Error
		})
	})
}

// errNotGiven rolls back what gives nobody a name, so that no node reads anything again because of it.
var errNotGiven = errors.New("the name is not given")

// vouchNow gives an account the name that the directory says its address belongs to, unless somebody has it.
func (s *Accounts) vouchNow(ctx context.Context, id uint, address string, done *Reviewed) error {
	err := s.change(ctx, "prove name", func(tx *gorm.DB) error {
		return s.changeName(tx, id, "", func(was userRow) error {
			given, err := s.vouch(tx, was, address)
			if err == nil && !given {
				err = errNotGiven
			}
			return err
		})
	})
	if errors.Is(err, errNotGiven) {
		return nil
	}
	return count(&done.Proved, err)
}

// Disable switches an account off: nothing is sent, what is owed waits, and all logins end. Filters and destinations
// stay. reason is shown to its owner. by is accounts.ByOperator or accounts.ByUpstream; what an operator has
// disabled, upstream neither enables nor says why.
func (s *Accounts) Disable(ctx context.Context, id uint, reason, by string) error {
	return s.close(ctx, "disable account", func(tx *gorm.DB) error { return s.disable(tx, id, reason, by) })
}

func (c *core) disable(tx *gorm.DB, id uint, reason, by string) error {
	if reason = text.CutBytes(text.OneLine(reason), maxAddress); reason == "" {
		return problem("reason", "is missing: its owner reads it")
	}
	was, err := lock(tx, id)
	if err != nil {
		return err
	}
	if was.DisabledBy == accounts.ByOperator && by != accounts.ByOperator || was.Disabled == reason {
		return nil
	}
	if err := c.setDisabled(tx, was, reason, by); err != nil {
		return err
	}
	if err := c.logins.EndAll(tx, id); err != nil {
		return err
	}
	return c.hold(tx, id, true)
}

// Enable switches an account on again. What waited is sent. Upstream enables only what upstream has disabled.
func (s *Accounts) Enable(ctx context.Context, id uint, by string) error {
	return s.change(ctx, "enable account", func(tx *gorm.DB) error { return s.enable(tx, id, by) })
}

func (c *core) enable(tx *gorm.DB, id uint, by string) error {
	was, err := lock(tx, id)
	if err != nil {
		return err
	}
	if was.Disabled == "" || was.DisabledBy == accounts.ByOperator && by != accounts.ByOperator {
		return nil
	}
	if err := c.setDisabled(tx, was, "", ""); err != nil {
		return err
	}
	return c.hold(tx, id, false)
}

// setDisabled writes why an account is disabled, and notes it.
func (c *core) setDisabled(tx *gorm.DB, was userRow, reason, by string) error {
	set := map[string]any{"disabled": reason, "disabled_by": by}
	if err := tx.Model(&userRow{}).Where("id = ?", was.ID).Updates(set).Error; err != nil {
		return err
	}
	if err := c.touchUser(tx, was.ID); err != nil {
		return err
	}
	what := accounts.AccountDisable
	if reason == "" {
		what = accounts.AccountEnable
	}
	return c.note(tx, was.ID, what, "", accounts.Fields{"disabled": was.Disabled}, accounts.Fields{"disabled": reason})
}

// hold keeps what is owed to the destinations of an account, or lets it go. It is the last step of its transaction, as
// closing is.
func (c *core) hold(tx *gorm.DB, id uint, held bool) error {
	var own []uint
	if err := tx.Model(&destinationRow{}).Where("user_id = ?", id).Order("id").Pluck("id", &own).Error; err != nil {
		return err
	}
	keys := make([]string, len(own))
	for i, d := range own {
		keys[i] = Key(d)
	}
	return c.onHold(tx, keys, held)
}
