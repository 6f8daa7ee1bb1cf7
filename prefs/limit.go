package prefs

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"gorm.io/gorm"
)

// A limit is the number of codes that may be sent within a window of time.
type limit struct {
	count  int64
	window time.Duration
}

// longestWindow is the longest window of any limit: sent codes are kept for that time.
const longestWindow = 24 * time.Hour

// allow records that a code goes to the subject, or returns ErrTooOften. On PostgreSQL two transactions at once could
// both see the last free place: the advisory lock makes one wait for the other.
func (c *core) allow(tx *gorm.DB, l limit, space, name string) error {
	subject := subjectOf(space, name)
	if tx.Name() == "postgres" {
		if err := tx.Exec("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", subject).Error; err != nil {
			return err
		}
	}
	now := c.micro()
	var count int64
	sent := tx.Model(&sentCodeRow{}).Where("subject = ? AND sent_at > ?", subject, now-l.window.Microseconds())
	err := sent.Count(&count).Error
	if err != nil {
		return err
	}
	if count >= l.count {
		return ErrTooOften
	}
	return tx.Create(&sentCodeRow{Subject: subject, SentAt: now}).Error
}

// subjectOf returns the form in which the subject of a limit is stored.
func subjectOf(space, name string) string { return digest(space + "\x00" + name) }

// digest returns the form in which a secret is stored: SHA-256, in hexadecimal. The secrets are random and long
// enough to need no salt.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
