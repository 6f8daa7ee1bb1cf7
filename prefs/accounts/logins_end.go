package accounts

import (
	"context"
	"strconv"

	"gorm.io/gorm"
)

// Whoever is put out loses the row of the login. Methods with a tx are steps of the transaction that takes the way in
// away; they come after the statement that takes it, so that a login which begins meanwhile is ended too (see Begin).

// End ends one login of a user. The error is ErrNoLogin when there is none.
func (s *Logins) End(ctx context.Context, user, id uint) error {
	err := s.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		done := tx.Where("id = ? AND user_id = ?", id, user).Delete(&loginRow{})
		if done.Error == nil && done.RowsAffected == 0 {
			return ErrNoLogin
		}
		if done.Error != nil {
			return done.Error
		}
		return s.audit.Add(tx, Entry{User: user, What: LoginEnd})
	})
	return explainLogin("end login", err)
}

// EndOthers ends all logins of a user but one, and returns how many those were.
func (s *Logins) EndOthers(ctx context.Context, user, keep uint) (ended int, err error) {
	err = s.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		done := tx.Where("user_id = ? AND id <> ?", user, keep).Delete(&loginRow{})
		ended = int(done.RowsAffected)
		return s.noteEnded(tx, user, done)
	})
	return ended, explainLogin("end other logins", err)
}

// EndAll ends all logins of a user.
func (s *Logins) EndAll(tx *gorm.DB, user uint) error {
	return s.noteEnded(tx, user, tx.Where("user_id = ?", user).Delete(&loginRow{}))
}

// noteEnded makes the entry of the audit about several logins that were ended, where it was any.
func (s *Logins) noteEnded(tx *gorm.DB, user uint, done *gorm.DB) error {
	if done.Error != nil || done.RowsAffected == 0 {
		return done.Error
	}
	return s.audit.Add(tx, Entry{User: user, What: LoginEndAll,
		Before: Fields{"sessions": strconv.FormatInt(done.RowsAffected, 10)}})
}

// EndByDestination ends the logins that an address began.
func (s *Logins) EndByDestination(tx *gorm.DB, destination uint) error {
	if destination == 0 {
		return nil
	}
	return tx.Where("destination_id = ?", destination).Delete(&loginRow{}).Error
}

// EndByIdentity ends the logins that an identity began.
func (s *Logins) EndByIdentity(tx *gorm.DB, identity uint) error {
	if identity == 0 {
		return nil
	}
	return tx.Where("identity_id = ?", identity).Delete(&loginRow{}).Error
}

// EndBySID ends the logins of one session at a provider, and returns how many those were.
func (s *Logins) EndBySID(ctx context.Context, issuer, sid string) (int, error) {
	if sid == "" {
		return 0, nil
	}
	return s.endUpstream(ctx, "end logins of a session at a provider",
		"sid = ? AND identity_id IN (SELECT id FROM identities WHERE issuer = ?)", sid, issuer)
}

// EndBySubject ends the logins that a provider's account began, and returns how many those were.
func (s *Logins) EndBySubject(ctx context.Context, issuer, subject string) (int, error) {
	return s.endUpstream(ctx, "end logins of a provider's account",
		"identity_id IN (SELECT id FROM identities WHERE issuer = ? AND subject = ?)", issuer, subject)
}

// endUpstream ends the logins that a provider says have ended, and notes it in the audit.
func (s *Logins) endUpstream(ctx context.Context, verb, where string, args ...any) (int, error) {
	var of []uint
	err := s.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Raw("DELETE FROM logins WHERE "+where+" RETURNING user_id", args...).Scan(&of).Error; err != nil {
			return err
		}
		for _, user := range of {
			if err := s.audit.Add(tx, Entry{User: user, By: Actor{Kind: Upstream}, What: LoginEnd}); err != nil {
				return err
			}
		}
		return nil
	})
	return len(of), explainLogin(verb, err)
}

// Prune deletes what has expired, in a transaction of the caller.
func (s *Logins) Prune(tx *gorm.DB) error {
	now := s.now()
	err := tx.Where("expires_at <= ? OR used_at <= ?", now.UnixMicro(), now.Add(-s.bounds.Idle).UnixMicro()).
		Delete(&loginRow{}).Error
	if err != nil {
		return err
	}
	if err := prunePlaces(tx, now); err != nil {
		return err
	}
	return pruneUndos(tx, now)
}
