// Package passkeys keeps the passkeys of people: key pairs in their devices (W3C, "Web Authentication", level 3), of
// which only the public part is here. Whoever has one is asked for it after a mailed link, as a second factor. So who
// reads the mail alone does not get in.
//
// What somebody does with a passkey is a ceremony: the server makes a challenge, the device signs it, and the server
// checks the signature. A Party makes and checks challenges, a Store keeps what stays.
//
//	asked, err := party.AskUse(user, list)               // asked.Options goes to the browser, asked.Kept to the session
//	err = store.Prove(ctx, party, user, asked, response) // nil: it was there
//
// What always holds:
//
//   - A ceremony counts once, for five minutes, and for the account that began it.
//   - A passkey lets in nobody but its owner, and is asked for only where it can be shown: see NewParty.
//   - A passkey that looks copied is taken no more (WebAuthn, section 6.1.1, signature counter).
package passkeys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/notifyd/notifyd/prefs/accounts"
)

// The bounds on what one person has.
const (
	Most    = 10 // passkeys
	MaxName = 60 // characters of a name
)

// These are the errors that a caller acts on.
var (
	// ErrWrong: the answer of the browser does not show a passkey of this account, or comes too late or twice.
	ErrWrong = errors.New("no passkey of this account was shown")
	// ErrCopied: the signature is right, and the passkey has signed with an older counter before.
	ErrCopied = errors.New("the passkey may have been copied")
	// ErrNone: there is no such passkey.
	ErrNone = errors.New("there is no such passkey")
	// ErrMost: the account has as many as it may.
	ErrMost = errors.New("there are too many passkeys already")
	// ErrKnown: the passkey is here already.
	ErrKnown = errors.New("this passkey is here already")
)

// A Passkey is one of a person's.
type Passkey struct {
	ID     uint
	Name   string
	Made   time.Time
	Used   time.Time // the zero time: never
	Copied bool      // it may have been copied, and is taken no more

	credential webauthn.Credential
}

// A Store keeps passkeys. It may be used by several goroutines and processes.
type Store struct {
	writer, reader *gorm.DB
	now            func() time.Time
	audit          *accounts.Audit
	told           func(tx *gorm.DB, h accounts.Happened) error
}

// NewStore makes a Store on the two pools of a migrations.DB. told tells the owner of a change in its transaction; nil:
// nobody is told.
func NewStore(writer, reader *gorm.DB, now func() time.Time,
	told func(tx *gorm.DB, h accounts.Happened) error) *Store {
	if told == nil {
		told = func(*gorm.DB, accounts.Happened) error { return nil }
	}
	return &Store{writer, reader, now, accounts.NewAudit(writer, reader, now), told}
}

// List returns the passkeys of a user, the oldest first.
func (s *Store) List(ctx context.Context, user uint) ([]Passkey, error) {
	var rows []row
	if err := s.reader.WithContext(ctx).Where("user_id = ?", user).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read passkeys: %w", err)
	}
	return passkeysOf(rows)
}

// Add stores the passkey of a ceremony that Party.AskAdd began.
func (s *Store) Add(ctx context.Context, p *Party, user uint, c Ceremony, response []byte) error {
	made, err := p.added(user, s.now(), c, response)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(made)
	if err != nil {
		return fmt.Errorf("add passkey: %w", err)
	}
	r := row{UserID: user, CredentialID: keyOf(made), Credential: string(raw), Name: c.Name,
		CreatedAt: s.now().UnixMicro()}
	return s.write(ctx, "add passkey", user, func(tx *gorm.DB, have []row) error {
		if len(have) >= Most {
			return ErrMost
		}
		done := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&r)
		if done.Error == nil && done.RowsAffected == 0 {
			return ErrKnown
		}
		if done.Error != nil {
			return done.Error
		}
		if err := s.note(tx, accounts.PasskeyAdd, r, nil, accounts.Fields{"passkey": r.Name}); err != nil {
			return err
		}
		return s.told(tx, accounts.Happened{User: user, Kind: accounts.PasskeyAdded, About: r.Name,
			Undo: accounts.UndoData{Passkey: r.ID}})
	})
}

// Remove deletes a passkey of a user.
func (s *Store) Remove(ctx context.Context, user, id uint) error {
	return s.remove(ctx, user, func(r row) bool { return r.ID == id })
}

