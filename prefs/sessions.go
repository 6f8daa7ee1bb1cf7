package prefs

import (
	"context"
	"time"

	"gorm.io/gorm/clause"
)

// Sessions keeps the sessions of the pages. It has the methods of scs.Store and scs.CtxStore, whose contracts say what
// they do. Tokens are kept as digests: who reads the database cannot sign in with it.
type Sessions struct{ s *Store }

// Sessions gives the session store on the same database.
func (s *Store) Sessions() *Sessions { return &Sessions{s} }

// FindCtx implements scs.CtxStore.
func (x *Sessions) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	var rows []sessionRow
	err = x.s.read(ctx).Where("token_hash = ? AND expires_at > ?", digest(token), x.s.micro()).Limit(1).Find(&rows).Error
	if err != nil {
		return nil, false, named("read session", err)
	}
	if len(rows) == 0 {
		return nil, false, nil
	}
	return rows[0].Data, true, nil
}

// CommitCtx implements scs.CtxStore.
func (x *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	if data == nil {
		data = []byte{}
	}
	row := sessionRow{TokenHash: digest(token), Data: data, ExpiresAt: expiry.UnixMicro()}
	err := x.s.writer.WithContext(ctx).Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
	return named("write session", err)
}

// DeleteCtx implements scs.CtxStore.
func (x *Sessions) DeleteCtx(ctx context.Context, token string) error {
	err := x.s.writer.WithContext(ctx).Where("token_hash = ?", digest(token)).Delete(&sessionRow{}).Error
	return named("delete session", err)
}

// Find implements scs.Store; scs calls FindCtx instead.
func (x *Sessions) Find(token string) ([]byte, bool, error) {
	return x.FindCtx(context.Background(), token)
}

// Commit implements scs.Store; scs calls CommitCtx instead.
func (x *Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return x.CommitCtx(context.Background(), token, data, expiry)
}

// Delete implements scs.Store; scs calls DeleteCtx instead.
func (x *Sessions) Delete(token string) error {
	return x.DeleteCtx(context.Background(), token)
}
