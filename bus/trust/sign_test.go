package trust_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/internal/pkitest"
)

// envelopes are what a signer may be asked to sign.
var envelopes = []string{
	plain,
	`{"i":1,"msg":{"log":"x"},"msg_id":"1","seq_id":7,"timestamp":1795953600,"topic":"org.example.t"}`,
	`{"topic":"org.example.t","timestamp":1795953600.0,"msg":["\ud83d","\ud83d\ude00",NaN,-Infinity,1e400,1E5,-0,1e-7]}`,
	`{"topic":"org.example.t","timestamp":1795953600,"msg":{"\u00e4":null,"Z":[],"a":{},"\u007f":"\u2028/<&>"}}`,
	`{"topic":"org.example.t","timestamp":1795953600,"msg":1,"crypto":"gpg","signature":"old","certificate":"old"}`,
	`{"topic":"org.example.t","timestamp":1795953600,"body":{"a":1},"headers":{"x":"y"},"id":"amqp"}`,
}

func TestSignedMessagesAreAccepted(t *testing.T) {
	p := newPKI(t, "CA")
	s, v := p.signer("app01.example.org"), p.verifier()
	for _, e := range envelopes {
		got := expect(t, v, sign(t, s, e), bus.Signed)
		if got.Signer != s.Name() || got.Method != bus.X509 || got.Reason != "" || got.Marked {
			t.Errorf("%+v", got)
		}
	}
}

// TestPythonAndWeAgree signs by Python what we sign, and verifies by Python what we have signed.
func TestPythonAndWeAgree(t *testing.T) {
	python := exectest.Python(t, "cryptography")
	p := newPKI(t, "CA")
	key := newKey(t)
	leaf := pkitest.CertificatePEM(p.leaf("app01.example.org", &key.PublicKey))
	folder := t.TempDir()
	certificate, keyFile := filepath.Join(folder, "app.crt"), filepath.Join(folder, "app.key")
	for name, text := range map[string][]byte{certificate: leaf, keyFile: pkitest.KeyPEM(key)} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	preamble := []byte("Certificate:\n  Data: as easy-rsa writes it\n")
	s, err := trust.NewSigner(append(preamble, leaf...), pkitest.KeyPEM(key))
	if err != nil {
		t.Fatal(err)
	}
	var ours []string
	for _, e := range envelopes {
		ours = append(ours, sign(t, s, e))
	}
	theirs := runPython(t, python, envelopes, "sign", certificate, keyFile)
	for i := range ours {
		if ours[i] != theirs[i] {
			t.Errorf("we sign  %s\nfedmsg   %s", ours[i], theirs[i])
		}
	}
	forged := strings.Replace(ours[0], `"n":1.5`, `"n":2.5`, 1)
	for i, verdict := range runPython(t, python, append(ours, forged), "verify") {
		if want := i < len(ours); (verdict == "true") != want {
			t.Errorf("Python says of message %d: %s", i, verdict)
		}
	}
}

// runPython gives lines to testdata/fedmsg.py and returns the lines that it writes, as many.
func runPython(t *testing.T, python string, lines []string, args ...string) []string {
	t.Helper()
	cmd := exec.Command(python, append([]string{"testdata/fedmsg.py"}, args...)...)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if err != nil || len(got) != len(lines) {
		t.Fatalf("%v, %d lines of %d: %s", err, len(got), len(lines), stderr.String())
	}
	return got
}

func TestSigningTakesOldCredentialsAway(t *testing.T) {
	p := newPKI(t, "CA")
	first, second := p.signer("app01.example.org"), p.signer("relay01.example.org")
	again := sign(t, second, sign(t, first, plain))
	if again != sign(t, second, plain) {
		t.Errorf("what was signed before is signed as %s", again)
	}
	if got := expect(t, p.verifier(), again, bus.Signed); got.Signer != "relay01.example.org" {
		t.Errorf("signer %q", got.Signer)
	}
	var fields map[string]string
	_ = json.Unmarshal([]byte(again), &fields) // the fields that are no text are left out
	for _, name := range []string{"signature", "certificate"} {
		lines := strings.Split(fields[name], "\n")
		if len(lines) < 3 || len(lines[0]) != 76 || lines[len(lines)-1] != "" {
			t.Errorf("%s in lines %q", name, lines)
		}
	}
}

func TestSigningRefusesWhatIsNoMessage(t *testing.T) {
	s := newPKI(t, "CA").signer("app01.example.org")
	for _, payload := range []string{``, `[]`, `"x"`, `{`, `{"a":1} {}`, "{\"a\":\"\xff\"}", strings.Repeat("[", 1000)} {
		if got, err := s.Sign([]byte(payload)); err == nil {
			t.Errorf("%q is signed as %s", payload, got)
		}
	}
}

func TestKeysOfBothForms(t *testing.T) {
	p, key := newPKI(t, "CA"), newKey(t)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	leaf := p.leaf("app01.example.org", &key.PublicKey)
	pkcs8 := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	s, err := trust.NewSigner(pkitest.CertificatePEM(leaf), pkcs8)
	if err != nil {
		t.Fatal(err)
	}
	if sign(t, s, plain) != sign(t, signerOf(t, leaf, key), plain) {
		t.Error("the signatures by one key in two forms differ")
	}
}

func TestKeysThatCannotSign(t *testing.T) {
	p := newPKI(t, "CA")
	key, other := newKey(t), newKey(t)
	leaf := pkitest.CertificatePEM(p.leaf("app01.example.org", &key.PublicKey))
	encrypted := "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n" +
		"-----END RSA PRIVATE KEY-----\n"
	for _, c := range []struct{ certificate, key, want string }{
		{string(leaf), string(pkitest.KeyPEM(other)), "does not belong"},
		{string(leaf), encrypted, "encrypted"},
		{string(leaf), strings.ReplaceAll(encrypted, "RSA PRIVATE", "ENCRYPTED PRIVATE"), "encrypted"},
		{string(leaf), string(leaf), "CERTIFICATE"},
		{string(leaf), "", "no PEM"},
		{string(leaf), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "cannot be read"},
		{string(pkitest.KeyPEM(key)), string(pkitest.KeyPEM(key)), "no PEM of a certificate"},
		{"", string(pkitest.KeyPEM(key)), "no PEM of a certificate"},
	} {
		_, err := trust.NewSigner([]byte(c.certificate), []byte(c.key))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

func TestACertificateOutOfDateIsSaid(t *testing.T) {
	s := newPKI(t, "CA").signer("app01.example.org", valid(-1, 1))
	if err := s.ValidAt(now); err != nil {
		t.Error(err)
	}
	for _, at := range []time.Time{now.AddDate(-2, 0, 0), now.AddDate(2, 0, 0)} {
		if err := s.ValidAt(at); err == nil || !strings.Contains(err.Error(), "app01.example.org is valid from 2025-11-29") {
			t.Errorf("at %s: %v", at, err)
		}
	}
}
