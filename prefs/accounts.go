package prefs

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/revisions"
	"github.com/notifyd/notifyd/prefs/schedule"
)

// maxName bounds names of users and tokens, in bytes.
const maxName = 100

// Accounts stores the users, and lets people sign in.
type Accounts struct{ *core }

// Register makes a user with the default filters, for a person who has proved to hold an address. The address becomes
// a confirmed destination in the same transaction. Where the directory says whose the address is, that is the account's
// name; else it is the name that the person has chosen, where everybody may, or none.
//
// The error is a *accounts.Refusal where the site does not let the person in, ErrTaken where the chosen name is another
// person's, and ErrClaimed when another user has the address.
func (s *Accounts) Register(ctx context.Context, name, zone, backend, address string) (User, error) {
	if err := checkDestination(backend, address); err != nil {
		return User{}, err
	}
	if err := checkZone(zone); err != nil {
		return User{}, err
	}
	first := destinationRow{
		Backend: backend, Address: address, Confirmed: true, IsOn: true, SignIn: true, CreatedAt: s.micro(),
	}
	n := accounts.Newcomer{Mail: address}
	if known, err := accounts.Clean(s.people().AccountOf(address)); err == nil {
		n.Name, n.Groups = known, s.people().Groups(known)
	}
	return s.register(ctx, n, zone, &first, func(tx *gorm.DB, row userRow) error {
		if given, err := s.vouch(tx, row, address); given || err != nil {
			return err
		}
		if name == "" && !s.claimedNames() {
			return nil
		}
		return s.choose(tx, row, name, accounts.HolderOfMail(address))
	})
}

// register makes a user for a newcomer whom the site lets in. first is an address that is theirs, or nil; name gives
// the account its name.
func (s *Accounts) register(ctx context.Context, n accounts.Newcomer, zone string, first *destinationRow,
	name func(tx *gorm.DB, row userRow) error) (User, error) {
	row := userRow{Zone: zone, CreatedAt: s.micro()}
	err := s.change(ctx, "create user", func(tx *gorm.DB) error {
		return s.enroll(tx, n, &row, first, name)
	})
	if err != nil {
		return User{}, err
	}
	return row.user(), nil
}

// enroll is register within a transaction. It fills row.
func (s *Accounts) enroll(tx *gorm.DB, n accounts.Newcomer, row *userRow, first *destinationRow,
	name func(tx *gorm.DB, row userRow) error) error {
	by, invited, err := accounts.AcceptInvitation(tx, s.micro(), n.Mail, n.Name)
	if err != nil {
		return err
	}
	n.Invited = invited
	if err := s.policy().Admit(n); err != nil {
		return err
	}
	if err := tx.Create(row).Error; err != nil {
		return err
	}
	if err := name(tx, *row); err != nil {
		return err
	}
	if first != nil {
		first.UserID = row.ID
		if err := s.claim(tx, first.UserID, first.Backend, first.Address); err != nil {
			return err
		}
		if err := tx.Create(first).Error; errors.Is(err, gorm.ErrDuplicatedKey) {
			return ErrClaimed
		} else if err != nil {
			return err
		}
	}
	if err := s.createDefaults(tx, row.ID); err != nil {
		return err
	}
	if err := s.touchUser(tx, row.ID); err != nil {
		return err
	}
	if err := s.tell(tx, row.ID, ofAccount); err != nil {
		return err
	}
	if err := tx.Where("id = ?", row.ID).Take(row).Error; err != nil {
		return err
	}
	made := row.fields()
	if first != nil {
		made["destination"] = first.place()
	}
	if by != "" {
		made["invited by"] = by
	}
	return s.note(tx, row.ID, accounts.AccountRegister, "", nil, made)
}

// claim returns ErrClaimed where another user has confirmed an address of the same mailbox. All transactions that
// confirm addresses come one after the other, since each raises the revision first.
func (c *core) claim(tx *gorm.DB, user uint, backend, address string) error {
	var others int64
	err := c.sameAddress(tx.Model(&destinationRow{}), backend, address).Where("user_id <> ?", user).Count(&others).Error
	if err == nil && others > 0 {
		err = ErrClaimed
	}
	return err
}

// sameAddress finds the confirmed destinations that are an address: of a mailbox in any capitals.
func (c *core) sameAddress(query *gorm.DB, backend, address string) *gorm.DB {
	query = query.Where("backend = ? AND confirmed", backend)
	if c.mailbox(backend) {
		return query.Where("lower(address) = lower(?)", address)
	}
	return query.Where("address = ?", address)
}

// User returns the user with that id, or ErrNotFound.
func (s *Accounts) User(ctx context.Context, id uint) (User, error) {
	return s.userByID(ctx, id)
}

// ByName returns the user with that name on the bus, proved or claimed, or ErrNotFound.
func (s *Accounts) ByName(ctx context.Context, name string) (User, error) {
	if name == "" {
		return User{}, ErrNotFound
	}
	return s.user(s.read(ctx).Where("name = ?", name))
}

