package prefs

import (
	"context"
	"errors"
	"strings"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/prefs/accounts"
)

// names.go gives names to accounts and takes them away. The rules are in package accounts: whose name it was before
// (holds.go), what may be chosen (names.go), which proof gives way to which (proof.go).

// give makes a name that of an account, and returns whether anything changed. The error is an *accounts.HeldError where
// the name is another person's. An account that has only claimed the name until now loses it, and is told.
func (c *core) give(tx *gorm.DB, user userRow, name string, proof accounts.Proof, holder string) (bool, error) {
	now := c.micro()
	if user.Name == name && user.Proof == string(proof) {
		return false, nil
	}
	loser, err := accounts.Take(tx, now, accounts.Hold{Name: name, User: user.ID, Holder: holder, Proof: proof})
	if err != nil {
		return false, err
	}
	if loser != 0 {
		if err := c.lose(tx, loser, "it is proved now whose it is"); err != nil {
			return false, err
		}
	}
	if err := accounts.Leave(tx, now, user.ID, name); err != nil {
		return false, err
	}
	set := map[string]any{"name": name, "proof": string(proof), "skeleton": accounts.Skeleton(name)}
	done := tx.Model(&userRow{}).Where("id = ?", user.ID).Updates(set)
	if errors.Is(done.Error, gorm.ErrDuplicatedKey) {
		return false, ErrTaken
	}
	return true, changed(done)
}

// lose takes the name away from an account that has claimed it. Its filters stay.
func (c *core) lose(tx *gorm.DB, id uint, why string) error {
	was, err := lock(tx, id)
	if err != nil {
		return err
	}
	set := map[string]any{"name": "", "proof": "", "skeleton": ""}
	if err := tx.Model(&userRow{}).Where("id = ?", id).Updates(set).Error; err != nil {
		return err
	}
	if err := c.touchUser(tx, id); err != nil {
		return err
	}
	err = c.noteBy(tx, accounts.Daemon, id, accounts.AccountRelease, "", was.fields(),
		accounts.Fields{"name": "", "because": why})
	if err != nil {
		return err
	}
	return c.happened(tx, accounts.Happened{User: id, Kind: accounts.NameLost, About: was.Name})
}

// choose gives an account a name that the person has chosen, where everybody may.
func (c *core) choose(tx *gorm.DB, user userRow, name, holder string) error {
	if !c.claimedNames() {
		return problem("name", "cannot be chosen here: it is proved, or there is none")
	}
	chosen, err := accounts.Choose(name, c.roles().Names()...)
	if err == nil {
		var others []string
		if others, err = accounts.LookAlikes(tx, chosen, user.ID); err == nil {
			_, err = accounts.Choose(chosen, others...)
		}
	}
	var wrong *accounts.NameError
	if errors.As(err, &wrong) {
		return problem("name", "%s", wrong.Problem)
	}
	if err != nil {
		return err
	}
	if _, err = c.give(tx, user, chosen, accounts.Claimed, holder); accounts.IsHeld(err) {
		return ErrTaken
	}
	return err
}

// vouch looks whether the directory says whose an address is, and gives the account that name. A name that is another
// person's is not given: then the account has the name that it had.
func (c *core) vouch(tx *gorm.DB, user userRow, address string) (bool, error) {
	name, err := accounts.Clean(c.people().AccountOf(address))
	if err != nil || accounts.OfDirectory.Weaker(accounts.Proof(user.Proof)) {
		return false, nil
	}
	given, err := c.give(tx, user, name, accounts.OfDirectory, accounts.HolderOfMail(address))
	if accounts.IsHeld(err) {
		return false, nil
	}
	return given, err
}

// vouchBy is vouch for an account that has just confirmed an address.
func (c *core) vouchBy(tx *gorm.DB, user uint, backend, address string) error {
	if !c.mailbox(backend) {
		return nil
	}
	return c.changeName(tx, user, accounts.Upstream, func(was userRow) error {
		_, err := c.vouch(tx, was, address)
		return err
	})
}

