package accounts

import "gorm.io/gorm"

// WaysIn counts what lets a user in: addresses that may sign in, where a mailed link does so, and identities.
func WaysIn(tx *gorm.DB, user uint, mailedLinks bool) (n int64, err error) {
	if !mailedLinks {
		err = tx.Raw("SELECT count(*) FROM identities WHERE user_id = ?", user).Scan(&n).Error
		return n, err
	}
	err = tx.Raw("SELECT (SELECT count(*) FROM destinations WHERE user_id = ? AND "+MaySignIn+") + "+
		"(SELECT count(*) FROM identities WHERE user_id = ?)", user, user).Scan(&n).Error
	return n, err
}