// ByAddress returns the user who has confirmed the address, or ErrNotFound.
func (s *Accounts) ByAddress(ctx context.Context, backend, address string) (User, error) {
	owner := s.sameAddress(s.read(ctx).Model(&destinationRow{}).Select("user_id"), backend, address).
		Order("id").Limit(1)
	return s.user(s.read(ctx).Where("id = (?)", owner))
}

// ByWayIn returns the user whom a link that is mailed to an address signs in, with the id of that destination. The
// error is ErrNotFound when nobody has confirmed the address, and ErrNoWayIn when its owner lets nobody in by it.
func (s *Accounts) ByWayIn(ctx context.Context, backend, address string) (User, uint, error) {
	var to struct {
		ID, UserID uint
		May        bool
	}
	// of accounts of before that have one mailbox in other capitals, the one that has it so
	done := s.sameAddress(s.read(ctx).Model(&destinationRow{}), backend, address).
		Select("id, user_id, " + accounts.MaySignIn + " AS may").
		Order(clause.OrderBy{Expression: clause.Expr{SQL: "address <> ?, id", Vars: []any{address}}}).
		Limit(1).Scan(&to)
	if err := changed(done); err != nil {
		return User{}, 0, explain("read way in", err)
	}
	if !to.May {
		return User{}, 0, ErrNoWayIn
	}
	user, err := s.userByID(ctx, to.UserID)
	return user, to.ID, err
}

// SetZone sets the time zone: a name of the IANA time zone database, or "" for UTC.
func (s *Accounts) SetZone(ctx context.Context, id uint, zone string) error {
	if err := checkZone(zone); err != nil {
		return err
	}
	return s.set(ctx, id, accounts.AccountZone, "zone", zone)
}

// afterChange does what follows each change of a user: the filters are looked at again, others are told, and what has
// changed is noted.
func (s *Accounts) afterChange(tx *gorm.DB, was userRow, what accounts.What) error {
	if err := s.touchUser(tx, was.ID); err != nil {
		return err
	}
	if err := s.tell(tx, was.ID, ofAccount); err != nil {
		return err
	}
	var is userRow
	if err := tx.Where("id = ?", was.ID).Take(&is).Error; err != nil {
		return err
	}
	return s.note(tx, was.ID, what, "", was.fields(), is.fields())
}

func (s *Accounts) set(ctx context.Context, id uint, what accounts.What, column, value string) error {
	return s.change(ctx, "change user", func(tx *gorm.DB) error {
		was, err := lock(tx, id)
		if err != nil {
			return err
		}
		done := tx.Model(&userRow{}).Where("id = ?", id).Update(column, value)
		if errors.Is(done.Error, gorm.ErrDuplicatedKey) {
			return ErrTaken
		}
		if err := changed(done); err != nil {
			return err
		}
		if err := s.afterChange(tx, was, what); err != nil || column != "zone" {
			return err
		}
		// their quiet hours end at another time now
		keys, err := userKeys(tx, id)
		if err != nil {
			return err
		}
		return s.waiting.Release(tx, keys, []string{schedule.HeldByQuiet})
	})
}

// Delete deletes a user with all data of the user, and wipes what was sent to the user's destinations or waits for them
// (see Config.OnErase). The audit keeps that it was done, and when and by whom.
func (s *Accounts) Delete(ctx context.Context, id uint) error {
	return s.erase(ctx, "delete user", func(tx *gorm.DB) error {
		if err := s.touchUser(tx, id); err != nil {
			return err
		}
		if err := s.tell(tx, id, ofAccount); err != nil {
			return err
		}
		if _, err := lock(tx, id); err != nil { // so that no destination is added in the meantime
			return err
		}
		var own []destinationRow
		if err := tx.Where("user_id = ?", id).Order("id").Find(&own).Error; err != nil {
			return err
		}
		if err := accounts.Forgo(tx, s.micro(), id); err != nil {
			return err
		}
		if err := changed(tx.Where("id = ?", id).Delete(&userRow{})); err != nil {
			return err
		}
		if err := revisions.Forget(tx, uint64(id)); err != nil {
			return err
		}
		if err := s.mailed.End(tx, id); err != nil {
			return err
		}
		if err := s.note(tx, id, accounts.AccountDelete, "", nil, nil); err != nil {
			return err
		}
		if err := s.audit.Forget(tx, id); err != nil {
			return err
		}
		return s.wipe(tx, own, "the account was deleted")
	})
}

// Location returns the user's time zone; UTC where the machine does not know it.
func (u User) Location() *time.Location {
	if u.zone != nil {
		return u.zone
	}
	if zone, err := time.LoadLocation(u.Zone); err == nil {
		return zone
	}
	return time.UTC
}

func checkZone(zone string) error {
	if zone == "Local" { // the machine's zone is not the person's
		return problem("zone", "%q is no time zone", zone)
	}
	if _, err := time.LoadLocation(zone); err != nil {
		return problem("zone", "%q is no time zone; one is %q", zone, "Europe/Berlin")
	}
	return nil
}
