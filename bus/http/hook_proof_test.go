package http

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/notifyd/notifyd/internal/webhook"
)

// TestNoTokenRescuesASignature: where there is a header of a signature, right or wrong or unreadable, it decides.
func TestNoTokenRescuesASignature(t *testing.T) {
	at, body := fmt.Sprint(testNow.Unix()), `{"a":1}`
	timed := "v0=" + sign("mug-secret", "v0:"+at+":"+body)
	plain := base64.StdEncoding.EncodeToString(mac([]byte("mug-secret"), []byte(body)))
	for _, c := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"a token", nil, 202},
		{"a right signature", []string{"X-Signature-256", "sha256=" + sign("mug-secret", body)}, 202},
		{"a wrong one", []string{"X-Signature-256", "sha256=" + sign("x", body)}, 401},
		{"one that is no hex", []string{"X-Signature-256", "sha256=zz"}, 401},
		{"one that is too short", []string{"X-Signature-256", "sha256=" + sign("mug-secret", body)[:62]}, 401},
		{"one of another algorithm", []string{"X-Signature-256", "md5=" + sign("mug-secret", body)}, 401},
		{"an empty one, which is none", []string{"X-Signature-256", ""}, 202},
		{"one with a time", []string{"X-Signature", timed, "X-Timestamp", at}, 202},
		{"one whose time is taken away", []string{"X-Signature", timed}, 401},
		{"one in base64", []string{"X-Signature", plain}, 202},
		{"one that is no base64", []string{"X-Signature", "?"}, 401},
		{"a list of Standard Webhooks", []string{"Webhook-Signature", "v2,x"}, 401},
	} {
		w, _ := hooked(t, Hook{Adapter: "generic"}, nil).send("/hooks/NAME", body,
			append(c.headers, "Authorization", "Bearer mug-secret")...)
		if w.Code != c.status {
			t.Errorf("%s beside a right token: %d, want %d", c.name, w.Code, c.status)
		}
	}
}

// TestNamesOfSchemes: those of Authorization are in any case (RFC 9110, 11.1).
func TestNamesOfSchemes(t *testing.T) {
	for header, status := range map[string]int{
		"Bearer mug-secret": 202, "bearer mug-secret": 202, "BEARER mug-secret": 202,
		"bearer Mug-secret": 401, "Token mug-secret": 401, "Bearermug-secret": 401, "mug-secret": 401, "Bearer ": 401,
	} {
		w, _ := hooked(t, Hook{Adapter: "generic"}, nil).send("/hooks/NAME", "{}", "Authorization", header)
		if w.Code != status {
			t.Errorf("%q: %d, want %d", header, w.Code, status)
		}
	}
}

// TestSecretsOfStandardWebhooks: its libraries take the base64 with whsec_ and without.
func TestSecretsOfStandardWebhooks(t *testing.T) {
	key, at, body := []byte("0123456789abcdef01234567"), fmt.Sprint(testNow.Unix()), `{"type":"a.b"}`
	text := base64.StdEncoding.EncodeToString(key)
	for _, c := range []struct {
		secret string
		key    []byte
		status int
	}{
		{"whsec_" + text, key, 202},
		{text, key, 202},
		{text, []byte(text), 202}, // a text that only looks like base64
		{"whsec_" + text, []byte("whsec_" + text), 401},
		{"tea for two, no base64", []byte("tea for two, no base64"), 202},
		{"tea", []byte{0xb5, 0xe6}, 401},
		{"whsec_", nil, 401},
		{"whsec_" + text, nil, 401},
	} {
		w, _ := hooked(t, Hook{Adapter: "standard", Secret: c.secret}, nil).send("/hooks/NAME", body,
			"Webhook-Id", "i", "Webhook-Timestamp", at, "Webhook-Signature",
			"v1,"+base64.StdEncoding.EncodeToString(webhook.Sum(c.key, "i", at, []byte(body))))
		if w.Code != c.status {
			t.Errorf("%q signed by %q: %d, want %d", c.secret, c.key, w.Code, c.status)
		}
	}
}
