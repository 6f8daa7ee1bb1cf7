package passkeys

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/notifyd/notifyd/internal/text"
)

// CleanName is the name of a passkey as it is stored.
func CleanName(name string) string {
	name = text.CutRunes(strings.TrimSpace(text.OneLine(name)), MaxName)
	if name == "" {
		return "My passkey"
	}
	return name
}

// keyOf is the id of a credential as it is stored.
func keyOf(c webauthn.Credential) string { return base64.RawURLEncoding.EncodeToString(c.ID) }

// Models returns a value of each gorm model, for the test that models and schema agree.
func Models() []any { return []any{&row{}} }

// A row is one of the table in migrations/*/*_passkeys.sql. Times are Unix microseconds.
type row struct {
	ID           uint   `gorm:"primaryKey"`
	UserID       uint   `gorm:"not null;index:idx_passkeys_user_id"`
	CredentialID string `gorm:"not null;uniqueIndex:idx_passkeys_credential_id"`
	Credential   string `gorm:"not null"`
	Name         string `gorm:"not null"`
	CreatedAt    int64  `gorm:"not null;autoCreateTime:false"`
	UsedAt       int64  `gorm:"not null"` // 0: never
}

// TableName is the name of the table.
func (row) TableName() string { return "passkeys" }

func passkeysOf(rows []row) ([]Passkey, error) {
	all := make([]Passkey, len(rows))
	for i, r := range rows {
		p := Passkey{ID: r.ID, Name: r.Name, Made: time.UnixMicro(r.CreatedAt).UTC()}
		if r.UsedAt > 0 {
			p.Used = time.UnixMicro(r.UsedAt).UTC()
		}
		if err := json.Unmarshal([]byte(r.Credential), &p.credential); err != nil {
			return nil, fmt.Errorf("read passkey %d: %w", r.ID, err)
		}
		p.Copied = p.credential.Authenticator.CloneWarning
		all[i] = p
	}
	return all, nil
}
