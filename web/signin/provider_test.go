package signin_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// A misbehaving provider: it does everything right, except where a test sets a field.
type fake struct {
	t      *testing.T
	server *httptest.Server
	now    func() time.Time

	mu        sync.Mutex
	issuer    string
	key       signingKey   // that it signs with
	keys      []signingKey // that it publishes
	codes     map[string]url.Values
	requests  map[string]int // by path
	says      map[string]any // of the discovery document, instead of what is right
	claims    map[string]any // of the ID token, instead of what is right; nil: the claim is missing
	userInfo  map[string]any
	algorithm jose.SignatureAlgorithm
	secret    []byte // signs with it (HS256) instead of the key
	raw       func(claims map[string]any) string
	before    func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
}

type signingKey struct {
	id  string
	key *rsa.PrivateKey
}

var madeKeys = sync.OnceValue(func() []*rsa.PrivateKey {
	var list []*rsa.PrivateKey
	for range 3 {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		list = append(list, key)
	}
	return list
})

func newFake(t *testing.T, now func() time.Time) *fake {
	f := &fake{t: t, now: now, codes: map[string]url.Values{}, requests: map[string]int{}, algorithm: jose.RS256,
		key: signingKey{"one", madeKeys()[0]}, claims: map[string]any{}, says: map[string]any{},
		userInfo: map[string]any{"sub": "1001"}}
	f.keys = []signingKey{f.key}
	f.server = httptest.NewServer(f)
	f.issuer = f.server.URL
	t.Cleanup(f.server.Close)
	return f
}

// set changes the provider under its lock.
func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) asked(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests[path]
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests[r.URL.Path]++
	before := f.before
	f.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		document := map[string]any{"issuer": f.issuer, "authorization_endpoint": f.server.URL + "/auth",
			"token_endpoint": f.server.URL + "/token", "jwks_uri": f.server.URL + "/keys",
			"userinfo_endpoint": f.server.URL + "/userinfo", "end_session_endpoint": f.server.URL + "/logout",
			"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"}}
		maps.Copy(document, f.says)
		f.json(w, document)
	case "/keys":
		var set jose.JSONWebKeySet
		for _, k := range f.keys {
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.key.Public(), KeyID: k.id, Use: "sig"})
		}
		f.json(w, set)
	case "/token":
		f.token(w, r)
	case "/userinfo":
		if r.Header.Get("Authorization") != "Bearer access" {
			http.Error(w, "no token", http.StatusUnauthorized)
			return
		}
		f.json(w, f.userInfo)
	default:
		http.NotFound(w, r)
	}
}

func (f *fake) json(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		f.t.Log(err) // the client has left
	}
}

// authorize is what the browser does at the provider: it signs in, and is sent back with a code and the state.
func (f *fake) authorize(address string) url.Values {
	f.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		f.t.Fatal(err)
	}
	asked := u.Query()
	if asked.Get("code_challenge_method") != "S256" || asked.Get("response_type") != "code" || asked.Get("nonce") == "" {
		f.t.Fatalf("asked for with %v", asked)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	code := "code-" + asked.Get("state")
	f.codes[code] = asked
	return url.Values{"code": {code}, "state": {asked.Get("state")}}
}

func (f *fake) token(w http.ResponseWriter, r *http.Request) {
	asked, ok := f.codes[r.PostFormValue("code")]
	delete(f.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	id, secret, _ := r.BasicAuth()
	if !ok || base64.RawURLEncoding.EncodeToString(sum[:]) != asked.Get("code_challenge") || id != "notifyd" ||
		secret != "client-secret" || r.PostFormValue("redirect_uri") != asked.Get("redirect_uri") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		f.json(w, map[string]string{"error": "invalid_grant"})
		return
	}
	now := f.now()
	claims := map[string]any{"iss": f.issuer, "sub": "1001", "aud": "notifyd", "exp": now.Add(10 * time.Minute).Unix(),
		"iat": now.Unix(), "auth_time": now.Unix(), "nonce": asked.Get("nonce"), "preferred_username": "alice",
		"email": "alice@example.org", "email_verified": true, "groups": []string{"packager", "qa"}, "sid": "session-1"}
	for name, value := range f.claims {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	token := f.sign(claims, "JWT")
	if f.raw != nil {
		token = f.raw(claims)
	}
	f.json(w, map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 3600, "id_token": token})
}

// sign makes a token; the caller holds the lock.
func (f *fake) sign(claims map[string]any, kind string) string {
	key := jose.SigningKey{Algorithm: f.algorithm, Key: jose.JSONWebKey{Key: f.key.key, KeyID: f.key.id}}
	if f.secret != nil {
		key = jose.SigningKey{Algorithm: jose.HS256, Key: f.secret}
	}
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType(jose.ContentType(kind)))
	if err != nil {
		f.t.Fatal(err)
	}
	content, err := json.Marshal(claims)
	if err != nil {
		f.t.Fatal(err)
	}
	signed, err := signer.Sign(content)
	if err != nil {
		f.t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		f.t.Fatal(err)
	}
	return token
}

// unsigned is a token with the algorithm "none".
func unsigned(claims map[string]any) string {
	content, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	return strings.Join([]string{base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)),
		base64.RawURLEncoding.EncodeToString(content), ""}, ".")
}
