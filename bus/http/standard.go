package http

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/webhook"
)

// The form of signatures of Standard Webhooks (package webhook), of which a request has a list with blanks between. Any
// one may be right, so that keys can be replaced; versions that are not known are skipped.
const (
	standardID        = webhook.ID
	standardTime      = webhook.Time
	standardSignature = webhook.Signature
	// maxSignatures bounds a list: each key is tried on each.
	maxSignatures = 16
	// clockSkew is how old or young a signature may be.
	clockSkew = 5 * time.Minute
)

// standardSignatures reads a list of signatures.
func standardSignatures(list string) (all [][]byte) {
	for entry := range strings.FieldsSeq(list) {
		text, ok := strings.CutPrefix(entry, webhook.Version)
		if !ok {
			continue
		}
		sum, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(sum) != sha256.Size {
			continue
		}
		if all = append(all, sum); len(all) == maxSignatures {
			break
		}
	}
	return all
}

// standardKeys gives the keys that a secret may stand for. The libraries of Standard Webhooks take the base64 without
// whsec_ too, and a text may look like it, so then there are two.
func standardKeys(secret string) (keys [][]byte) {
	if key := webhook.Key(secret); len(key) > 0 { // whsec_ alone would be the key that everybody knows
		keys = append(keys, key)
	}
	if key, err := base64.StdEncoding.DecodeString(secret); err == nil && len(key) >= leastSecret {
		keys = append(keys, key)
	}
	return keys
}

// signedStandard reports whether a list of signatures has one of body by one of the keys, at about now.
func signedStandard(keys [][]byte, id, at, list string, body []byte, now time.Time) bool {
	if id == "" || !recent(at, now) {
		return false
	}
	signatures, times := standardSignatures(list), []string{at}
	if whole, _, fraction := strings.Cut(at, "."); fraction {
		times = append(times, whole) // Weblate sends a fraction, and signs the whole second
	}
	right := false
	for _, key := range keys {
		for _, t := range times {
			sum := webhook.Sum(key, id, t, body)
			for _, s := range signatures {
				right = hmac.Equal(sum, s) || right
			}
		}
	}
	return right
}

// recent reports whether a time in seconds since 1970 is about now.
func recent(at string, now time.Time) bool {
	if len(at) > 20 {
		return false
	}
	seconds, err := strconv.ParseFloat(at, 64)
	if err != nil {
		return false
	}
	d := float64(now.UnixMilli())/1000 - seconds
	return d <= clockSkew.Seconds() && d >= -clockSkew.Seconds() // neither holds of NaN
}

// mac is the HMAC-SHA256 of some bytes.
func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p) // never fails
	}
	return h.Sum(nil)
}
