package trust_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/internal/pkitest"
)

// now is when the tests' messages are sent and received.
var now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// A pki is a CA made for a test. Its keys have 1024 bits, as those of old buses.
type pki struct {
	*pkitest.CA
	t testing.TB
}

func newPKI(t testing.TB, name string, change ...func(*x509.Certificate)) *pki {
	t.Helper()
	ca, err := pkitest.NewCA(name, newKey(t), now, change...)
	if err != nil {
		t.Fatal(err)
	}
	return &pki{ca, t}
}

// renew makes another certificate of the CA's key.
func (p *pki) renew(name string, change ...func(*x509.Certificate)) {
	p.t.Helper()
	if err := p.Renew(name, change...); err != nil {
		p.t.Fatal(err)
	}
}

func newKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// leaf makes a certificate of key for a publisher, in DER.
func (p *pki) leaf(name string, key crypto.PublicKey, change ...func(*x509.Certificate)) []byte {
	p.t.Helper()
	der, err := p.Leaf(name, key, change...)
	if err != nil {
		p.t.Fatal(err)
	}
	return der
}

// signer makes a certificate and signs by it.
func (p *pki) signer(name string, change ...func(*x509.Certificate)) *trust.Signer {
	p.t.Helper()
	key := newKey(p.t)
	return signerOf(p.t, p.leaf(name, &key.PublicKey, change...), key)
}

func signerOf(t testing.TB, leaf []byte, key *rsa.PrivateKey) *trust.Signer {
	t.Helper()
	s, err := trust.NewSigner(pkitest.CertificatePEM(leaf), pkitest.KeyPEM(key))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// verifier trusts the CA.
func (p *pki) verifier() *trust.Verifier {
	p.t.Helper()
	return verifier(p.t, trust.Config{}, trust.Keys{CA: p.PEM()})
}

const plain = `{"i":1,"msg":{"log":"héllo <b>","n":1.50},"msg_id":"2026-1","timestamp":1795953600,` +
	`"topic":"org.example.t"}`

func sign(t testing.TB, s *trust.Signer, payload string) string {
	t.Helper()
	signed, err := s.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

// expect judges a message, and fails unless the verdict is as wanted and the reason tells why.
func expect(t testing.TB, v *trust.Verifier, payload string, want bus.Verdict) bus.Standing {
	t.Helper()
	got, _ := v.Judge(decode(t, payload), now)
	if got.Verdict != want || want != bus.Signed && got.Reason == "" {
		t.Errorf("%s (%s), want %s: %.300s", got.Words(), got.Reason, want, payload)
	}
	return got
}
