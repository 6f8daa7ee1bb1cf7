package links

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// A purpose is the kind of a token. Its text is part of what is signed, so a token of one kind is not valid as
// another.
type purpose struct {
	text   string
	fields int
}

// These are the kinds of tokens. The first has filter, destination and the hour it expires; the second destination and
// that hour; the third filter, destination, the second it expires and the change. The texts are part of every link that
// was ever sent: they must not change.
var (
	unsubscribeToken = purpose{"notifyd stop link\x00", 3}
	wideToken        = purpose{"notifyd wide link\x00", 2}
	undoToken        = purpose{"notifyd undo\x00", 4}
)

const (
	version  = 1
	macSize  = 16
	maxToken = 100 // letters
)

// seal makes a token of its fields.
func (s *Signer) seal(p purpose, fields ...uint64) string {
	text := []byte{version}
	for _, f := range fields {
		text = binary.AppendUvarint(text, f)
	}
	return base64.RawURLEncoding.EncodeToString(append(text, s.mac(p, text)...))
}

func (s *Signer) mac(p purpose, text []byte) []byte {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(p.text))
	h.Write(text)
	return h.Sum(nil)[:macSize]
}

// open returns the fields of a token; ErrToken when the token is not ours or was made for another purpose.
func (s *Signer) open(p purpose, token string) ([]uint64, error) {
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") { // the decoder would skip these
		return nil, ErrToken
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) <= macSize {
		return nil, ErrToken
	}
	text, mac := raw[:len(raw)-macSize], raw[len(raw)-macSize:]
	if !hmac.Equal(mac, s.mac(p, text)) || text[0] != version {
		return nil, ErrToken
	}
	fields := make([]uint64, p.fields)
	text = text[1:]
	for i := range fields {
		value, n := binary.Uvarint(text)
		if n <= 0 {
			return nil, ErrToken
		}
		fields[i], text = value, text[n:]
	}
	if len(text) != 0 {
		return nil, ErrToken
	}
	return fields, nil
}
