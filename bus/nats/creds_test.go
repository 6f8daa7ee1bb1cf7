package nats

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/notifyd/notifyd/bus/bustest"
	"github.com/notifyd/notifyd/bus/nats/natstest"
)

// TestCredentials: a server with an operator, where each user has a JWT that its account has signed.
func TestCredentials(t *testing.T) {
	operator, account, system, user := key(t, nkeys.CreateOperator), key(t, nkeys.CreateAccount),
		key(t, nkeys.CreateAccount), key(t, nkeys.CreateUser)
	limits := map[string]any{"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "conn": -1, "leaf": -1}
	stored := map[string]any{"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
	for name, n := range limits {
		stored[name] = n
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "notifyd.creds")
	text := fmt.Sprintf("-----BEGIN NATS USER JWT-----\n%s\n------END NATS USER JWT------\n\n"+
		"-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n",
		token(t, "user", user, account, map[string]any{"subs": -1, "data": -1, "payload": -1}), seed)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	server := natstest.StartFor(t, natsgo.UserCredentials(file),
		"operator: "+token(t, "operator", operator, operator, map[string]any{}),
		"resolver: MEMORY", "system_account: "+public(t, system),
		fmt.Sprintf("resolver_preload: { %s: %s, %s: %s }",
			public(t, account), token(t, "account", account, operator, map[string]any{"limits": stored}),
			public(t, system), token(t, "account", system, operator, map[string]any{"limits": limits})))
	js := server.JetStream(t)
	natstest.Stream(t, js, 1, "EVENTS", "org.>")
	r := start(t, "urls: [%q], stream: EVENTS, creds_file: %s", server.URL, file)
	r.connected()
	publish(t, js, "", bustest.Sample(1))
	r.next().Done()
	if err := os.Remove(file); err != nil { // it is read at each connection
		t.Fatal(err)
	}
	server.Kill()
	r.says("reason=login")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	server.Restart(t)
	r.connected()
}

func key(t *testing.T, create func() (nkeys.KeyPair, error)) nkeys.KeyPair {
	t.Helper()
	k, err := create()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func public(t *testing.T, k nkeys.KeyPair) string {
	t.Helper()
	text, err := k.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// token makes a JWT of NATS about subject, signed by issuer.
func token(t *testing.T, kind string, subject, issuer nkeys.KeyPair, about map[string]any) string {
	t.Helper()
	about["type"], about["version"] = kind, 2
	claims, err := json.Marshal(map[string]any{
		"jti": kind, "iat": time.Now().Unix(), "iss": public(t, issuer), "sub": public(t, subject), "name": kind,
		"nats": about,
	})
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"typ":"JWT","alg":"ed25519-nkey"}`)) + "." + encode(claims)
	signature, err := issuer.Sign([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + encode(signature)
}