// changeName runs change, which gives or takes a name, and does what belongs to it where something has changed: the
// user's filters are looked at again, and it is noted what was before and is now.
func (c *core) changeName(tx *gorm.DB, id uint, by accounts.Kind, change func(was userRow) error) error {
	was, err := lock(tx, id)
	if err != nil {
		return err
	}
	if err := change(was); err != nil {
		return err
	}
	var is userRow
	if err := tx.Where("id = ?", id).Take(&is).Error; err != nil {
		return err
	}
	if is.Name == was.Name && is.Proof == was.Proof {
		return nil
	}
	if err := c.touchUser(tx, id); err != nil {
		return err
	}
	if err := c.tell(tx, id, ofAccount); err != nil {
		return err
	}
	what := accounts.AccountRename
	if is.Name == was.Name {
		what = accounts.AccountProof
	}
	if by == "" {
		return c.note(tx, id, what, "", was.fields(), is.fields())
	}
	return c.noteBy(tx, by, id, what, "", was.fields(), is.fields())
}

// Rename gives an account another name that its owner has chosen, where everybody may. The error is ErrTaken when it is
// another person's, also of one who is no longer here. A proved name is not renamed.
func (s *Accounts) Rename(ctx context.Context, id uint, name string) error {
	return s.change(ctx, "change name", func(tx *gorm.DB) error {
		return s.changeName(tx, id, "", func(was userRow) error {
			if accounts.Proof(was.Proof).Proves(false) {
				return problem("name", "is proved, so it cannot be chosen")
			}
			holder, err := accounts.HolderOf(tx, id)
			if err != nil {
				return err
			}
			return s.choose(tx, was, name, holder)
		})
	})
}

// Assign gives an account a name on the word of an operator, who has made sure whose it is. With "" the account has no
// name afterwards. The error is ErrTaken when another account has the name proved, or a person of before had: Free lets
// go of that.
func (s *Accounts) Assign(ctx context.Context, id uint, name string) error {
	if name != "" {
		clean, err := accounts.Clean(name)
		var wrong *accounts.NameError
		if errors.As(err, &wrong) {
			return problem("name", "%s", wrong.Problem)
		}
		name = clean
	}
	return s.change(ctx, "assign name", func(tx *gorm.DB) error {
		return s.changeName(tx, id, "", func(was userRow) error {
			if name == "" {
				return s.unname(tx, id)
			}
			holder, err := accounts.HolderOf(tx, id)
			if err != nil {
				return err
			}
			if _, err = s.give(tx, was, name, accounts.OfOperator, holder); accounts.IsHeld(err) {
				return ErrTaken
			}
			return err
		})
	})
}

// unname takes the name from an account. It stays reserved for it.
func (c *core) unname(tx *gorm.DB, id uint) error {
	if err := accounts.Leave(tx, c.micro(), id, ""); err != nil {
		return err
	}
	return tx.Model(&userRow{}).Where("id = ?", id).
		Updates(map[string]any{"name": "", "proof": "", "skeleton": ""}).Error
}

// Adopt notes the names of accounts that were made by a notifyd of before, which knew no holders. Of two that differ in
// nothing but capitals the first keeps its name to itself. It is called at each start, and does its work once.
func (s *Accounts) Adopt(ctx context.Context) error {
	for {
		var rows []userRow
		if err := s.read(ctx).Where("name <> '' AND skeleton = ''").Order("id").Limit(500).Find(&rows).Error; err != nil {
			return explain("read names of before", err)
		}
		if len(rows) == 0 {
			return nil
		}
		err := s.write(ctx, "note names of before", func(tx *gorm.DB) error {
			for _, r := range rows {
				if err := s.adopt(tx, r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

func (s *Accounts) adopt(tx *gorm.DB, r userRow) error {
	holder, err := accounts.HolderOf(tx, r.ID)
	if err != nil {
		return err
	}
	_, err = accounts.Take(tx, r.CreatedAt, accounts.Hold{Name: r.Name, User: r.ID, Holder: holder,
		Proof: accounts.Proof(r.Proof)})
	if err != nil && !accounts.IsHeld(err) {
		return err
	}
	skeleton := accounts.Skeleton(r.Name)
	if strings.TrimSpace(skeleton) == "" {
		skeleton = "?" // so that it is looked at once
	}
	return tx.Model(&userRow{}).Where("id = ?", r.ID).Update("skeleton", skeleton).Error
}
