package trust_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
)

// A crl is made by hand: crypto/x509 makes version 2 only.
type crl struct {
	version    int // 0 is v1, 1 is v2
	from, to   time.Time
	revoked    []int64
	extensions []pkix.Extension
}

func inDate(revoked ...int64) crl {
	return crl{version: 1, from: now.AddDate(0, 0, -1), to: now.AddDate(0, 1, 0), revoked: revoked}
}

var sha256WithRSA = pkix.AlgorithmIdentifier{
	Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, Parameters: asn1.NullRawValue,
}

// crl signs a list, in DER.
func (p *pki) crl(c crl) []byte {
	p.t.Helper()
	type entry struct {
		Serial *big.Int
		At     time.Time
	}
	tbs := struct {
		Version    int `asn1:"optional,default:0"`
		Algorithm  pkix.AlgorithmIdentifier
		Issuer     asn1.RawValue
		From       time.Time
		To         time.Time        `asn1:"optional"`
		Revoked    []entry          `asn1:"optional,omitempty"`
		Extensions []pkix.Extension `asn1:"optional,omitempty,explicit,tag:0"`
	}{Version: c.version, Algorithm: sha256WithRSA, From: c.from.UTC(), Extensions: c.extensions}
	if !c.to.IsZero() {
		tbs.To = c.to.UTC()
	}
	tbs.Issuer = asn1.RawValue{FullBytes: p.Cert.RawSubject}
	for _, serial := range c.revoked {
		tbs.Revoked = append(tbs.Revoked, entry{big.NewInt(serial), now.AddDate(0, -1, 0).UTC()})
	}
	text, err := asn1.Marshal(tbs)
	if err != nil {
		p.t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	signature, err := rsa.SignPKCS1v15(nil, p.Key, crypto.SHA256, sum[:])
	if err != nil {
		p.t.Fatal(err)
	}
	der, err := asn1.Marshal(struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: text}, sha256WithRSA, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
	if err != nil {
		p.t.Fatal(err)
	}
	return der
}

func crlPEM(ders ...[]byte) []byte {
	var file []byte
	for _, der := range ders {
		file = append(file, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})...)
	}
	return file
}

func TestRevokedCertificates(t *testing.T) {
	p, other := newPKI(t, "CA"), newPKI(t, "Other CA")
	revoked, good := sign(t, p.signer("gone"), plain), sign(t, p.signer("app01"), plain)
	elsewhere := sign(t, other.signer("app02"), plain)
	serial := p.Serial - 1
	v1, endless, expired, tomorrow := inDate(serial), inDate(serial), inDate(serial), inDate(serial)
	v1.version = 0
	endless.to = time.Time{}
	expired.to = now.Add(-time.Minute)
	tomorrow.from = now.Add(time.Hour)
	skewed := inDate(serial)
	skewed.from = now.Add(time.Minute)
	cas := append(p.PEM(), other.PEM()...)
	const ours, theirs = bus.Signed, bus.Unchecked
	for _, c := range []struct {
		name            string
		crl             []byte
		good, elsewhere bus.Verdict
	}{
		{"version 2", crlPEM(p.crl(inDate(serial))), ours, theirs},
		{"version 1", crlPEM(p.crl(v1)), ours, theirs},
		{"DER", p.crl(inDate(serial)), ours, theirs},
		{"without an end", crlPEM(p.crl(endless)), ours, theirs},
		{"a clock that is ahead", crlPEM(p.crl(skewed)), ours, theirs},
		{"expired", crlPEM(p.crl(expired)), bus.Unchecked, theirs},
		{"from the future", crlPEM(p.crl(tomorrow)), bus.Unchecked, theirs},
		{"an old and a new list", crlPEM(p.crl(expired), p.crl(inDate())), ours, theirs},
		{"lists of two CAs", crlPEM(p.crl(inDate(serial)), other.crl(inDate())), ours, bus.Signed},
	} {
		v := verifier(t, trust.Config{}, trust.Keys{CA: cas, CRL: c.crl})
		expect(t, v, revoked, bus.Invalid)
		expect(t, v, good, c.good)
		expect(t, v, elsewhere, c.elsewhere)
		expect(t, v, with(t, good, fields{"i": 9}), bus.Invalid) // a forgery is one, whatever the list
		if warned := len(v.Warnings(now)) > 0; warned != (c.good != bus.Signed || c.elsewhere != bus.Signed) {
			t.Errorf("%s: warnings %q", c.name, v.Warnings(now))
		}
	}
}

func TestCRLExpires(t *testing.T) {
	p, other := newPKI(t, "CA"), newPKI(t, "Other CA")
	early := inDate()
	early.to = now.Add(time.Hour)
	cas := append(p.PEM(), other.PEM()...)
	v := verifier(t, trust.Config{}, trust.Keys{
		CA: cas, CRL: crlPEM(p.crl(early), p.crl(inDate()), other.crl(inDate())),
	})
	if got, want := v.CRLExpires(), inDate().to; !got.Equal(want) || len(v.Warnings(now)) > 0 {
		t.Errorf("expires %s, want %s; warnings %q", got, want, v.Warnings(now))
	}
	if w := v.Warnings(now.AddDate(0, 2, 0)); len(w) != 2 || !strings.Contains(w[0], "out of date since") {
		t.Errorf("warnings later: %q", w)
	}
	if w := v.Warnings(now.AddDate(0, 0, -3)); len(w) != 2 || !strings.Contains(w[0], "lies ahead") {
		t.Errorf("warnings earlier: %q", w)
	}
	if w := v.Warnings(now.AddDate(6, 0, 0)); len(w) != 2 || !strings.Contains(w[0], "certificate of the CA") {
		t.Errorf("warnings years later: %q", w)
	}
	v = verifier(t, trust.Config{}, trust.Keys{CA: cas})
	if !v.CRLExpires().IsZero() || v.Warnings(now) != nil {
		t.Errorf("without a list: %s, %q", v.CRLExpires(), v.Warnings(now))
	}
}

func TestFilesThatHoldNoCRL(t *testing.T) {
	p, foreign := newPKI(t, "CA"), newPKI(t, "CA")
	partial := inDate(5)
	distribution := asn1.ObjectIdentifier{2, 5, 29, 28} // of some reasons only, or of some certificates
	partial.extensions = []pkix.Extension{{Id: distribution, Critical: true, Value: []byte{0x30, 0}}}
	good := p.crl(inDate(5))
	for _, c := range []struct {
		file []byte
		want string
	}{
		{[]byte{}, "no list"}, {[]byte("junk"), "no list"}, {p.PEM(), "CERTIFICATE"}, {good[:len(good)-1], "no list"},
		{append(good[:len(good):len(good)], 0), "no list"}, {crlPEM(foreign.crl(inDate())), "not signed by a CA"},
		{crlPEM(good, newPKI(t, "Other").crl(inDate())), "list of Other is not"}, {crlPEM(p.crl(partial)), "2.5.29.28"},
		{crlPEM(nil), "no list"}, {[]byte("-----BEGIN X509 CRL-----\n"), "1 of the 1 blocks"},
		{crlPEM(good, good)[:len(crlPEM(good))+100], "1 of the 2 blocks"},
	} {
		_, err := trust.New(trust.Config{CA: "ca", CRL: "crl"}, trust.Keys{CA: p.PEM(), CRL: c.file})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "crl: ") {
			t.Errorf("%.60q: %v, want %q", c.file, err, c.want)
		}
	}
}