// Reset deletes all passkeys of a user, who has lost them. The error is ErrNone where there are none.
func (s *Store) Reset(ctx context.Context, user uint) error {
	return s.remove(ctx, user, func(row) bool { return true })
}

func (s *Store) remove(ctx context.Context, user uint, is func(row) bool) error {
	return s.write(ctx, "remove passkey", user, func(tx *gorm.DB, have []row) error {
		var gone []row
		var names []string
		for _, r := range have {
			if !is(r) {
				continue
			}
			gone, names = append(gone, r), append(names, r.Name)
			if err := tx.Delete(&r).Error; err != nil {
				return err
			}
			if err := s.note(tx, accounts.PasskeyRemove, r, accounts.Fields{"passkey": r.Name}, nil); err != nil {
				return err
			}
		}
		if len(gone) == 0 {
			return ErrNone
		}
		raw, err := json.Marshal(gone)
		if err != nil {
			return err
		}
		return s.told(tx, accounts.Happened{User: user, Kind: accounts.PasskeyRemoved, About: strings.Join(names, ", "),
			Undo: accounts.UndoData{Row: raw}})
	})
}

// Prove checks the answer to a ceremony that Party.AskUse began, and notes the use. A ceremony that began before the
// passkey was used last is over: so the same answer never counts twice, on any node.
func (s *Store) Prove(ctx context.Context, p *Party, user uint, c Ceremony, response []byte) error {
	var verdict error
	err := s.write(ctx, "use passkey", user, func(tx *gorm.DB, have []row) error {
		list, err := passkeysOf(have)
		if err != nil {
			return err
		}
		used, err := p.used(user, s.now(), c, list, response)
		if err != nil {
			return err
		}
		raw, err := json.Marshal(used)
		if err != nil {
			return err
		}
		set := map[string]any{"credential": string(raw)}
		if used.Authenticator.CloneWarning {
			verdict = ErrCopied // the warning stays
		} else {
			set["used_at"] = s.now().UnixMicro()
		}
		done := tx.Model(&row{}).Where("user_id = ? AND credential_id = ? AND used_at < ?", user, keyOf(used),
			c.Began.UnixMicro()).Updates(set)
		if done.Error == nil && done.RowsAffected == 0 {
			return ErrWrong
		}
		return done.Error
	})
	if err != nil {
		return err
	}
	return verdict
}

// Undo undoes that passkeys were added or removed: those that were removed come back. strong says that the link was
// mailed to an address that signs in; no other brings anything back.
func Undo(tx *gorm.DB, u accounts.Undo, strong bool) error {
	if u.Kind == accounts.PasskeyAdded {
		return tx.Where("id = ? AND user_id = ?", u.Data.Passkey, u.User).Delete(&row{}).Error
	}
	var gone []row
	if err := json.Unmarshal(u.Data.Row, &gone); err != nil {
		return fmt.Errorf("read passkeys: %w", err)
	}
	if !strong {
		return nil
	}
	for _, r := range gone {
		r.ID, r.UserID = 0, u.User
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&r).Error; err != nil {
			return err
		}
	}
	return nil
}

// write runs f in a transaction that no other about the same user's passkeys runs beside.
func (s *Store) write(ctx context.Context, verb string, user uint, f func(tx *gorm.DB, have []row) error) error {
	err := s.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		query := "SELECT id FROM users WHERE id = ?"
		if tx.Name() == "postgres" {
			query += " FOR UPDATE"
		}
		var found []uint
		if err := tx.Raw(query, user).Scan(&found).Error; err != nil {
			return err
		}
		if len(found) == 0 {
			return ErrNone
		}
		var have []row
		if err := tx.Where("user_id = ?", user).Order("id").Find(&have).Error; err != nil {
			return err
		}
		return f(tx, have)
	})
	for _, known := range []error{ErrWrong, ErrNone, ErrMost, ErrKnown} {
		if err == nil || errors.Is(err, known) {
			return err
		}
	}
	return fmt.Errorf("%s: %w", verb, err)
}

func (s *Store) note(tx *gorm.DB, what accounts.What, r row, before, after accounts.Fields) error {
	return s.audit.Add(tx, accounts.Entry{User: r.UserID, What: what, Object: fmt.Sprintf("passkey %d", r.ID),
		Before: before, After: after})
}
