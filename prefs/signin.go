package prefs

import (
	"context"
	"encoding/base64"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/notifyd/notifyd/prefs/accounts"
)

// SignInLife is how long a sign-in link can be used after it was mailed.
var SignInLife = accounts.Life(accounts.MailSignIn)

// AskSignIn asks that a link to sign in be mailed to an address; the ticket says what to mail, and to which spelling of
// it. The link proves once, within SignInLife, that its holder reads mail to the address. Neither the error nor the
// ticket may show to whoever asks: they would tell who has an account.
func (s *Accounts) AskSignIn(
	ctx context.Context, backend, address string, from accounts.Asker,
) (ticket accounts.Ticket, err error) {
	if err := checkAddress(address); err != nil {
		return accounts.Ticket{}, err
	}
	err = s.write(ctx, "ask for sign-in link", func(tx *gorm.DB) error {
		stored, known, err := spelling(tx, backend, address)
		if err != nil {
			return err
		}
		r := accounts.MailRequest{Purpose: accounts.MailSignIn, Backend: backend, Address: stored}
		ticket, err = s.mailed.Ask(tx, r, s.mailed.SignInLimits(backend, stored, known, from)...)
		return err
	})
	return ticket, err
}

// spelling returns an address as its owner has confirmed it, where somebody has in whatever case, or else as it is.
func spelling(tx *gorm.DB, backend, address string) (stored string, known bool, err error) {
	var found []string
	err = tx.Model(&destinationRow{}).Where("backend = ? AND lower(address) = lower(?) AND confirmed", backend, address).
		Order("id").Limit(100).Pluck("address", &found).Error
	if err != nil || len(found) == 0 {
		return address, false, err
	}
	for _, spelled := range found {
		if spelled == address {
			return address, true, nil
		}
	}
	return found[0], true, nil
}

// NewSignIn makes the token of a link to sign in, for a caller who hands it over without a mail.
func (s *Accounts) NewSignIn(ctx context.Context, address string) (token string, err error) {
	if err := checkAddress(address); err != nil {
		return "", err
	}
	err = s.write(ctx, "make sign-in token", func(tx *gorm.DB) error {
		token, err = s.mailed.Issue(tx, accounts.MailRequest{Purpose: accounts.MailSignIn, Address: address})
		return err
	})
	return token, err
}

// SignInAddress returns the address that a link was mailed to, and changes nothing. The error is ErrCode when the link
// was used or is too old.
func (s *Accounts) SignInAddress(ctx context.Context, token string) (address string, err error) {
	r, err := s.mailed.Find(ctx, accounts.MailSignIn, token)
	return r.Address, explain("find sign-in link", err)
}

// SignIn uses a sign-in token up and returns the address it was mailed to. The error is ErrCode when the token was used
// or is too old.
func (s *Accounts) SignIn(ctx context.Context, token string) (address string, err error) {
	err = s.write(ctx, "use sign-in token", func(tx *gorm.DB) error {
		r, err := s.mailed.Use(tx, accounts.MailSignIn, token)
		address = r.Address
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

// Sessions stores the sessions of the pages. It implements scs.Store and scs.CtxStore. Tokens are stored as digests,
// so that a person who reads the database cannot sign in with them.
type Sessions struct{ *core }

// FindCtx implements scs.CtxStore.
func (s *Sessions) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	var rows []sessionRow
	live := s.read(ctx).Where("token_hash = ? AND expires_at > ?", accounts.Digest(token), s.micro())
	err = live.Limit(1).Find(&rows).Error
	if err != nil {
		return nil, false, explain("read session", err)
	}
	if len(rows) == 0 {
		return nil, false, nil
	}
	return rows[0].Data, true, nil
}

// CommitCtx implements scs.CtxStore.
func (s *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	if data == nil {
		data = []byte{}
	}
	row := sessionRow{TokenHash: accounts.Digest(token), Data: data, ExpiresAt: expiry.UnixMicro()}
	err := s.writer.WithContext(ctx).Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
	return explain("write session", err)
}

// DeleteCtx implements scs.CtxStore.
func (s *Sessions) DeleteCtx(ctx context.Context, token string) error {
	err := s.writer.WithContext(ctx).Where("token_hash = ?", accounts.Digest(token)).Delete(&sessionRow{}).Error
	return explain("delete session", err)
}

// Find implements scs.Store; scs calls FindCtx instead.
func (s *Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit implements scs.Store; scs calls CommitCtx instead.
func (s *Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete implements scs.Store; scs calls DeleteCtx instead.
func (s *Sessions) Delete(token string) error {
	return s.DeleteCtx(context.Background(), token)
}
