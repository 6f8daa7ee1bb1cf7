package prefs

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/prefs/accounts"
)

// maxName bounds names of users and tokens, in bytes.
const maxName = 100

// Accounts stores the users, and lets people sign in.
type Accounts struct{ *core }

// Register makes a user with the default filters, for a person who has proved to hold an address. The address becomes
// a confirmed destination in the same transaction. name is the account on the bus. The error is ErrTaken when a user
// has the name, and ErrClaimed when another user has the address.
func (s *Accounts) Register(ctx context.Context, name, zone, backend, address string) (User, error) {
	if err := checkDestination(backend, address); err != nil {
		return User{}, err
	}
	if err := checkUser(name, zone); err != nil {
		return User{}, err
	}
	row := userRow{Name: name, Zone: zone, Proof: "claimed", CreatedAt: s.micro()}
	first := destinationRow{
		Backend: backend, Address: address, Confirmed: true, IsOn: true, SignIn: true, CreatedAt: s.micro(),
	}
	err := s.change(ctx, "create user", func(tx *gorm.DB) error {
		if err := tx.Create(&row).Error; errors.Is(err, gorm.ErrDuplicatedKey) {
			return ErrTaken
		} else if err != nil {
			return err
		}
		first.UserID = row.ID
		if err := tx.Create(&first).Error; errors.Is(err, gorm.ErrDuplicatedKey) {
			return ErrClaimed
		} else if err != nil {
			return err
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
		made := row.fields()
		made["destination"] = first.place()
		return s.note(tx, row.ID, accounts.AccountRegister, "", nil, made)
	})
	if err != nil {
		return User{}, err
	}
	return row.user(), nil
}

// User returns the user with that id, or ErrNotFound.
func (s *Accounts) User(ctx context.Context, id uint) (User, error) {
	return s.userByID(ctx, id)
}

// ByName returns the user with that account on the bus, or ErrNotFound.
func (s *Accounts) ByName(ctx context.Context, name string) (User, error) {
	return s.user(s.read(ctx).Where("name = ?", name))
}

// ByAddress returns the user who has confirmed the address, or ErrNotFound.
func (s *Accounts) ByAddress(ctx context.Context, backend, address string) (User, error) {
	owner := s.read(ctx).Model(&destinationRow{}).Select("user_id").
		Where("backend = ? AND address = ? AND confirmed", backend, address)
	return s.user(s.read(ctx).Where("id = (?)", owner))
}

// ByWayIn returns the user whom a link that is mailed to an address signs in, with the id of that destination. The
// error is ErrNotFound when nobody has confirmed the address, and ErrNoWayIn when its owner lets nobody in by it.
func (s *Accounts) ByWayIn(ctx context.Context, backend, address string) (User, uint, error) {
	var to struct {
		ID, UserID uint
		May        bool
	}
	done := s.read(ctx).Raw("SELECT id, user_id, "+accounts.MaySignIn+" AS may FROM destinations "+
		"WHERE backend = ? AND address = ? AND confirmed", backend, address).Scan(&to)
	if err := changed(done); err != nil {
		return User{}, 0, explain("read way in", err)
	}
	if !to.May {
		return User{}, 0, ErrNoWayIn
	}
	user, err := s.userByID(ctx, to.UserID)
	return user, to.ID, err
}

// Rename sets the account that @me stands for. The error is ErrTaken when another user has it.
func (s *Accounts) Rename(ctx context.Context, id uint, name string) error {
	if err := checkUser(name, ""); err != nil {
		return err
	}
	return s.set(ctx, id, accounts.AccountRename, "name", name)
}

// SetZone sets the time zone: a name of the IANA time zone database, or "" for UTC.
func (s *Accounts) SetZone(ctx context.Context, id uint, zone string) error {
	if err := checkZone(zone); err != nil {
		return err
	}
	return s.set(ctx, id, accounts.AccountZone, "zone", zone)
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
		if err := s.touchUser(tx, id); err != nil {
			return err
		}
		if err := s.tell(tx, id, ofAccount); err != nil {
			return err
		}
		var is userRow
		if err := tx.Where("id = ?", id).Take(&is).Error; err != nil {
			return err
		}
		return s.note(tx, id, what, "", was.fields(), is.fields())
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
		if err := changed(tx.Where("id = ?", id).Delete(&userRow{})); err != nil {
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

func checkUser(name, zone string) error {
	switch {
	case name == "":
		return problem("name", "is missing")
	case len(name) > maxName:
		return problem("name", "is longer than %d bytes", maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, oddInName):
		return problem("name", "%q has characters that no account has; letters, digits and . _ + - @ may be", name)
	case strings.HasPrefix(name, "@"):
		return problem("name", "%q begins with @, which marks groups and @me", name)
	}
	return checkZone(zone)
}

func oddInName(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._+-@", r)
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
