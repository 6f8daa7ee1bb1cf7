package accounts

import "gorm.io/gorm"

// WaysIn counts what lets a user in: addresses that may sign in, and identities.
func WaysIn(tx *gorm.DB, user uint) (n int64, err error) {
	err = tx.Raw("SELECT (SELECT count(*) FROM destinations WHERE user_id = ? AND "+MaySignIn+") + "+
		"(SELECT count(*) FROM identities WHERE user_id = ?)", user, user).Scan(&n).Error
	return n, err
}
