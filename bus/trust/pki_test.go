package trust_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
)

// now is when the tests' messages are sent and received.
var now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// A pki is a CA made for a test. Its keys have 1024 bits, as those of old buses.
type pki struct {
	t    testing.TB
	cert *x509.Certificate
	key  *rsa.PrivateKey
	next int64
}

func newPKI(t testing.TB, name string, change ...func(*x509.Certificate)) *pki {
	t.Helper()
	p := &pki{t: t, key: newKey(t), next: 2}
	p.renew(name, change...)
	return p
}

// renew makes another certificate of the CA's key.
func (p *pki) renew(name string, change ...func(*x509.Certificate)) {
	p.t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: now.AddDate(-5, 0, 0), NotAfter: now.AddDate(5, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	for _, f := range change {
		f(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &p.key.PublicKey, p.key)
	if err != nil {
		p.t.Fatal(err)
	}
	if p.cert, err = x509.ParseCertificate(der); err != nil {
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

// pem is the certificate of the CA.
func (p *pki) pem() []byte { return certificatePEM(p.cert.Raw) }

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// leaf makes a certificate of key for a publisher, in DER.
func (p *pki) leaf(name string, key crypto.PublicKey, change ...func(*x509.Certificate)) []byte {
	p.t.Helper()
	p.next++
	c := &x509.Certificate{
		SerialNumber: big.NewInt(p.next), Subject: pkix.Name{CommonName: name},
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0), SignatureAlgorithm: x509.SHA256WithRSA,
	}
	for _, f := range change {
		f(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, p.cert, key, p.key)
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
	s, err := trust.NewSigner(certificatePEM(leaf), keyPEM(key))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func keyPEM(key *rsa.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

// verifier trusts the CA.
func (p *pki) verifier() *trust.Verifier {
	p.t.Helper()
	return verifier(p.t, trust.Config{}, trust.Keys{CA: p.pem()})
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
