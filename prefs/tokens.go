package prefs

import (
	"context"
	"encoding/base64"
	"time"

	"gorm.io/gorm"
)

// SignInLife is how long a sign-in token can be used.
const SignInLife = 15 * time.Minute

// signInsPerAddress keeps an address from being flooded with sign-in mail.
var signInsPerAddress = limit{count: 5, window: time.Hour}

// The bounds on tokens of the desktop agent.
const (
	maxTokens    = 20          // of one user
	tokenPrefix  = "ntf_"      // lets scanners for leaked secrets know one
	tokenTouched = time.Minute // how exact an APIToken's Used is
)

// An APIToken lets a desktop agent in as a user. The token itself is shown once and not kept.
type APIToken struct {
	ID      uint
	Name    string // what the user calls it, e.g. the machine's name
	Created time.Time
	Used    time.Time // last, to the minute; zero: never
}

// NewSignIn makes a token that proves, within SignInLife and once, that who has it reads mail to the address. The caller
// sends it there. ErrTooOften when the address got too many of late.
func (s *Store) NewSignIn(ctx context.Context, address string) (string, error) {
	if err := checkAddress("email", address); err != nil {
		return "", err
	}
	token, err := s.token()
	if err != nil {
		return "", err
	}
	err = s.write(ctx, "make sign-in token", func(tx *gorm.DB) error {
		if err := s.allow(tx, signInsPerAddress, "sign-in", address); err != nil {
			return err
		}
		return tx.Create(&signInRow{
			TokenHash: digest(token), Address: address, ExpiresAt: s.micro() + SignInLife.Microseconds(),
		}).Error
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// SignIn uses a sign-in token up and gives the address it was sent to. ErrCode when it was used or is too old.
func (s *Store) SignIn(ctx context.Context, token string) (address string, err error) {
	err = s.write(ctx, "use sign-in token", func(tx *gorm.DB) error {
		var used []string
		err := tx.Raw("DELETE FROM sign_ins WHERE token_hash = ? AND expires_at > ? RETURNING address",
			digest(token), s.micro()).Scan(&used).Error
		if err == nil && len(used) != 1 {
			return ErrCode
		}
		if err == nil {
			address = used[0]
		}
		return err
	})
	return address, err
}

// NewAPIToken makes a token for a desktop agent of the user. It is given once: only its digest is kept.
func (s *Store) NewAPIToken(ctx context.Context, userID uint, name string) (string, APIToken, error) {
	if name = clean(name, maxName); name == "" {
		return "", APIToken{}, problem("name", "is missing")
	}
	random, err := s.token()
	if err != nil {
		return "", APIToken{}, err
	}
	token := tokenPrefix + random
	row := apiTokenRow{UserID: userID, Name: name, TokenHash: digest(token), CreatedAt: s.micro()}
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
		return tx.Create(&row).Error
	})
	if err != nil {
		return "", APIToken{}, err
	}
	return token, row.token(), nil
}

// APITokens gives a user's tokens, in the order they were made.
func (s *Store) APITokens(ctx context.Context, userID uint) ([]APIToken, error) {
	var rows []apiTokenRow
	if err := s.read(ctx).Where("user_id = ?", userID).Order("id").Find(&rows).Error; err != nil {
		return nil, named("read tokens", err)
	}
	all := make([]APIToken, len(rows))
	for i, r := range rows {
		all[i] = r.token()
	}
	return all, nil
}

// RevokeAPIToken ends one of a user's tokens: the next request with it is refused.
func (s *Store) RevokeAPIToken(ctx context.Context, userID, id uint) error {
	return s.write(ctx, "revoke token", func(tx *gorm.DB) error {
		return one(tx.Where("id = ? AND user_id = ?", id, userID).Delete(&apiTokenRow{}))
	})
}

// UserByAPIToken gives the user whom a token stands for, and the token's id; ErrNotFound when there is no such token.
func (s *Store) UserByAPIToken(ctx context.Context, token string) (User, uint, error) {
	var row apiTokenRow
	if err := s.read(ctx).Where("token_hash = ?", digest(token)).Take(&row).Error; err != nil {
		return User{}, 0, named("read token", err)
	}
	now := s.micro()
	if now-row.UsedAt >= tokenTouched.Microseconds() {
		err := s.writer.WithContext(ctx).Model(&apiTokenRow{}).Where("id = ?", row.ID).Update("used_at", now).Error
		if err != nil {
			return User{}, 0, named("note use of token", err)
		}
	}
	user, err := s.User(ctx, row.UserID)
	return user, row.ID, err
}

func (r apiTokenRow) token() APIToken {
	t := APIToken{ID: r.ID, Name: r.Name, Created: time.UnixMicro(r.CreatedAt).UTC()}
	if r.UsedAt != 0 {
		t.Used = time.UnixMicro(r.UsedAt).UTC()
	}
	return t
}

// token gives 256 random bits in letters that a URL takes.
func (s *Store) token() (string, error) {
	raw, err := s.bytes(32)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}
