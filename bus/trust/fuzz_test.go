package trust_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/internal/pkitest"
)

// judge judges what a stranger has sent: any verdict will do but Signed or BodyOnly, which only a key gives.
func judge(t *testing.T, v *trust.Verifier, payload string) {
	m, err := bus.DecodeLine([]byte(payload), now)
	if err != nil {
		return
	}
	if got, _ := v.Judge(m, now); got.Verdict == bus.Signed || got.Verdict == bus.BodyOnly {
		t.Errorf("%+v: %q", got, payload)
	}
}

// fixedPKI has the same bytes in every process, so that a finding of one is one in another.
func fixedPKI(f *testing.F) *pki {
	text, err := os.ReadFile("testdata/fuzz.key")
	if err != nil {
		f.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		f.Fatal(err)
	}
	p := &pki{&pkitest.CA{Key: key, Now: now}, f}
	p.renew("CA")
	return p
}

// fixedGPGKey is the same in every process.
func fixedGPGKey(f *testing.F) (*openpgp.Entity, *packet.Config) {
	c := at(now.Add(-time.Hour))
	c.Rand = rand.NewChaCha8([32]byte{})
	return newGPGKey(f, "Bot", c), c
}

func text(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func FuzzCertificate(f *testing.F) {
	p, foreign := fixedPKI(f), newPKI(f, "CA")
	key := p.Key
	der := p.leaf("app01", &key.PublicKey)
	f.Add(pkitest.CertificatePEM(der))
	f.Add(pkitest.CertificatePEM(foreign.leaf("app01", &key.PublicKey)))
	f.Add(append([]byte("Certificate:\n"), p.PEM()...))
	f.Add(pkitest.KeyPEM(key))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"))
	v := p.verifier()
	forged := with(f, plain, fields{"crypto": "x509", "signature": text(make([]byte, 128))})
	f.Fuzz(func(t *testing.T, file []byte) {
		judge(t, v, with(t, forged, fields{"certificate": text(file)}))
		_, _ = trust.New(trust.Config{CA: "ca"}, trust.Keys{CA: file})
	})
}

func FuzzSignature(f *testing.F) {
	p := fixedPKI(f)
	s, v := signerOf(f, p.leaf("app01", &p.Key.PublicKey), p.Key), p.verifier()
	signed := with(f, sign(f, s, plain), fields{"i": 2})
	other := decode(f, sign(f, s, with(f, plain, fields{"i": 3}))).Proof().Signature
	for _, seed := range []string{other, "", "=", "AAAA", other + other, "\u00e9\n====", `{"x":1}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, signature string) {
		judge(t, v, with(t, signed, fields{"signature": signature}))
	})
}

func FuzzCRL(f *testing.F) {
	p := fixedPKI(f)
	v1 := inDate(5)
	v1.version = 0
	f.Add(p.crl(inDate(5, 6)))
	f.Add(crlPEM(p.crl(v1), p.crl(inDate())))
	f.Add([]byte("-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n"))
	signed := sign(f, signerOf(f, p.leaf("app01", &p.Key.PublicKey), p.Key), plain)
	f.Fuzz(func(t *testing.T, file []byte) {
		v, err := trust.New(trust.Config{CA: "ca", CRL: "crl"}, trust.Keys{CA: p.PEM(), CRL: file})
		if err != nil {
			return
		}
		v.Judge(decode(t, signed), now)
		v.Warnings(now)
		v.CRLExpires()
	})
}

func FuzzGPGSignature(f *testing.F) {
	key, c := fixedGPGKey(f)
	v := verifier(f, trust.Config{}, trust.Keys{GPG: public(f, key)})
	signed := with(f, gpgSign(f, key, plain, c), fields{"msg": "another"})
	signature, err := base64.StdEncoding.DecodeString(decode(f, signed).Proof().Signature)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signature)
	f.Add(append(signature, signature...))
	f.Add([]byte{0xC2, 0})
	f.Add([]byte{0xC2, 10, 4, 0, 1, 8, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0x88, 10, 3, 5, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, signature []byte) {
		judge(t, v, with(t, signed, fields{"signature": text(signature)}))
	})
}

// FuzzGPGKeys reads what an operator may have put into the file.
func FuzzGPGKeys(f *testing.F) {
	key, c := fixedGPGKey(f)
	signed := gpgSign(f, key, plain, c)
	f.Add(public(f, key))
	f.Add(armored(f, public(f, key)))
	f.Fuzz(func(t *testing.T, file []byte) {
		v, err := trust.New(trust.Config{GPGKeys: "keys"}, trust.Keys{GPG: file})
		if err == nil {
			v.Judge(decode(t, signed), now)
		}
	})
}
