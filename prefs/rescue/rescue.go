// Package rescue is where a notice goes that does not arrive: to another destination of the same person.
//
// A Fallback belongs to a destination: what fails there goes to another one instead, after so many attempts or so long,
// or at once where the address is gone. An Escalation belongs to a person, and is about critical notices: what was not
// taken within a while, or failed, goes to another destination too; or all of them go everywhere at once.
//
// A delivery is unique by message and destination, and so a chain of fallbacks ends by itself: a destination that has
// had the message gets it no more. Saving refuses rounds and long chains all the same, since their owner would wait for
// nothing.
package rescue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/notifyd/notifyd/prefs/accounts"
)

// A Fallback is where what fails at a destination goes.
type Fallback struct {
	From, To uint          // destinations of one person
	Attempts int           // that have failed; 0: they do not count
	After    time.Duration // since the first failure, or since it was due; 0: it does not count
	Since    time.Time     // when it was set: what had failed before stays
}

// An Escalation is what a person wants of critical notices.
type Escalation struct {
	To         uint          // has them too after a while; 0: nobody has
	After      time.Duration // in which they were not taken
	Everywhere bool          // all confirmed addresses have them at once
}

// The bounds.
const (
	MaxAttempts = 20
	MinAfter    = time.Minute
	MaxAfter    = 5 * 24 * time.Hour
	maxChain    = 3 // destinations that stand in for each other in a row
)

// An Error is a mistake, written for the person who made it.
type Error struct{ Field, Problem string }

// Error returns the field and what is wrong with it.
func (e *Error) Error() string { return e.Field + ": " + e.Problem }

// ErrNotFound says that a destination is not there, or not the user's.
var ErrNotFound = errors.New("no such destination")

// Check returns the first mistake in the numbers of a Fallback as an *Error.
func (f Fallback) Check() error {
	switch {
	case f.Attempts < 0 || f.Attempts > MaxAttempts:
		return &Error{"attempts", fmt.Sprintf("%d is not between 1 and %d", f.Attempts, MaxAttempts)}
	case f.After != 0 && (f.After < MinAfter || f.After > MaxAfter):
		return &Error{"after", fmt.Sprintf("%s is not between a minute and five days", f.After)}
	case f.Attempts == 0 && f.After == 0:
		return &Error{"attempts", "say after how many attempts, or how long"}
	case f.From == f.To:
		return &Error{"to", "a destination cannot stand in for itself"}
	}
	return nil
}

// Check returns the first mistake in the numbers of an Escalation as an *Error.
func (e Escalation) Check() error {
	if e.To != 0 && (e.After < MinAfter || e.After > 24*time.Hour) {
		return &Error{"after", fmt.Sprintf("%s is not between a minute and a day", e.After)}
	}
	return nil
}

// fallbackRow is a Fallback as it is stored.
type fallbackRow struct {
	DestinationID uint  `gorm:"primaryKey;autoIncrement:false"`
	ToID          uint  `gorm:"not null;index:idx_fallbacks_to_id"`
	Attempts      int   `gorm:"not null"`
	After         int64 `gorm:"not null"` // microseconds
	SetAt         int64 `gorm:"not null"`
}

// TableName is for gorm.
func (fallbackRow) TableName() string { return "fallbacks" }

func (r fallbackRow) fallback() Fallback {
	return Fallback{From: r.DestinationID, To: r.ToID, Attempts: r.Attempts,
		After: time.Duration(r.After) * time.Microsecond, Since: time.UnixMicro(r.SetAt).UTC()}
}

// escalationRow is an Escalation as it is stored.
type escalationRow struct {
	UserID     uint  `gorm:"primaryKey;autoIncrement:false"`
	ToID       uint  `gorm:"not null"` // 0: none
	After      int64 `gorm:"not null"` // microseconds
	Everywhere bool  `gorm:"not null"`
	SetAt      int64 `gorm:"not null"`
}

// TableName is for gorm.
func (escalationRow) TableName() string { return "escalations" }

// Models gives the gorm models of this room, for the test that compares them with the schema.
func Models() []any { return []any{&fallbackRow{}, &escalationRow{}} }

// A Store keeps them. Touch notes in the log of changes that the router must read a user again.
type Store struct {
	Writer, Reader *gorm.DB
	Now            func() time.Time
	Audit          *accounts.Audit
	Touch          func(tx *gorm.DB, user uint) error
}

// owns reports whether a destination is a user's; confirmed that it is confirmed too.
func owns(tx *gorm.DB, user, id uint, confirmed bool) error {
	var n int64
	query := tx.Table("destinations").Where("id = ? AND user_id = ?", id, user)
	if confirmed {
		query = query.Where("confirmed")
	}
	if err := query.Count(&n).Error; err != nil {
		return fmt.Errorf("read destination: %w", err)
	}
	if n == 0 && confirmed {
		return &Error{"to", "it is none of your confirmed destinations"}
	}
	if n == 0 {
		return ErrNotFound
	}
	return nil
}

