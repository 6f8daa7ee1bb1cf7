package prefs

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/rulespec"
)

// LinkLife is how long a signed link works: mail is read late.
const LinkLife = 180 * 24 * time.Hour

// UndoLife is how long the page of a stop can take it back.
const UndoLife = time.Hour

// Links makes and checks links that act without signing in. A link names one filter and one destination, or one
// destination, and can do nothing but stop what comes from there. GET must only show a page; POST acts (RFC 8058). A stop
// is taken back by a token of its own, which the answer to the stop bears, and which gives back no more than that stop took.
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
	return l.base + "/stop/" + l.seal(stopToken, uint64(a.Filter), uint64(a.Destination), uint64(l.now().Add(LinkLife).Unix()/3600))
}

// Undo gives the token that takes a stop back, for UndoLife; "" when the stop has changed nothing.
func (l *Links) Undo(did Stopped) string {
	if !did.Any() {
		return ""
	}
	return l.seal(undoToken, uint64(did.Filter), uint64(did.Destination), uint64(l.now().Add(UndoLife).Unix()), bit(did.Detached)|bit(did.Off)<<1)
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// A purpose keeps tokens of one kind from passing for another: its text is part of what is signed.
type purpose struct {
	text   string
	fields int
}

// The form of a token: version and fields as varints, and 128 bits of HMAC-SHA-256 over the purpose and them (RFC 2104,
// section 5, on cutting it). A stop has filter, destination and the hour it expires; an undo has filter, destination, the
// second it expires and what the stop changed.
var (
	stopToken = purpose{"notifyd stop link\x00", 3}
	undoToken = purpose{"notifyd undo\x00", 4}
)

const (
	linkVersion = 1
	macSize     = 16
	maxToken    = 100 // letters
)

func (l *Links) seal(p purpose, fields ...uint64) string {
	text := []byte{linkVersion}
	for _, f := range fields {
		text = binary.AppendUvarint(text, f)
	}
	return base64.RawURLEncoding.EncodeToString(append(text, l.mac(p, text)...))
}

func (l *Links) mac(p purpose, text []byte) []byte {
	h := hmac.New(sha256.New, l.key)
	h.Write([]byte(p.text))
	h.Write(text)
	return h.Sum(nil)[:macSize]
}

// open gives the fields of a token; ErrCode when it is not ours or was made for another purpose.
func (l *Links) open(p purpose, token string) ([]uint64, error) {
	if len(token) > maxToken {
		return nil, ErrCode
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) <= macSize {
		return nil, ErrCode
	}
	text, mac := raw[:len(raw)-macSize], raw[len(raw)-macSize:]
	if !hmac.Equal(mac, l.mac(p, text)) || text[0] != linkVersion {
		return nil, ErrCode
	}
	fields := make([]uint64, p.fields)
	text = text[1:]
	for i := range fields {
		value, n := binary.Uvarint(text)
		if n <= 0 {
			return nil, ErrCode
		}
		fields[i], text = value, text[n:]
	}
	if len(text) != 0 {
		return nil, ErrCode
	}
	return fields, nil
}

// Verify gives what the token of a link (its last part) may do. ErrCode when it is not ours or has expired.
func (l *Links) Verify(token string) (Action, error) {
	fields, err := l.open(stopToken, token)
	if err != nil || l.now().Unix()/3600 >= int64(fields[2]) {
		return Action{}, ErrCode
	}
	return Action{Filter: rulespec.FilterID(fields[0]), Destination: uint(fields[1])}, nil
}

// VerifyUndo gives what the token of an Undo may take back. ErrCode when it is not ours or has expired.
func (l *Links) VerifyUndo(token string) (Stopped, error) {
	fields, err := l.open(undoToken, token)
	if err != nil || l.now().Unix() >= int64(fields[2]) {
		return Stopped{}, ErrCode
	}
	a := Action{Filter: rulespec.FilterID(fields[0]), Destination: uint(fields[1])}
	return Stopped{Action: a, Detached: fields[3]&1 != 0, Off: fields[3]&2 != 0}, nil
}
