package trust_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/internal/pkitest"
)

// forge puts a certificate into a message that another has signed.
func forge(t testing.TB, signed string, der []byte) string {
	t.Helper()
	return with(t, signed, fields{"certificate": text(pkitest.CertificatePEM(der))})
}

func TestCertificatesThatAreNotOfTheSite(t *testing.T) {
	p, foreign := newPKI(t, "CA"), newPKI(t, "CA") // of the same name
	v, key := p.verifier(), newKey(t)
	signed := sign(t, p.signer("app01"), plain)
	below := &pki{&pkitest.CA{Key: key, Now: now, Serial: 9}, t} // a CA below the CA
	var err error
	if below.Cert, err = x509.ParseCertificate(p.leaf("Sub CA", &key.PublicKey, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid = true, true
	})); err != nil {
		t.Fatal(err)
	}
	tampered := p.leaf("app01", &key.PublicKey)
	tampered[len(tampered)-1] ^= 1
	for name, payload := range map[string]string{
		"another CA of the same name": sign(t, foreign.signer("app01"), plain),
		"another CA":                  sign(t, newPKI(t, "Other CA").signer("app01"), plain),
		"two levels":                  forge(t, signed, below.leaf("app01", &key.PublicKey)),
		"a broken signature":          forge(t, signed, tampered),
	} {
		if got := expect(t, v, payload, bus.Invalid); !strings.Contains(got.Reason, "not signed by the site's CA") {
			t.Errorf("%s: %s", name, got.Reason)
		}
	}
}

func TestCertificatesThatProveNothing(t *testing.T) {
	p := newPKI(t, "CA")
	v, key := p.verifier(), newKey(t)
	signed := sign(t, p.signer("app01"), plain)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	huge := new(big.Int).SetBit(big.NewInt(1), 16383, 1)
	critical := func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
	}
	large := func(c *x509.Certificate) { c.DNSNames = []string{strings.Repeat("a", 9000)} }
	whole := p.leaf("app01", &key.PublicKey)
	for _, c := range []struct {
		name   string
		der    []byte
		reason string
	}{
		{"expired", p.leaf("app01", &key.PublicKey, valid(-3, -1)), "is valid from"},
		{"not valid yet", p.leaf("app01", &key.PublicKey, valid(1, 2)), "is valid from"},
		{"unknown critical extension", p.leaf("app01", &key.PublicKey, critical), "critical extension 1.2.3.4"},
		{"no name", p.leaf("", &key.PublicKey), "common name"},
		{"two names", p.leaf("", &key.PublicKey, named("app01", "app02")), "common name"},
		{"a name with a line break", p.leaf("app01\r\nBcc: x", &key.PublicKey), "common name"},
		{"a long name", p.leaf(strings.Repeat("a", 300), &key.PublicKey), "common name"},
		{"another kind of key", p.leaf("app01", &curve.PublicKey), "not of RSA"},
		{"a huge key", p.leaf("app01", &rsa.PublicKey{N: huge, E: 3}), "16384 bits"},
		{"a short key", p.leaf("app01", &rsa.PublicKey{N: big.NewInt(3 * 5), E: 3}), "4 bits"},
		{"an even exponent", p.leaf("app01", &rsa.PublicKey{N: key.N, E: 4}), "exponent 4"},
		{"an exponent of one", p.leaf("app01", &rsa.PublicKey{N: key.N, E: 1}), "exponent 1"},
		{"large", p.leaf("app01", &key.PublicKey, large), "at most 8192 are read"},
		{"cut off", whole[:len(whole)/2], "cannot be read"},
		{"with something behind it", append(whole[:len(whole):len(whole)], 0), "cannot be read"},
		{"nothing", nil, "cannot be read"},
		{"another key", whole, "not by this certificate"},
	} {
		got := expect(t, v, forge(t, signed, c.der), bus.Invalid)
		if !strings.Contains(got.Reason, c.reason) {
			t.Errorf("%s: %s", c.name, got.Reason)
		}
	}
	for _, certificate := range []string{
		"", "=", "????", "QUJD", strings.Repeat("A", 100<<10), text(pkitest.KeyPEM(key)), text(whole),
		text(pkitest.CertificatePEM(make([]byte, 20<<10))),
		text([]byte(strings.Repeat("-----BEGIN CERTIFICATE-----\n", 800))),
	} {
		expect(t, v, with(t, signed, fields{"certificate": certificate}), bus.Invalid)
	}
}