// Fallback gives that of a destination of a user; false where it has none.
func (s *Store) Fallback(ctx context.Context, user, from uint) (Fallback, bool, error) {
	var rows []fallbackRow
	err := s.Reader.WithContext(ctx).Where("destination_id = ? AND destination_id IN "+
		"(SELECT id FROM destinations WHERE user_id = ?)", from, user).Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return Fallback{}, false, err
	}
	return rows[0].fallback(), true, nil
}

// SetFallback sets what stands in for a destination of a user; To 0: nothing does. A mistake is an *Error.
func (s *Store) SetFallback(ctx context.Context, user uint, f Fallback) error {
	if f.To != 0 {
		if err := f.Check(); err != nil {
			return err
		}
	}
	return s.Writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := owns(tx, user, f.From, false); err != nil {
			return err
		}
		var was []fallbackRow
		if err := tx.Where("destination_id = ?", f.From).Limit(1).Find(&was).Error; err != nil {
			return err
		}
		is := []fallbackRow{{f.From, f.To, f.Attempts, f.After.Microseconds(), s.Now().UnixMicro()}}
		if f.To == 0 {
			is = nil
			if err := tx.Where("destination_id = ?", f.From).Delete(&fallbackRow{}).Error; err != nil {
				return err
			}
		} else {
			if err := owns(tx, user, f.To, true); err != nil {
				return err
			}
			if err := straight(tx, f); err != nil {
				return err
			}
			if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&is[0]).Error; err != nil {
				return err
			}
		}
		return s.Audit.Add(tx, accounts.Entry{User: user, What: accounts.DestinationFallback,
			Object: "destination " + strconv.FormatUint(uint64(f.From), 10), Before: fields(was), After: fields(is)})
	})
}

func fields(rows []fallbackRow) accounts.Fields {
	if len(rows) == 0 {
		return nil
	}
	f := rows[0].fallback()
	return accounts.Fields{"stands in": "destination " + strconv.FormatUint(uint64(f.To), 10),
		"after attempts": strconv.Itoa(f.Attempts), "after": f.After.String()}
}

// straight refuses a fallback that would make a round, or a long chain.
func straight(tx *gorm.DB, f Fallback) error {
	at := f.To
	for range maxChain {
		var rows []fallbackRow
		if err := tx.Where("destination_id = ?", at).Limit(1).Find(&rows).Error; err != nil {
			return err
		}
		if len(rows) == 0 {
			return nil
		}
		if at = rows[0].ToID; at == f.From {
			return &Error{"to", "the two would stand in for each other"}
		}
	}
	return &Error{"to", fmt.Sprintf("at most %d destinations stand in for each other in a row", maxChain)}
}

// Escalation gives what a user wants of critical notices.
func (s *Store) Escalation(ctx context.Context, user uint) (Escalation, error) {
	var rows []escalationRow
	err := s.Reader.WithContext(ctx).Where("user_id = ?", user).Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return Escalation{}, err
	}
	r := rows[0]
	return Escalation{To: r.ToID, After: time.Duration(r.After) * time.Microsecond, Everywhere: r.Everywhere}, nil
}

// SetEscalation sets what a user wants of critical notices. A mistake is an *Error.
func (s *Store) SetEscalation(ctx context.Context, user uint, e Escalation) error {
	if e.To == 0 {
		e.After = 0
	}
	if err := e.Check(); err != nil {
		return err
	}
	return s.Writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.Touch(tx, user); err != nil {
			return err
		}
		if e.To != 0 {
			if err := owns(tx, user, e.To, true); err != nil {
				return err
			}
		}
		var was []escalationRow
		if err := tx.Where("user_id = ?", user).Limit(1).Find(&was).Error; err != nil {
			return err
		}
		is := escalationRow{user, e.To, e.After.Microseconds(), e.Everywhere, s.Now().UnixMicro()}
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&is).Error; err != nil {
			return err
		}
		return s.Audit.Add(tx, accounts.Entry{User: user, What: accounts.AccountEscalation, Object: "account",
			Before: escalated(was), After: escalated([]escalationRow{is})})
	})
}

func escalated(rows []escalationRow) accounts.Fields {
	if len(rows) == 0 {
		return nil
	}
	to := "nowhere else"
	if rows[0].ToID != 0 {
		to = "destination " + strconv.FormatUint(uint64(rows[0].ToID), 10)
	}
	return accounts.Fields{"critical goes on to": to, "after": (time.Duration(rows[0].After) * time.Microsecond).String(),
		"critical goes everywhere": strconv.FormatBool(rows[0].Everywhere)}
}

// Everywhere gives which of some users want critical notices at all addresses.
func Everywhere(tx *gorm.DB, users []uint) (map[uint]bool, error) {
	var ids []uint
	err := tx.Model(&escalationRow{}).Where("user_id IN ? AND everywhere", users).Pluck("user_id", &ids).Error
	if err != nil {
		return nil, fmt.Errorf("read escalations: %w", err)
	}
	found := make(map[uint]bool, len(ids))
	for _, id := range ids {
		found[id] = true
	}
	return found, nil
}
