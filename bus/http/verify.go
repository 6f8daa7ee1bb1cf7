package http

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	nethttp "net/http"
	"slices"
	"strings"
	"time"
)

// A delivery is one request of a webhook, as far as its signature is concerned.
type delivery struct {
	header  nethttp.Header
	token   string // in the path; "" for none
	raw     []byte // the body as it came
	payload []byte // the JSON in it
	now     time.Time
}

// The proofs that a message of a webhook can have.
const (
	proofSignature = "signature" // of the body
	proofToken     = "token"     // the sender knew it; nothing says that the body is the sender's
)

// verify gives how a delivery proves that its sender has one of the secrets; "" where it does not. No secret is never
// right, nor is an empty one.
func (a *adapter) verify(secrets []string, d delivery) (proof string) {
	for _, s := range a.Signatures {
		if !s.claimed(d) {
			continue
		}
		if !s.signs() && a.signs(d, s.Header) {
			return "" // a signature that none of the ways can read
		}
		proof = proofToken
		right := 0
		for _, secret := range secrets {
			if secret == "" {
				continue
			}
			switch s.Scheme {
			case schemeHMAC:
				proof = proofSignature
				right |= s.signed([]byte(secret), d)
			case schemeStandard:
				proof = proofSignature
				h := d.header
				if signedStandard(standardKeys(secret), h.Get(standardID), h.Get(standardTime), h.Get(standardSignature),
					s.body(d), d.now) {
					right = 1
				}
			default:
				right |= same(s.sent(d), secret)
			}
		}
		if right == 1 {
			return proof
		}
		return ""
	}
	return ""
}

// claimed reports whether a delivery has what the scheme needs, right or wrong.
func (s Signature) claimed(d delivery) bool {
	switch s.Scheme {
	case schemeStandard:
		return d.header.Get(standardSignature) != ""
	case schemeHMAC:
		for entry := range s.entries(d) {
			if strings.HasPrefix(entry, s.Prefix) {
				return true
			}
		}
		return false
	}
	return s.sent(d) != ""
}

// signs reports whether the scheme is of signatures, not of secrets that are sent.
func (s Signature) signs() bool { return s.Scheme == schemeHMAC || s.Scheme == schemeStandard }

// signs reports whether a delivery has something in the header of a signature, but for one header.
func (a *adapter) signs(d delivery, but string) bool {
	return slices.ContainsFunc(a.Signatures, func(s Signature) bool {
		name := cmp.Or(s.Header, standardSignature)
		return s.signs() && !strings.EqualFold(name, but) && d.header.Get(name) != ""
	})
}

// sent gives the secret that was sent; "" for none.
func (s Signature) sent(d delivery) string {
	switch s.Scheme {
	case schemePath:
		return d.token
	case schemeBasic:
		kind, text, _ := strings.Cut(d.header.Get("Authorization"), " ")
		login, err := base64.StdEncoding.DecodeString(text)
		if !strings.EqualFold(kind, "Basic") || err != nil {
			return ""
		}
		return string(login)
	}
	text := d.header.Get(s.Header)
	n := len(s.Prefix)
	ofScheme := strings.EqualFold(s.Header, "Authorization") && len(text) >= n && strings.EqualFold(text[:n], s.Prefix)
	if !ofScheme && !strings.HasPrefix(text, s.Prefix) {
		return ""
	}
	return text[n:]
}

// same compares two texts of which one is secret.
func same(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

// signatures gives the signatures of a delivery that have the form of this scheme.
func (s Signature) signatures(d delivery) (all [][]byte) {
	if s.Timestamp != "" && s.timestamp(d) == "" {
		return nil
	}
	for entry := range s.entries(d) {
		text, ok := strings.CutPrefix(entry, s.Prefix)
		if !ok {
			continue
		}
		var sum []byte
		var err error
		if s.Encoding == "base64" {
			sum, err = base64.StdEncoding.DecodeString(text)
		} else {
			sum, err = hex.DecodeString(text)
		}
		if err != nil || len(sum) != sha256.Size {
			continue
		}
		if all = append(all, sum); len(all) == maxSignatures {
			return all
		}
	}
	return all
}

// entries gives what stands in the header, which may be there several times, and may be a list.
func (s Signature) entries(d delivery) func(yield func(string) bool) {
	return strings.FieldsFuncSeq(strings.Join(d.header.Values(s.Header), ","), func(r rune) bool {
		return r == ',' || r == ' '
	})
}

func (s Signature) timestamp(d delivery) string {
	if !s.Fields {
		return d.header.Get(s.Timestamp)
	}
	for entry := range s.entries(d) {
		if at, ok := strings.CutPrefix(entry, s.Timestamp+"="); ok {
			return at
		}
	}
	return ""
}

func (s Signature) body(d delivery) []byte {
	if s.Over == "payload" {
		return d.payload
	}
	return d.raw
}

// signed gives 1 where one of the signatures is by the key.
func (s Signature) signed(key []byte, d delivery) (right int) {
	at := ""
	if s.Timestamp != "" {
		if at = s.timestamp(d); !recent(at, d.now) {
			return 0
		}
	}
	before, after := "", ""
	if s.Signed != "" {
		before, after, _ = strings.Cut(s.Signed, "{body}")
	}
	fill := func(text string) []byte { return []byte(strings.ReplaceAll(text, "{timestamp}", at)) }
	sum := mac(key, fill(before), s.body(d), fill(after))
	for _, signature := range s.signatures(d) {
		if hmac.Equal(sum, signature) {
			right = 1
		}
	}
	return right
}
