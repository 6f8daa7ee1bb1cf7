package links

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// short.go makes the tokens that stand in addresses of mail. A local part has 64 characters, gateways fold its
// capitals, and forwarders put more in front of it (SRS). So such a token is short, of letters and digits alone
// (base32, RFC 4648), and reads the same in any case. Its code has 64 bits: who guesses must ask us each time.

// A Parcel is what a short token names: a parcel, by a tag, and the destination that it went to.
type Parcel struct {
	Destination uint
	Tag         string // of the parcel, see Tag
}

// Tag is what a short token says of a parcel: 32 bits of a digest of its id, in hex.
func Tag(parcel string) string {
	sum := sha256.Sum256([]byte(parcel))
	return hex.EncodeToString(sum[:tagSize])
}

const (
	tagSize      = 4
	shortMAC     = 8
	shortVersion = 2
)

// These are the purposes of short tokens: the sender of the envelope, by which reports come back (VERP), and Reply-To.
var (
	returnToken = purpose{"notifyd returned mail\x00", 1}
	replyToken  = purpose{"notifyd reply\x00", 1}
)

var letters = base32.StdEncoding.WithPadding(base32.NoPadding)

// Return returns the token of a parcel for the sender of its envelope.
func (s *Signer) Return(destination uint, parcel string) string {
	return s.short(returnToken, destination, parcel)
}

// Reply returns the token of a parcel for its Reply-To.
func (s *Signer) Reply(destination uint, parcel string) string {
	return s.short(replyToken, destination, parcel)
}

// VerifyReturn returns what a token of Return names, or ErrToken.
func (s *Signer) VerifyReturn(token string) (Parcel, error) { return s.openShort(returnToken, token) }

// VerifyReply returns what a token of Reply names, or ErrToken.
func (s *Signer) VerifyReply(token string) (Parcel, error) { return s.openShort(replyToken, token) }

func (s *Signer) short(p purpose, destination uint, parcel string) string {
	if s == nil {
		return ""
	}
	sum := sha256.Sum256([]byte(parcel))
	text := append([]byte{shortVersion}, sum[:tagSize]...)
	text = binary.AppendUvarint(text, uint64(destination))
	return strings.ToLower(letters.EncodeToString(append(text, s.mac(p, text)[:shortMAC]...)))
}

func (s *Signer) openShort(p purpose, token string) (Parcel, error) {
	if s == nil || len(token) > maxToken || strings.ContainsAny(token, "\r\n") {
		return Parcel{}, ErrToken
	}
	raw, err := letters.DecodeString(strings.ToUpper(token))
	if err != nil || len(raw) < 1+tagSize+1+shortMAC {
		return Parcel{}, ErrToken
	}
	text, mac := raw[:len(raw)-shortMAC], raw[len(raw)-shortMAC:]
	if !hmac.Equal(mac, s.mac(p, text)[:shortMAC]) || text[0] != shortVersion {
		return Parcel{}, ErrToken
	}
	id, n := binary.Uvarint(text[1+tagSize:])
	if n != len(text)-1-tagSize {
		return Parcel{}, ErrToken
	}
	return Parcel{Destination: uint(id), Tag: hex.EncodeToString(text[1 : 1+tagSize])}, nil
}

// Folded writes the token of a link so that it may stand in the local part of an address; "" where it is none.
func Folded(token string) string {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return ""
	}
	return strings.ToLower(letters.EncodeToString(raw))
}

// Unfolded is the token of a link again.
func Unfolded(token string) string {
	raw, err := letters.DecodeString(strings.ToUpper(token))
	if err != nil || len(token) > 2*maxToken {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}
