// Package webhook makes the signatures of Standard Webhooks (https://www.standardwebhooks.com), by which whoever sends
// a request proves who it is, and says when, while the secret never travels.
//
// What is signed is an id, the time in seconds since 1970 and the body, with points between, by HMAC-SHA256 (RFC 2104).
// The id stays the same when a request is sent again, the time does not.
//
//	webhook.Sign(request.Header, webhook.Key(secret), id, time.Now(), body)
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers, and what begins each entry of the list of signatures.
const (
	ID        = "Webhook-Id"
	Time      = "Webhook-Timestamp"
	Signature = "Webhook-Signature"
	Version   = "v1,"
)

// secretPrefix begins a secret that is written in base64.
const secretPrefix = "whsec_"

// Key gives the key of a secret: what the base64 after whsec_ says, or the text itself.
func Key(secret string) []byte {
	if text, ok := strings.CutPrefix(secret, secretPrefix); ok {
		if key, err := base64.StdEncoding.DecodeString(text); err == nil {
			return key
		}
	}
	return []byte(secret)
}

// Sum gives the signature of a body under an id, at a time as it stands in the header.
func Sum(key []byte, id, at string, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range [][]byte{[]byte(id), []byte("."), []byte(at), []byte("."), body} {
		h.Write(part) // never fails
	}
	return h.Sum(nil)
}

// Sign sets the three headers of a request with that body.
func Sign(h http.Header, key []byte, id string, now time.Time, body []byte) {
	at := strconv.FormatInt(now.Unix(), 10)
	h.Set(ID, id)
	h.Set(Time, at)
	h.Set(Signature, Version+base64.StdEncoding.EncodeToString(Sum(key, id, at, body)))
}
