package prefs

import (
	"context"
	"encoding/base64"
	"time"

	"gorm.io/gorm"
)

// SignInLife is how long a sign-in token can be used.
const SignInLife = 15 * time.Minute

// signInsPerAddress limits the sign-in mail to one address, so that nobody can flood it.
var signInsPerAddress = limit{count: 5, window: time.Hour}

// NewSignIn makes a token for an address, and the caller sends it there. The token proves once, within SignInLife,
// that its holder reads mail to the address. The error is ErrTooOften when the address got too many tokens recently.
func (s *Accounts) NewSignIn(ctx context.Context, address string) (string, error) {
	if err := checkAddress(address); err != nil {
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

// SignIn deletes a sign-in token and returns the address it was sent to. The error is ErrCode when the token was used
// or is too old.
func (s *Accounts) SignIn(ctx context.Context, token string) (address string, err error) {
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

// token returns 256 random bits in letters that are valid in a URL.
func (c *core) token() (string, error) {
	raw, err := c.bytes(32)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}
