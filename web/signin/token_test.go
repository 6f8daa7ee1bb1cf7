package signin_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/notifyd/notifyd/web/signin"
)

// TestTokens are ID tokens that a provider must not send, and some that are odd and right.
func TestTokens(t *testing.T) {
	at := func(d time.Duration) func(*bench) any {
		return func(b *bench) any { return b.now().Add(d).Unix() }
	}
	value := func(v any) func(*bench) any { return func(*bench) any { return v } }
	for name, c := range map[string]struct {
		claim string
		value func(*bench) any
		why   string // "": it is right
	}{
		"nonce wrong":            {"nonce", value("another"), "nonce"},
		"nonce missing":          {"nonce", value(nil), "nonce"},
		"nonce empty":            {"nonce", value(""), "nonce"},
		"audience wrong":         {"aud", value("another-client"), "expected audience"},
		"audience missing":       {"aud", value(nil), "expected audience"},
		"several, azp missing":   {"aud", value([]string{"notifyd", "other"}), "azp"},
		"one in a list":          {"aud", value([]string{"notifyd"}), ""},
		"azp of another":         {"azp", value("other"), "azp"},
		"azp that is a list":     {"azp", value([]string{"notifyd"}), "azp"},
		"azp ours":               {"azp", value("notifyd"), ""},
		"issuer of another":      {"iss", value("https://evil.example"), "different provider"},
		"expired by 1 s":         {"exp", at(-time.Second), "expired"},
		"good for 1 s more":      {"exp", at(time.Second), ""},
		"expiry missing":         {"exp", value(nil), "expired"},
		"nbf 4 min ahead":        {"nbf", at(4 * time.Minute), ""},
		"nbf 6 min ahead":        {"nbf", at(6 * time.Minute), "nbf"},
		"made in 4 min":          {"iat", at(4 * time.Minute), ""},
		"made in 6 min":          {"iat", at(6 * time.Minute), "future"},
		"subject missing":        {"sub", value(nil), "subject"},
		"subject empty":          {"sub", value(""), "subject"},
		"subject too long":       {"sub", value(strings.Repeat("a", 256)), "subject"},
		"subject a number":       {"sub", value(1001), "unmarshal"},
		"a logout token":         {"events", value(map[string]any{}), "logout token"},
		"at_hash of another":     {"at_hash", value("AAAAAAAAAAAAAAAAAAAAAA"), "access token hash"},
		"at_hash right":          {"at_hash", value("oFYf1knNtrqnhAVfBRuteQ"), ""},
		"amr as a string":        {"amr", value("[]"), ""},
		"acr as a number":        {"acr", value(0), ""},
		"email_verified, a text": {"email_verified", value("true"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.provider.claims[c.claim] = c.value(b)
			id, err := b.signIn()
			if c.why != "" {
				b.refused(err, http.StatusBadGateway, c.why)
				if !strings.Contains(b.logs.String(), "a sign-in has failed") {
					t.Errorf("the log says %s", b.logs)
				}
				return
			}
			if err != nil || id.Mail != "alice@example.org" {
				t.Errorf("%+v, %v", id, err)
			}
		})
	}
}

// TestSignatures are tokens that somebody else has made.
func TestSignatures(t *testing.T) {
	for name, change := range map[string]func(f *fake){
		"algorithm none": func(f *fake) { f.raw = unsigned },
		"none with a different case": func(f *fake) {
			f.raw = func(c map[string]any) string {
				_, rest, _ := strings.Cut(unsigned(c), ".")
				return "eyJhbGciOiJOb05lIn0." + rest
			}
		},
		"HS256 with the client's secret": func(f *fake) { f.secret = []byte(strings.Repeat("client-secret", 4)) },
		"HS256 with the public key":      func(f *fake) { f.secret = f.key.key.PublicKey.N.Bytes() },
		"a key of somebody else":         func(f *fake) { f.key = signingKey{"one", madeKeys()[1]} },
		"no token":                       func(f *fake) { f.raw = func(map[string]any) string { return "" } },
		"no JWT":                         func(f *fake) { f.raw = func(map[string]any) string { return "a.b.c" } },
		"two signatures": func(f *fake) {
			f.raw = func(map[string]any) string {
				return `{"payload":"e30","signatures":[{"protected":"eyJhbGciOiJSUzI1NiJ9","signature":"AA"},` +
					`{"protected":"eyJhbGciOiJSUzI1NiJ9","signature":"AA"}]}`
			}
		},
		"a key for encryption": func(f *fake) {
			f.before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/keys" {
					return false
				}
				f.json(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: f.key.key.Public(), KeyID: "one", Use: "enc"}}})
				return true
			}
		},
		"a symmetric key among them": func(f *fake) {
			secret := []byte(strings.Repeat("published ", 4))
			f.secret = secret
			f.before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/keys" {
					return false
				}
				f.json(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: secret, KeyID: "one"}}})
				return true
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			change(b.provider)
			_, err := b.signIn()
			b.refused(err, http.StatusBadGateway, "")
		})
	}
	for _, algorithm := range []jose.SignatureAlgorithm{jose.RS512, jose.PS256} {
		b := newBench(t)
		if b.provider.algorithm = algorithm; true {
			if _, err := b.signIn(); err != nil {
				t.Errorf("%s: %v", algorithm, err)
			}
		}
	}
}

