package trust_test

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
)

// at is how OpenPGP is used at a time.
func at(t time.Time) *packet.Config {
	return &packet.Config{
		Time: func() time.Time { return t }, Algorithm: packet.PubKeyAlgoEdDSA, DefaultHash: crypto.SHA256,
	}
}

func newGPGKey(t testing.TB, name string, c *packet.Config) *openpgp.Entity {
	t.Helper()
	k, err := openpgp.NewEntity(name, "", strings.ToLower(name)+"@example.org", c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// public writes public keys as a file.
func public(t testing.TB, keys ...*openpgp.Entity) []byte {
	t.Helper()
	var file bytes.Buffer
	for _, k := range keys {
		if err := k.Serialize(&file); err != nil {
			t.Fatal(err)
		}
	}
	return file.Bytes()
}

func armored(t testing.TB, file []byte) []byte {
	t.Helper()
	var text bytes.Buffer
	w, err := armor.Encode(&text, openpgp.PublicKeyType, nil)
	if err == nil {
		_, err = w.Write(file)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// gpgSign signs the msg of a payload.
func gpgSign(t testing.TB, key *openpgp.Entity, payload string, c *packet.Config) string {
	t.Helper()
	var e map[string]json.RawMessage
	if err := json.Unmarshal([]byte(payload), &e); err != nil {
		t.Fatal(err)
	}
	v, err := bus.ParseExact(e["msg"])
	if err != nil {
		t.Fatal(err)
	}
	text, err := bus.Canonical(v)
	if err != nil {
		t.Fatal(err)
	}
	var signature bytes.Buffer
	if err := openpgp.DetachSign(&signature, key, bytes.NewReader(text), c); err != nil {
		t.Fatal(err)
	}
	return with(t, payload, fields{"crypto": "gpg", "signature": base64.StdEncoding.EncodeToString(signature.Bytes())})
}

func TestSignaturesOfOpenPGP(t *testing.T) {
	key, other := newGPGKey(t, "Bot", at(now.AddDate(-1, 0, 0))), newGPGKey(t, "Other", at(now.AddDate(-1, 0, 0)))
	file := public(t, key, other)
	signed := gpgSign(t, key, plain, at(now.Add(-time.Hour)))
	for _, keys := range [][]byte{file, armored(t, file), append([]byte("\n"), armored(t, file)...)} {
		v := verifier(t, trust.Config{}, trust.Keys{GPG: keys})
		got := expect(t, v, signed, bus.BodyOnly)
		want := fmt.Sprintf("Bot <bot@example.org> %X", key.PrimaryKey.Fingerprint)
		if got.Signer != want || got.Method != bus.GPG || !got.Marked {
			t.Errorf("%+v, want the signer %s", got, want)
		}
		expect(t, v, with(t, signed, fields{"topic": "org.example.other", "i": 9, "seq_id": 1, "crypto": nil}), bus.BodyOnly)
		expect(t, v, with(t, signed, fields{"crypto": nil}), bus.BodyOnly)
		exact := strings.Replace(plain, "1.50", `[1.0,"\ud83d"]`, 1)
		expect(t, v, gpgSign(t, key, exact, at(now)), bus.BodyOnly)
	}
}

func TestSignaturesOfOpenPGPThatProveNothing(t *testing.T) {
	made := now.AddDate(-2, 0, 0)
	year := at(made)
	year.KeyLifetimeSecs = 365 * 24 * 3600
	key, expired, revoked := newGPGKey(t, "Bot", at(made)), newGPGKey(t, "Old", year), newGPGKey(t, "Lost", at(made))
	lost := gpgSign(t, revoked, plain, at(now))
	if err := revoked.RevokeKey(packet.KeyCompromised, "", at(now.AddDate(0, -1, 0))); err != nil {
		t.Fatal(err)
	}
	early := gpgSign(t, expired, plain, at(made.AddDate(0, 6, 0)))
	unknown := gpgSign(t, newGPGKey(t, "Unknown", at(made)), plain, at(now))
	short := at(now.Add(-2 * time.Hour))
	short.SigLifetimeSecs = 3600
	v := verifier(t, trust.Config{MaxAge: 9 * 365 * 24 * time.Hour}, trust.Keys{GPG: public(t, key, expired, revoked)})
	signed := gpgSign(t, key, plain, at(now))
	good, err := base64.StdEncoding.DecodeString(decode(t, signed).Proof().Signature)
	if err != nil {
		t.Fatal(err)
	}
	withNull := `{"msg":null,"msg_id":"2026-1","timestamp":1795953600,"topic":"org.example.t"}`
	signature := func(b ...byte) string {
		return with(t, signed, fields{"signature": base64.StdEncoding.EncodeToString(b)})
	}
	for _, c := range []struct{ name, payload, reason string }{
		{"another body", with(t, signed, fields{"msg": "x"}), "wrong"},
		{"an AMQP body", with(t, signed, fields{"msg": nil, "body": fields{"log": "x"}}), "no msg"},
		{"an AMQP body beside null", with(t, gpgSign(t, key, withNull, at(now)), fields{"body": "x"}), "no msg"},
		{"an unknown key", unknown, "does not know"},
		{"a key that is revoked", lost, "revoked"},
		{"a signature that has expired", gpgSign(t, key, plain, short), "expired"},
		{"two signatures", signature(append(good[:len(good):len(good)], good...)...), "no OpenPGP signature"},
		{"half of one", signature(good[:len(good)/2]...), "no OpenPGP signature"},
		{"a packet of another kind", signature(0xCB, 1, 'b'), "no OpenPGP signature"},
		{"an empty signature packet", signature(0xC2, 0), "wrong"},
		{"a huge packet", signature(append([]byte{0xC2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, good...)...), "no OpenPGP"},
		{"no base64", with(t, signed, fields{"signature": "???"}), "cannot be read"},
		{"huge", with(t, signed, fields{"signature": strings.Repeat("A", 100<<10)}), "cannot be read"},
	} {
		if got := expect(t, v, c.payload, bus.Invalid); got.Signer != "" || !strings.Contains(got.Reason, c.reason) {
			t.Errorf("%s: %+v, want %q", c.name, got, c.reason)
		}
	}
	expect(t, v, early, bus.BodyOnly) // the key had not expired when it signed
}

func TestAKeyThatHadExpiredWhenItSigned(t *testing.T) {
	made := now.AddDate(-2, 0, 0)
	key := newGPGKey(t, "Old", at(made))
	signed := gpgSign(t, key, plain, at(now))
	for _, id := range key.Identities { // since then its owner has shortened its life to a year
		lifetime := uint32(365 * 24 * 3600)
		id.SelfSignature.KeyLifetimeSecs = &lifetime
		if err := id.SelfSignature.SignUserId(id.UserId.Id, key.PrimaryKey, key.PrivateKey, at(made)); err != nil {
			t.Fatal(err)
		}
	}
	v := verifier(t, trust.Config{}, trust.Keys{GPG: public(t, key)})
	if got := expect(t, v, signed, bus.Invalid); !strings.Contains(got.Reason, "had expired") {
		t.Error(got.Reason)
	}
}

// TestAReplayedBodyIsStale: the time in the envelope is not signed, so that of the signature counts.
func TestAReplayedBodyIsStale(t *testing.T) {
	key := newGPGKey(t, "Bot", at(now.AddDate(-2, 0, 0)))
	v := verifier(t, trust.Config{}, trust.Keys{GPG: public(t, key)})
	expect(t, v, gpgSign(t, key, plain, at(now.AddDate(-1, 0, 0))), bus.Stale)
	expect(t, v, gpgSign(t, key, plain, at(now.AddDate(1, 0, 0))), bus.Stale)
	old := strings.Replace(plain, "1795953600", "1000000000", 1)
	expect(t, v, gpgSign(t, key, old, at(now)), bus.BodyOnly)
}

// TestAReplayedBodyFromAnArchive: a body that was signed long ago fills no hole of today.
func TestAReplayedBodyFromAnArchive(t *testing.T) {
	key := newGPGKey(t, "Bot", at(now.AddDate(-2, 0, 0)))
	v := verifier(t, trust.Config{}, trust.Keys{GPG: public(t, key)})
	old := strings.Replace(plain, "1795953600", strconv.FormatInt(now.AddDate(-1, 0, 0).Unix(), 10), 1)
	for payload, want := range map[string]bus.Verdict{plain: bus.Stale, old: bus.BodyOnly} {
		signed := gpgSign(t, key, payload, at(now.AddDate(-1, 0, 0)))
		m, err := bus.DecodeLine([]byte(signed), now)
		if err != nil {
			t.Fatal(err)
		}
		m.Late = true
		if got, _ := v.Judge(m, now); got.Verdict != want {
			t.Errorf("of %s: %+v, want %s", m.Time, got, want)
		}
	}
}

func TestFilesThatHoldNoOpenPGPKey(t *testing.T) {
	key := newGPGKey(t, "Bot", at(now))
	twice := bytes.Repeat(armored(t, public(t, key)), 2)
	var secret bytes.Buffer
	if err := key.SerializePrivate(&secret, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file []byte
		want string
	}{
		{[]byte{}, "no OpenPGP key"}, {[]byte("junk"), "no file of OpenPGP"}, {secret.Bytes(), "secret key"},
		{[]byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n"), "no file of OpenPGP"},
		{twice[:len(twice)-100], "no file of OpenPGP"},
	} {
		_, err := trust.New(trust.Config{GPGKeys: "keys"}, trust.Keys{GPG: c.file})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "gpg_keys: ") {
			t.Errorf("%.40q: %v, want %q", c.file, err, c.want)
		}
	}
}

// A file that was made by appending one key after the other has several armored blocks.
func TestKeysArmoredOneByOne(t *testing.T) {
	first, second := newGPGKey(t, "First", at(now)), newGPGKey(t, "Second", at(now))
	file := append([]byte("The keys of our bots.\n\n"), armored(t, public(t, first))...)
	file = append(file, armored(t, public(t, second))...)
	v := verifier(t, trust.Config{}, trust.Keys{GPG: file})
	expect(t, v, gpgSign(t, first, plain, at(now)), bus.BodyOnly)
	expect(t, v, gpgSign(t, second, plain, at(now)), bus.BodyOnly)
}
