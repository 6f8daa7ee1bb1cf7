package prefs

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// maxName bounds names of users and tokens, in bytes.
const maxName = 100

// CreateUser makes a user with the default filters. name is the account on the bus; ErrTaken when a user has it.
func (s *Store) CreateUser(ctx context.Context, name, zone string) (User, error) {
	return s.create(ctx, name, zone, nil)
}

// Register is CreateUser for somebody who has proved to hold an address: it becomes a confirmed destination, in the
// same transaction. ErrClaimed when another user has it.
func (s *Store) Register(ctx context.Context, name, zone, backend, address string) (User, error) {
	if err := checkAddress(backend, address); err != nil {
		return User{}, err
	}
	return s.create(ctx, name, zone, &destinationRow{
		Backend: backend, Address: address, Confirmed: true, IsOn: true, CreatedAt: s.micro(),
	})
}

func (s *Store) create(ctx context.Context, name, zone string, first *destinationRow) (User, error) {
	if err := checkUser(name, zone); err != nil {
		return User{}, err
	}
	row := userRow{Name: name, Zone: zone, CreatedAt: s.micro()}
	err := s.change(ctx, "create user", func(tx *gorm.DB) error {
		if err := tx.Create(&row).Error; errors.Is(err, gorm.ErrDuplicatedKey) {
			return ErrTaken
		} else if err != nil {
			return err
		}
		if first != nil {
			first.UserID = row.ID
			if err := tx.Create(first).Error; errors.Is(err, gorm.ErrDuplicatedKey) {
				return ErrClaimed
			} else if err != nil {
				return err
			}
		}
		if err := s.createDefaults(tx, row.ID); err != nil {
			return err
		}
		return s.touchUser(tx, row.ID)
	})
	if err != nil {
		return User{}, err
	}
	return row.user(), nil
}

// User gives the user of that id, or ErrNotFound.
func (s *Store) User(ctx context.Context, id uint) (User, error) {
	return s.user(s.read(ctx).Where("id = ?", id))
}

// UserByName gives the user of that account, or ErrNotFound.
func (s *Store) UserByName(ctx context.Context, name string) (User, error) {
	return s.user(s.read(ctx).Where("name = ?", name))
}

// UserByAddress gives the user who has confirmed the address, or ErrNotFound.
func (s *Store) UserByAddress(ctx context.Context, backend, address string) (User, error) {
	owner := s.read(ctx).Model(&destinationRow{}).Select("user_id").
		Where("backend = ? AND address = ? AND confirmed", backend, address)
	return s.user(s.read(ctx).Where("id = (?)", owner))
}

func (s *Store) user(query *gorm.DB) (User, error) {
	var row userRow
	if err := query.Take(&row).Error; err != nil {
		return User{}, named("read user", err)
	}
	return row.user(), nil
}

// RenameUser sets the account that @me stands for; ErrTaken when another user has it.
func (s *Store) RenameUser(ctx context.Context, id uint, name string) error {
	if err := checkUser(name, ""); err != nil {
		return err
	}
	return s.setUser(ctx, id, "name", name)
}

// SetZone sets the time zone: a name of the IANA data base, or "" for UTC.
func (s *Store) SetZone(ctx context.Context, id uint, zone string) error {
	if err := checkZone(zone); err != nil {
		return err
	}
	return s.setUser(ctx, id, "zone", zone)
}

func (s *Store) setUser(ctx context.Context, id uint, column, value string) error {
	return s.change(ctx, "change user", func(tx *gorm.DB) error {
		done := tx.Model(&userRow{}).Where("id = ?", id).Update(column, value)
		if errors.Is(done.Error, gorm.ErrDuplicatedKey) {
			return ErrTaken
		}
		if err := one(done); err != nil {
			return err
		}
		return s.touchUser(tx, id)
	})
}

// DeleteUser deletes a user and all that is theirs, and ends what waits for their destinations.
func (s *Store) DeleteUser(ctx context.Context, id uint) error {
	return s.close(ctx, "delete user", func(tx *gorm.DB) error {
		if err := s.touchUser(tx, id); err != nil {
			return err
		}
		if _, err := lock(tx, id); err != nil { // nobody adds a destination meanwhile
			return err
		}
		var destinations []uint
		if err := tx.Model(&destinationRow{}).Where("user_id = ?", id).Order("id").Pluck("id", &destinations).Error; err != nil {
			return err
		}
		if err := one(tx.Where("id = ?", id).Delete(&userRow{})); err != nil {
			return err
		}
		return s.closed(tx, "the account was deleted", destinations...)
	})
}

// Location gives the user's time zone; UTC where the machine does not know it.
func (u User) Location() *time.Location {
	if u.zone != nil {
		return u.zone
	}
	if zone, err := time.LoadLocation(u.Zone); err == nil {
		return zone
	}
	return time.UTC
}

// one gives ErrNotFound for a statement that changed nothing.
func one(done *gorm.DB) error {
	if done.Error == nil && done.RowsAffected == 0 {
		return ErrNotFound
	}
	return done.Error
}

// lock takes the user's row for the rest of the transaction, so that bounds on what one user has hold when two requests
// come at once (PostgreSQL; SQLite has one writer). ErrNotFound when there is no such user.
func lock(tx *gorm.DB, userID uint) (userRow, error) {
	var row userRow
	if tx.Name() == "postgres" {
		tx = tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
	}
	err := tx.Where("id = ?", userID).Take(&row).Error
	return row, err
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
