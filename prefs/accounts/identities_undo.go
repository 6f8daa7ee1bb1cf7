package accounts

import (
	"encoding/json"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// TakeIdentity deletes an identity of a user. row is what undoing that needs.
func TakeIdentity(tx *gorm.DB, user, id uint) (gone Known, row json.RawMessage, err error) {
	var r identityRow
	if err := tx.Where("id = ? AND user_id = ?", id, user).Take(&r).Error; err != nil {
		return Known{}, nil, err
	}
	if row, err = json.Marshal(r); err != nil {
		return Known{}, nil, err
	}
	return r.known(), row, tx.Delete(&r).Error
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
