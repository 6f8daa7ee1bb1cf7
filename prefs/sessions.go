package prefs

import (
	"context"
	"time"

	"gorm.io/gorm/clause"

	"github.com/notifyd/notifyd/prefs/accounts"
)

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
