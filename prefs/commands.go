package prefs

import (
	"context"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/rulespec"
)

// Owner returns whose a filter is. It is for operators.
func (s *Filters) Owner(ctx context.Context, id rulespec.FilterID) (uint, error) {
	return s.owner(ctx, &filterRow{}, uint(id))
}

// Owner returns whose a destination is. It is for operators.
func (s *Destinations) Owner(ctx context.Context, id uint) (uint, error) {
	return s.owner(ctx, &destinationRow{}, id)
}

func (c *core) owner(ctx context.Context, row any, id uint) (uint, error) {
	var owners []uint
	if err := c.read(ctx).Model(row).Where("id = ?", id).Pluck("user_id", &owners).Error; err != nil {
		return 0, explain("read owner", err)
	}
	if len(owners) == 0 {
		return 0, ErrNotFound
	}
	return owners[0], nil
}

// NoteExport notes that everything that is stored about a user was exported. It is for operators.
func (s *Accounts) NoteExport(ctx context.Context, id uint) error {
	return s.write(ctx, "note export", func(tx *gorm.DB) error {
		return s.note(tx, id, accounts.AccountExport, "", nil, accounts.Fields{"of": "everything"})
	})
}

// ByIdentity returns the user whom a provider knows by a subject, or ErrNotFound.
func (s *Accounts) ByIdentity(ctx context.Context, issuer, subject string) (User, error) {
	owner := s.read(ctx).Table("identities").Select("user_id").Where("issuer = ? AND subject = ?", issuer, subject)
	return s.user(s.read(ctx).Where("id = (?)", owner))
}
