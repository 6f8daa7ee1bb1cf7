package prefs

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/notifyd/notifyd/rulespec"
)

// LinkLife is how long a signed link works: mail is read late.
const LinkLife = 180 * 24 * time.Hour

// Links makes and checks links that act without signing in. A link names one filter and one destination, or one
// destination, and can do nothing but stop what comes from there. GET must only show a page; POST acts (RFC 8058).
type Links struct {
	key  []byte
	base string
	now  func() time.Time
}

// An Action is what a signed link may do: stop a filter for a destination, or, with Filter 0, all that goes to the
// destination.
type Action struct {
	Filter      rulespec.FilterID
	Destination uint
}

// NewLinks makes Links under a base URL ("https://notify.example.org", without a last slash), or "" for none: then all
// links are "". key is at least 16 secret bytes.
func NewLinks(key []byte, base string, now func() time.Time) *Links {
	return &Links{key: key, base: strings.TrimSuffix(base, "/"), now: now}
}

// Links gives Links with the key that the database keeps, which is made when there is none yet: links of all nodes and
// after a restart are the same.
func (s *Store) Links(ctx context.Context, base string) (*Links, error) {
	fresh, err := s.bytes(32)
	if err != nil {
		return nil, err
	}
	row := secretRow{Name: "links", Value: fresh}
	err = s.write(ctx, "read key of links", func(tx *gorm.DB) error {
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
			return err
		}
		row = secretRow{}
		return tx.Where("name = ?", "links").Take(&row).Error
	})
	if err != nil {
		return nil, err
	}
	return NewLinks(row.Value, base, s.now), nil
}

// Filter gives the page of a filter; who opens it signs in first.
func (l *Links) Filter(id rulespec.FilterID) string {
	if l == nil || l.base == "" {
		return ""
	}
	return l.base + "/filters/" + strconv.FormatUint(uint64(id), 10)
}

// Stop gives the link that stops a filter for a destination.
func (l *Links) Stop(id rulespec.FilterID, destination uint) string {
	return l.signed(Action{Filter: id, Destination: destination})
}

// Manage gives the link to the page of a destination that needs no signing in: it shows where to change what is sent,
// and stops all that goes there.
func (l *Links) Manage(destination uint) string {
	return l.signed(Action{Destination: destination})
}

func (l *Links) signed(a Action) string {
	if l == nil || l.base == "" {
		return ""
	}
	expires := l.now().Add(LinkLife).Unix() / 3600
	text := binary.AppendUvarint([]byte{linkVersion}, uint64(a.Filter))
	text = binary.AppendUvarint(text, uint64(a.Destination))
	text = binary.AppendUvarint(text, uint64(expires))
	return l.base + "/stop/" + base64.RawURLEncoding.EncodeToString(append(text, l.mac(text)...))
}

// The form of a token: version, filter, destination and the hour it expires as varints, and 128 bits of HMAC-SHA-256 over
// them (RFC 2104, section 5, on cutting it).
const (
	linkVersion = 1
	macSize     = 16
	maxToken    = 100 // letters
)

func (l *Links) mac(text []byte) []byte {
	h := hmac.New(sha256.New, l.key)
	h.Write([]byte("notifyd stop link\x00"))
	h.Write(text)
	return h.Sum(nil)[:macSize]
}

// Verify gives what the token of a link (its last part) may do. ErrCode when it is not ours or has expired.
func (l *Links) Verify(token string) (Action, error) {
	if len(token) > maxToken {
		return Action{}, ErrCode
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) <= macSize {
		return Action{}, ErrCode
	}
	text, mac := raw[:len(raw)-macSize], raw[len(raw)-macSize:]
	if !hmac.Equal(mac, l.mac(text)) || text[0] != linkVersion {
		return Action{}, ErrCode
	}
	var fields [3]uint64
	text = text[1:]
	for i := range fields {
		value, n := binary.Uvarint(text)
		if n <= 0 {
			return Action{}, ErrCode
		}
		fields[i], text = value, text[n:]
	}
	if len(text) != 0 || l.now().Unix()/3600 >= int64(fields[2]) {
		return Action{}, ErrCode
	}
	return Action{Filter: rulespec.FilterID(fields[0]), Destination: uint(fields[1])}, nil
}
