package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// AttemptLife is the time that somebody has to sign in at a provider.
const AttemptLife = 10 * time.Minute

// attemptsMost bounds the attempts that are kept. Strangers begin as many as they like; the oldest go.
const attemptsMost = 20_000

// An Attempt is a sign-in at a provider that has begun. It holds digests of secrets only.
type Attempt struct {
	State    string // digest of what the provider sends back; it finds the attempt
	Nonce    string // digest of what the ID token must say
	Browser  string // digest of the cookie of the browser that began it
	Provider string // its name in the configuration
	Back     string // path of the page to go to
	Purpose  Purpose
	Login    uint // the login that it is about, where the purpose is not to sign in
	At       time.Time
}

// A Purpose is what a sign-in at a provider is for.
type Purpose string

// These are the purposes: to sign in, to show again who one is, to add an identity to the account.
const (
	ToSignIn Purpose = ""
	ToRenew  Purpose = "fresh"
	ToLink   Purpose = "link"
)

// Attempts keeps the sign-ins that have begun, for all nodes.
type Attempts struct {
	writer *gorm.DB
	now    func() time.Time
}

// NewAttempts makes an Attempts.
func NewAttempts(writer *gorm.DB, now func() time.Time) *Attempts { return &Attempts{writer, now} }

type attemptRow struct {
	StateHash   string  `gorm:"primaryKey"`
	NonceHash   string  `gorm:"not null"`
	BrowserHash string  `gorm:"not null"`
	Provider    string  `gorm:"not null"`
	Back        string  `gorm:"not null"`
	Purpose     Purpose `gorm:"not null"`
	LoginID     uint    `gorm:"not null"`
	CreatedAt   int64   `gorm:"not null;autoCreateTime:false"`
	ExpiresAt   int64   `gorm:"not null;index:idx_attempts_expires_at"`
}

func (attemptRow) TableName() string { return "attempts" }

// Begin stores an attempt, and drops those that are over.
func (a *Attempts) Begin(ctx context.Context, t Attempt) error {
	now := a.now()
	row := attemptRow{t.State, t.Nonce, t.Browser, t.Provider, t.Back, t.Purpose, t.Login, now.UnixMicro(),
		now.Add(AttemptLife).UnixMicro()}
	err := a.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Where("expires_at <= ?", now.UnixMicro()).Delete(&attemptRow{}).Error; err != nil {
			return err
		}
		newest := tx.Model(&attemptRow{}).Select("state_hash").Order("created_at DESC, state_hash").Limit(attemptsMost - 1)
		var count int64
		if err := tx.Model(&attemptRow{}).Count(&count).Error; err != nil {
			return err
		}
		if count >= attemptsMost {
			if err := tx.Where("state_hash NOT IN (?)", newest).Delete(&attemptRow{}).Error; err != nil {
				return err
			}
		}
		return tx.Create(&row).Error
	})
	if err != nil {
		return fmt.Errorf("store the attempt to sign in: %w", err)
	}
	return nil
}

// ErrNoAttempt is a state that nobody began, that was used, or that is too old.
var ErrNoAttempt = errors.New("no such attempt to sign in")

// Take gives the attempt of a state and forgets it: there is no second time, on any node.
func (a *Attempts) Take(ctx context.Context, state string) (Attempt, error) {
	var rows []attemptRow
	err := a.writer.WithContext(ctx).Clauses(clause.Returning{}).Where("state_hash = ?", state).Delete(&rows).Error
	if err != nil {
		return Attempt{}, fmt.Errorf("read the attempt to sign in: %w", err)
	}
	if len(rows) == 0 || rows[0].ExpiresAt <= a.now().UnixMicro() {
		return Attempt{}, ErrNoAttempt
	}
	r := rows[0]
	return Attempt{r.StateHash, r.NonceHash, r.BrowserHash, r.Provider, r.Back, r.Purpose, r.LoginID,
		time.UnixMicro(r.CreatedAt)}, nil
}

// usedMost bounds the ids that are kept.
const usedMost = 100_000

type usedRow struct {
	IDHash    string `gorm:"primaryKey"`
	ExpiresAt int64  `gorm:"not null;index:idx_used_ids_expires_at"`
}

func (usedRow) TableName() string { return "used_ids" }

// Errors of Use.
var (
	ErrUsed    = errors.New("it was used before")
	ErrTooMany = errors.New("too many at once")
)

// Use notes the digest of an id that may be used once, until it means nothing any more.
func (a *Attempts) Use(ctx context.Context, id string, until time.Time) error {
	row := usedRow{id, until.UnixMicro()}
	err := a.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Where("expires_at <= ?", a.now().UnixMicro()).Delete(&usedRow{}).Error; err != nil {
			return err
		}
		var count int64
		if err := tx.Model(&usedRow{}).Count(&count).Error; err != nil {
			return err
		}
		if count >= usedMost {
			return ErrTooMany
		}
		made := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
		if made.Error == nil && made.RowsAffected == 0 {
			return ErrUsed
		}
		return made.Error
	})
	if err != nil && !errors.Is(err, ErrUsed) && !errors.Is(err, ErrTooMany) {
		return fmt.Errorf("note an id as used: %w", err)
	}
	return err
}
