package accounts

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// holds.go keeps the names that somebody holds or has held. Its functions are parts of a transaction of package prefs,
// in which one change of accounts follows the other.

// A HeldError says that a name is somebody else's.
type HeldError struct {
	Name   string
	Proved bool // the other's name is proved, or was
	Gone   bool // the other is no longer here, or has another name by now
}

// Error returns what is the case. It does not say whose the name is.
func (e *HeldError) Error() string {
	if e.Gone {
		return "the name " + e.Name + " was another person's"
	}
	return "the name " + e.Name + " is taken"
}

// HolderOfMail and HolderOfIdentity return what tells that it is the same person, when an account of before is gone:
// the digest of a mailbox, or of an issuer and a subject.
func HolderOfMail(address string) string             { return holder("mail", FoldAddress(address)) }
func HolderOfIdentity(issuer, subject string) string { return holder("identity", issuer, subject) }

func holder(parts ...string) string {
	sum := sha256.New()
	for _, part := range parts {
		sum.Write([]byte(part))
		sum.Write([]byte{0}) // no address, issuer or subject has one
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// A Hold is a name that an account is to hold, and why.
type Hold struct {
	Name   string // clean, not folded
	User   uint
	Holder string
	Proof  Proof
}

// Take notes that an account holds a name. loser is the account that has claimed the name so far and has to give it up,
// since it is proved now whose the name is; 0: none. The error is a *HeldError where the name is another person's.
func Take(tx *gorm.DB, now int64, h Hold) (loser uint, err error) {
	tx = clean(tx)
	next := nameRow{Name: Fold(h.Name), Skeleton: Skeleton(h.Name), UserID: h.User, Holder: h.Holder, Since: now,
		Proof: string(h.Proof)}
	var rows []nameRow
	if err := tx.Where("name IN ?", []string{next.Name, hidden(next.Name)}).Limit(1).Find(&rows).Error; err != nil {
		return 0, err
	}
	if len(rows) > 0 {
		if loser, err = next.follows(rows[0], h); err != nil {
			return 0, err
		}
		if was := Proof(rows[0].Proof); rows[0].UserID == h.User && h.Proof.Weaker(was) {
			next.Proof = string(was)
		}
	}
	if err := tx.Where("name = ?", hidden(next.Name)).Delete(&nameRow{}).Error; err != nil {
		return 0, err
	}
	return loser, tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&next).Error
}

// follows reports whether a name may go on from how it was held to a new hold, and who loses it then.
func (r nameRow) follows(was nameRow, h Hold) (loser uint, err error) {
	samePerson := was.UserID != 0 && was.UserID == h.User || was.Holder != "" && was.Holder == h.Holder && was.UserID == 0
	wasProved := Proof(was.Proof).Proves(false)
	switch {
	case samePerson:
		return 0, nil
	case wasProved || !h.Proof.Proves(false):
		return 0, &HeldError{Name: h.Name, Proved: wasProved, Gone: was.Until != 0}
	case was.Until == 0:
		return was.UserID, nil
	}
	return 0, nil
}

// Leave notes that an account holds none of its names any more but one, or none at all (""). They stay its own.
func Leave(tx *gorm.DB, now int64, user uint, but string) error {
	return clean(tx).Model(&nameRow{}).Where("user_id = ? AND until = 0 AND name <> ?", user, Fold(but)).
		Update("until", now).Error
}

// Forgo notes that an account is gone. Only the same person gets its names again. What is kept of them are digests, so
// that nothing says any more who was here.
func Forgo(tx *gorm.DB, now int64, user uint) error {
	if err := Leave(tx, now, user, ""); err != nil {
		return err
	}
	var rows []nameRow
	if err := clean(tx).Where("user_id = ?", user).Find(&rows).Error; err != nil {
		return err
	}
	for _, r := range rows {
		gone := map[string]any{"name": hidden(r.Name), "skeleton": "", "user_id": 0}
		if err := clean(tx).Model(&nameRow{}).Where("name = ?", r.Name).Updates(gone).Error; err != nil {
			return err
		}
	}
	return nil
}

// hidden is what is kept of the folded name of an account that is gone. No name begins so.
func hidden(folded string) string { return "#" + holder("name", folded) }

// Free lets anybody have a name again that nobody holds. It reports false where somebody holds it, or nobody ever did.
func Free(tx *gorm.DB, name string) (bool, error) {
	done := clean(tx).Where("name IN ? AND until <> 0", []string{Fold(name), hidden(Fold(name))}).Delete(&nameRow{})
	return done.RowsAffected > 0, done.Error
}

// LookAlikes returns the names of other people that look like a name, folded.
func LookAlikes(tx *gorm.DB, name string, user uint) (names []string, err error) {
	err = clean(tx).Model(&nameRow{}).
		Where("skeleton = ? AND name <> ? AND user_id <> ?", Skeleton(name), Fold(name), user).Limit(100).
		Pluck("name", &names).Error
	return names, err
}

// HolderOf returns what tells that the person of an account is the same: what it was when the account got a name, or
// else by the first identity or address that leads to it.
func HolderOf(tx *gorm.DB, user uint) (string, error) {
	tx = clean(tx)
	var holders []string
	err := tx.Model(&nameRow{}).Where("user_id = ? AND holder <> ''", user).Order("until, since DESC").Limit(1).
		Pluck("holder", &holders).Error
	if err != nil || len(holders) > 0 {
		return first(holders), err
	}
	var known []identityRow
	if err := tx.Where("user_id = ?", user).Order("id").Limit(1).Find(&known).Error; err != nil {
		return "", err
	}
	if len(known) > 0 {
		return HolderOfIdentity(known[0].Issuer, known[0].Subject), nil
	}
	var addresses []string
	err = tx.Raw("SELECT address FROM destinations WHERE user_id = ? AND "+MaySignIn+" ORDER BY id LIMIT 1", user).
		Scan(&addresses).Error
	if err != nil || len(addresses) == 0 {
		return "", err
	}
	return HolderOfMail(addresses[0]), nil
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// IsHeld reports whether err says that a name is somebody else's.
func IsHeld(err error) bool {
	var held *HeldError
	return errors.As(err, &held)
}
