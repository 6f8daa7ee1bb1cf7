package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"gorm.io/gorm"
)

// secrets.go makes, finds and uses the secrets of requests.

// make makes a secret of a request and stores its digest.
func (m *Mailed) make(tx *gorm.DB, row mailedRow) (string, error) {
	t, now := termsOf[MailPurpose(row.Purpose)], m.micro()
	secret, err := m.secret(t.code)
	if err != nil {
		return "", err
	}
	made := mailedSecretRow{Digest: Digest(secret), RequestID: row.ID, MadeAt: now,
		ExpiresAt: now + t.life.Microseconds()}
	if err := tx.Create(&made).Error; err != nil {
		return "", explain("store secret", err)
	}
	// an undo link lives for longer than its request waits to be mailed
	err = tx.Exec("UPDATE mailed SET ends_at = ? WHERE id = ? AND ends_at < ?", made.ExpiresAt, row.ID,
		made.ExpiresAt).Error
	if err != nil {
		return "", explain("keep request", err)
	}
	return secret, explain("delete old secrets", tx.Exec(`DELETE FROM mailed_secrets WHERE request_id = ? AND digest
		NOT IN (SELECT digest FROM mailed_secrets WHERE request_id = ? ORDER BY made_at DESC, digest LIMIT ?)`,
		row.ID, row.ID, mostSecrets).Error)
}

// Find returns the request of a secret, for the page that says what it does and asks for a click. It changes nothing.
func (m *Mailed) Find(ctx context.Context, p MailPurpose, secret string) (MailRequest, error) {
	var rows []mailedRow
	err := m.reader.WithContext(ctx).Where("purpose = ? AND id = (?)", string(p),
		m.reader.Model(&mailedSecretRow{}).Select("request_id").Where("digest = ? AND expires_at > ?", Digest(secret),
			m.micro())).Limit(1).Find(&rows).Error
	if err != nil {
		return MailRequest{}, explain("find secret", err)
	}
	if len(rows) == 0 {
		return MailRequest{}, ErrCode
	}
	return rows[0].request(), nil
}

// Use ends the request of a secret, with all its secrets, and returns it: of several at once one succeeds. What was
// counted against the address is forgiven: who reads its mail is there, and is not to wait for what strangers asked.
func (m *Mailed) Use(tx *gorm.DB, p MailPurpose, secret string) (MailRequest, error) {
	var used []mailedRow
	err := tx.Raw(`DELETE FROM mailed WHERE purpose = ? AND id =
		(SELECT request_id FROM mailed_secrets WHERE digest = ? AND expires_at > ?) RETURNING *`,
		string(p), Digest(secret), m.micro()).Scan(&used).Error
	if err != nil {
		return MailRequest{}, explain("use secret", err)
	}
	if len(used) != 1 {
		return MailRequest{}, ErrCode
	}
	return used[0].request(), m.forgive(tx, used[0])
}

// Try ends a request whose secret is a code, where the code is right. It counts the attempt first, so that simultaneous
// requests get no more attempts; the caller commits in any case.
func (m *Mailed) Try(tx *gorm.DB, r MailRequest, code string) (fits bool, err error) {
	slot := r.slot()
	counted := tx.Exec("UPDATE mailed SET attempts = attempts + 1 WHERE slot = ? AND attempts < ?", slot, codeAttempts)
	if counted.Error != nil || counted.RowsAffected == 0 {
		return false, explain("count attempt", counted.Error)
	}
	var used []mailedRow
	err = tx.Raw(`DELETE FROM mailed WHERE slot = ? AND id =
		(SELECT request_id FROM mailed_secrets WHERE digest = ? AND expires_at > ?) RETURNING *`,
		slot, Digest(normalCode(code)), m.micro()).Scan(&used).Error
	if err != nil || len(used) == 0 {
		return false, explain("try code", err)
	}
	return true, m.forgive(tx, used[0])
}

// Holder returns the account of a network that had the address when a code was sent to it; "" where none is known. Ask
// before Try, which ends the code.
func (m *Mailed) Holder(tx *gorm.DB, code string) (account string, err error) {
	err = tx.Model(&mailedSecretRow{}).Select("account").Where("digest = ?", Digest(normalCode(code))).Scan(&account).Error
	return account, explain("find who had the address", err)
}

// EndCodes ends what was asked for to confirm an address, by anybody, and returns how many requests that were: codes
// that were sent there are worthless.
func (m *Mailed) EndCodes(tx *gorm.DB, backend, address string) (int64, error) {
	ended := tx.Where("purpose = ? AND backend = ? AND address = ?", string(MailConfirm), backend, address).
		Delete(&mailedRow{})
	return ended.RowsAffected, explain("end codes", ended.Error)
}

// End ends all requests of a user: nothing that was mailed for them works any more.
func (m *Mailed) End(tx *gorm.DB, user uint) error {
	return explain("end requests", tx.Where("user_id = ?", user).Delete(&mailedRow{}).Error)
}

// EndDestination ends the requests about a destination.
func (m *Mailed) EndDestination(tx *gorm.DB, id uint) error {
	return explain("end requests", tx.Where("destination_id = ?", id).Delete(&mailedRow{}).Error)
}

// Forget deletes what is stored of an address whose owner has given it up: requests, and what was counted.
func (m *Mailed) Forget(tx *gorm.DB, backend, address string) error {
	// an undo link works for whoever was put out of an account by taking the address from it
	err := tx.Where("backend IN ? AND lower(address) = lower(?) AND purpose <> ?", []string{backend, ""}, address,
		string(MailUndo)).Delete(&mailedRow{}).Error
	if err != nil {
		return explain("forget requests", err)
	}
	box := Mailbox(backend, address)
	subjects := []string{Digest(knownSubject(backend, address)), Digest(mailboxSubject(backend, address)),
		Digest("repeats:" + box), Digest("firsts:" + box)}
	return explain("forget counts", tx.Where("subject IN ?", subjects).Delete(&sentCodeRow{}).Error)
}

// Prune deletes what has ended.
func (m *Mailed) Prune(tx *gorm.DB) error {
	now := m.micro()
	if err := tx.Where("ends_at <= ?", now).Delete(&mailedRow{}).Error; err != nil {
		return explain("delete requests", err)
	}
	return explain("delete counts",
		tx.Where("sent_at <= ?", now-longestWindow.Microseconds()).Delete(&sentCodeRow{}).Error)
}

// secret returns 256 random bits in letters that are valid in a URL, or a code like "3K9FA-QX7TB".
func (m *Mailed) secret(code bool) (string, error) {
	raw := make([]byte, 32)
	if _, err := io.ReadFull(m.random, raw); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	if !code {
		return base64.RawURLEncoding.EncodeToString(raw), nil
	}
	raw = raw[:10]
	for i := range raw {
		raw[i] = letters[raw[i]%32]
	}
	return string(raw[:5]) + "-" + string(raw[5:]), nil
}

// letters are those of Crockford's base 32 (https://www.crockford.com/base32.html): no two look alike.
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// normalCode reverses the changes that people make to a code when they type it.
func normalCode(typed string) string {
	if len(typed) > 100 {
		return ""
	}
	typed = strings.NewReplacer("O", "0", "I", "1", "L", "1", "-", "", " ", "").Replace(strings.ToUpper(typed))
	if len(typed) != 10 {
		return ""
	}
	return typed[:5] + "-" + typed[5:]
}

// Digest returns the form in which a secret is stored: SHA-256, in hexadecimal. The secrets are random and long
// enough to need no salt.
func Digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