func TestKeys(t *testing.T) {
	t.Run("rotation mid-flight", func(t *testing.T) {
		b := newBench(t)
		if _, err := b.signIn(); err != nil {
			t.Fatal(err)
		}
		query := b.start(signin.Goal{})
		b.pass(11 * time.Second)
		b.provider.set(func() {
			b.provider.key = signingKey{"two", madeKeys()[1]}
			b.provider.keys = []signingKey{{"two", madeKeys()[1]}}
		})
		if _, _, err := b.ways.Finish(t.Context(), "fedora", query, browser); err != nil {
			t.Error(err)
		}
	})
	t.Run("token without a key id", func(t *testing.T) {
		b := newBench(t)
		b.provider.key.id = ""
		b.provider.keys = []signingKey{{"zero", madeKeys()[2]}, {"one", madeKeys()[0]}}
		if _, err := b.signIn(); err != nil {
			t.Error(err)
		}
	})
	t.Run("flood of unknown keys", func(t *testing.T) {
		b := newBench(t)
		if _, err := b.signIn(); err != nil {
			t.Fatal(err)
		}
		before := b.provider.asked("/keys")
		b.pass(time.Minute)
		for range 20 {
			b.provider.set(func() { b.provider.key.id = "unknown" })
			_, err := b.signIn()
			b.refused(err, http.StatusBadGateway, "no key")
		}
		if n := b.provider.asked("/keys") - before; n != 1 {
			t.Errorf("the keys were fetched %d times", n)
		}
		b.provider.set(func() { b.provider.key.id = "one" })
		if _, err := b.signIn(); err != nil {
			t.Errorf("a key that is known: %v", err)
		}
	})
	t.Run("no keys", func(t *testing.T) {
		b := newBench(t)
		b.provider.keys = nil
		_, err := b.signIn()
		b.refused(err, http.StatusBadGateway, "no key for signatures")
	})
}

func TestUserInfo(t *testing.T) {
	all := map[string]any{"sub": "1001", "preferred_username": "bob", "nickname": "alice", "email": "alice@example.org",
		"email_verified": "true", "groups": []string{"packager"}}
	t.Run("fills in what is missing", func(t *testing.T) { // as Ipsilon, whose ID token has no claims
		b := newBench(t, func(p *signin.Provider) { p.NameClaim = "nickname" })
		for _, name := range []string{"preferred_username", "email", "email_verified", "groups", "sid"} {
			b.provider.claims[name] = nil
		}
		b.provider.userInfo = all
		b.provider.userInfo["sid"] = "not a session"
		id, err := b.signIn()
		if err != nil || id.Name != "alice" || id.Mail != "alice@example.org" || id.Session != "" ||
			!slices.Equal(id.Groups, []string{"packager"}) {
			t.Errorf("%+v, %v", id, err)
		}
	})
	t.Run("does not replace what the ID token says", func(t *testing.T) {
		b := newBench(t)
		b.provider.claims["groups"], b.provider.userInfo = nil, all
		if id, err := b.signIn(); err != nil || id.Name != "alice" || len(id.Groups) != 1 {
			t.Errorf("%+v, %v", id, err)
		}
	})
	for name, sub := range map[string]any{"another subject": "1002", "no subject": nil, "a number": 1001} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.provider.claims["groups"] = nil
			b.provider.userInfo = map[string]any{"sub": sub, "groups": []string{"admins"}}
			_, err := b.signIn()
			b.refused(err, http.StatusBadGateway, "another subject")
		})
	}
	signed := func(b *bench, iss, aud any) {
		b.provider.claims["groups"] = nil
		b.provider.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/userinfo" {
				return false
			}
			w.Header().Set("Content-Type", "application/jwt")
			_, _ = w.Write([]byte(b.provider.sign(map[string]any{"sub": "1001", "iss": iss, "aud": aud,
				"groups": []string{"signed"}}, "JWT")))
			return true
		}
	}
	t.Run("signed", func(t *testing.T) {
		b := newBench(t)
		signed(b, b.provider.issuer, []string{"x", "notifyd"})
		if id, err := b.signIn(); err != nil || !slices.Equal(id.Groups, []string{"signed"}) {
			t.Errorf("%+v, %v", id, err)
		}
	})
	t.Run("signed for another client", func(t *testing.T) {
		b := newBench(t)
		signed(b, b.provider.issuer, "other")
		_, err := b.signIn()
		b.refused(err, http.StatusBadGateway, "signed for somebody else")
	})
	t.Run("signed by another issuer", func(t *testing.T) {
		b := newBench(t)
		signed(b, "https://evil.example", "notifyd")
		_, err := b.signIn()
		b.refused(err, http.StatusBadGateway, "signed for somebody else")
	})
	t.Run("refused", func(t *testing.T) {
		b := newBench(t)
		b.provider.claims["groups"] = nil
		b.provider.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/userinfo" {
				http.Error(w, "no", http.StatusForbidden)
			}
			return r.URL.Path == "/userinfo"
		}
		_, err := b.signIn()
		b.refused(err, http.StatusServiceUnavailable, "UserInfo: 403")
	})
}
