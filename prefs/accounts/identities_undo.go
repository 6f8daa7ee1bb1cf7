package accounts

import (
	"encoding/json"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// A Linked is an identity that lets its owner in.
type Linked struct {
	ID           uint
	Issuer, Name string
	Used         time.Time
	Row          json.RawMessage // what undoing that it is taken needs
}

// LinkedTo returns the identities of a user.
func LinkedTo(tx *gorm.DB, user uint) ([]Linked, error) {
	var rows []identityRow
	if err := tx.Where("user_id = ?", user).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	all := make([]Linked, len(rows))
	for i, r := range rows {
		all[i] = Linked{ID: r.ID, Issuer: r.Issuer, Name: r.Name, Used: time.UnixMicro(r.UsedAt).UTC()}
	}
	return all, nil
}

// TakeIdentity deletes an identity of a user, and returns it.
func TakeIdentity(tx *gorm.DB, user, id uint) (Linked, error) {
	var row identityRow
	if err := tx.Where("id = ? AND user_id = ?", id, user).Take(&row).Error; err != nil {
		return Linked{}, err
	}
	raw, err := json.Marshal(row)
	if err != nil {
		return Linked{}, err
	}
	return Linked{ID: row.ID, Issuer: row.Issuer, Name: row.Name, Row: raw}, tx.Delete(&row).Error
}

// UndoIdentity undoes that an identity was linked or unlinked. One that leads to another account by now stays there.
func UndoIdentity(tx *gorm.DB, u Undo) error {
	if u.Kind == IdentityLinked {
		return tx.Where("id = ? AND user_id = ?", u.Data.Identity, u.User).Delete(&identityRow{}).Error
	}
	var row identityRow
	if err := json.Unmarshal(u.Data.Row, &row); err != nil {
		return explain("read the identity", err)
	}
	row.ID, row.UserID = 0, u.User
	return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error
}
