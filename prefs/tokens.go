package prefs

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// These are the bounds on tokens of the desktop agent.
const (
	maxTokens    = 20          // of one user
	tokenPrefix  = "ntf_"      // helps scanners for leaked secrets to recognise a token
	tokenTouched = time.Minute // the precision of APIToken.Used
)

// Tokens keeps the tokens of desktop agents.
type Tokens struct{ *core }

// An APIToken lets a desktop agent sign in as a user. The token itself is shown once and not kept.
type APIToken struct {
	ID      uint
	Name    string // the user's name for it, e.g. that of the machine
	Created time.Time
	Used    time.Time // the time of the last use, to the minute; zero: never
	Network string    // where it was used last
	Agent   string    // with what
}

// New makes a token for a desktop agent of the user. It is shown once: only its digest is stored.
func (s *Tokens) New(ctx context.Context, userID uint, name string) (string, error) {
	if name = text.CutBytes(text.OneLine(name), maxName); name == "" {
		return "", problem("name", "is missing")
	}
	random, err := s.token()
	if err != nil {
		return "", err
	}
	token := tokenPrefix + random
	row := apiTokenRow{UserID: userID, Name: name, TokenHash: accounts.Digest(token), CreatedAt: s.micro()}
	err = s.write(ctx, "make token", func(tx *gorm.DB) error {
		if _, err := lock(tx, userID); err != nil {
			return err
		}
		var count int64
		if err := tx.Model(&apiTokenRow{}).Where("user_id = ?", userID).Count(&count).Error; err != nil {
			return err
		}
		if count >= maxTokens {
			return ErrTooMany
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		err := s.note(tx, userID, accounts.TokenNew, object("token", row.ID), nil, accounts.Fields{"token": name})
		if err != nil {
			return err
		}
		return s.happened(tx, accounts.Happened{User: userID, Kind: accounts.TokenMade, About: name,
			Undo: accounts.UndoData{Token: row.ID}})
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// List returns a user's tokens, in the order in which they were made.
func (s *Tokens) List(ctx context.Context, userID uint) ([]APIToken, error) {
	var rows []apiTokenRow
	if err := s.read(ctx).Where("user_id = ?", userID).Order("id").Find(&rows).Error; err != nil {
		return nil, explain("read tokens", err)
	}
	all := make([]APIToken, len(rows))
	for i, r := range rows {
		all[i] = r.token()
	}
	return all, nil
}

// Revoke deletes one of a user's tokens. The next request with it is refused.
func (s *Tokens) Revoke(ctx context.Context, userID, id uint) error {
	return s.write(ctx, "revoke token", func(tx *gorm.DB) error {
		var row apiTokenRow
		if err := tx.Where("id = ? AND user_id = ?", id, userID).Take(&row).Error; err != nil {
			return err
		}
		if err := changed(tx.Where("id = ?", row.ID).Delete(&apiTokenRow{})); err != nil {
			return err
		}
		return s.note(tx, userID, accounts.TokenRevoke, object("token", id), accounts.Fields{"token": row.Name}, nil)
	})
}

// User returns the user of a token, and notes that it was used from a network by an agent. The error is ErrNotFound
// when there is no such token, or when its account is disabled.
func (s *Tokens) User(ctx context.Context, token, network, agent string) (User, error) {
	var row apiTokenRow
	if err := s.read(ctx).Where("token_hash = ?", accounts.Digest(token)).Take(&row).Error; err != nil {
		return User{}, explain("read token", err)
	}
	now := s.micro()
	if now-row.UsedAt >= tokenTouched.Microseconds() {
		set := map[string]any{"used_at": now, "network": text.CutBytes(text.OneLine(network), maxName),
			"agent": text.CutBytes(text.OneLine(agent), maxAddress)}
		err := s.writer.WithContext(ctx).Model(&apiTokenRow{}).Where("id = ?", row.ID).Updates(set).Error
		if err != nil {
			return User{}, explain("note use of token", err)
		}
	}
	user, err := s.userByID(ctx, row.UserID)
	if err == nil && user.Disabled != "" {
		return User{}, ErrNotFound
	}
	return user, err
}

func (r apiTokenRow) token() APIToken {
	t := APIToken{ID: r.ID, Name: r.Name, Created: time.UnixMicro(r.CreatedAt).UTC(), Network: r.Network,
		Agent: r.Agent}
	if r.UsedAt != 0 {
		t.Used = time.UnixMicro(r.UsedAt).UTC()
	}
	return t
}