// named gives a certificate common names.
func named(names ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.Subject = pkix.Name{}
		for _, n := range names {
			c.Subject.ExtraNames = append(c.Subject.ExtraNames,
				pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: n})
		}
	}
}

// valid makes a certificate valid from one year to another, counted from now.
func valid(from, to int) func(*x509.Certificate) { return pkitest.Valid(now, from, to) }

func TestCertificatesCountAtTheTimeOfTheMessage(t *testing.T) {
	p := newPKI(t, "CA", valid(-9, -5))
	s := p.signer("app01", valid(-9, -6))
	old := with(t, plain, fields{"timestamp": now.AddDate(-8, 0, 0).Unix()})
	config := trust.Config{MaxAge: 20 * 365 * 24 * time.Hour}
	v := verifier(t, config, trust.Keys{CA: p.PEM()})
	expect(t, v, sign(t, s, old), bus.Signed)
	expect(t, v, sign(t, s, plain), bus.Invalid)
	expect(t, p.verifier(), sign(t, s, old), bus.Stale)

	before := p.PEM()
	p.renew("CA", valid(-5, 5)) // the CA's certificate is renewed, with the same key
	late := p.signer("app02")
	for _, c := range []struct {
		ca       []byte
		old, new bus.Verdict
	}{
		{before, bus.Signed, bus.Invalid},
		{p.PEM(), bus.Signed, bus.Signed},
		{append(before, p.PEM()...), bus.Signed, bus.Signed},
	} {
		v := verifier(t, config, trust.Keys{CA: c.ca})
		expect(t, v, sign(t, s, old), c.old)
		expect(t, v, sign(t, late, plain), c.new)
	}
}

func TestCertificatesSignedWithSHA1(t *testing.T) {
	p := newPKI(t, "CA")
	signed := sign(t, p.signer("app01", func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }), plain)
	expect(t, p.verifier(), signed, bus.Signed)
	strict := verifier(t, trust.Config{RefuseSHA1: true}, trust.Keys{CA: p.PEM()})
	if got := expect(t, strict, signed, bus.Invalid); !strings.Contains(got.Reason, "SHA-1") {
		t.Error(got.Reason)
	}
	expect(t, strict, sign(t, p.signer("app02"), plain), bus.Signed)
}

func TestFilesThatHoldNoCA(t *testing.T) {
	p := newPKI(t, "CA")
	key := newKey(t)
	noCA := newPKI(t, "Not a CA", func(c *x509.Certificate) { c.IsCA = false })
	noSigner := newPKI(t, "CA", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature })
	for _, c := range []struct{ file, want string }{
		{"", "no certificate"}, {"junk", "no certificate"}, {string(p.Cert.Raw), "no certificate"},
		{string(pkitest.CertificatePEM([]byte{0x30})), "x509"},
		{string(p.PEM()) + string(pkitest.KeyPEM(key)), "RSA PRIVATE KEY"},
		{string(noCA.PEM()), "not one of a CA"}, {string(noSigner.PEM()), "not one of a CA"},
		{string(pkitest.CertificatePEM(p.leaf("app01", &key.PublicKey))), "not one of a CA"},
		{string(p.PEM()) + string(p.PEM()[:300]), "1 of the 2 blocks"},
		{string(p.PEM()[:300]) + string(p.PEM()), "of the 2 blocks"},
	} {
		_, err := trust.New(trust.Config{CA: "ca"}, trust.Keys{CA: []byte(c.file)})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "ca: ") {
			t.Errorf("%.60q: %v, want %q", c.file, err, c.want)
		}
	}
}
