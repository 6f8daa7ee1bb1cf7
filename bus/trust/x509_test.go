package trust_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
)

// with gives a payload with fields set, as somebody on the way would; nil takes a field away.
func with(t testing.TB, payload string, fields map[string]any) string {
	t.Helper()
	v, err := bus.ParseExact([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	e := v.(map[string]any)
	for name, value := range fields {
		if e[name] = value; value == nil {
			delete(e, name)
		}
	}
	text, err := bus.Canonical(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

type fields = map[string]any

func TestWhatIsChangedAfterSigning(t *testing.T) {
	p := newPKI(t, "CA")
	v := p.verifier()
	signed := sign(t, p.signer("app01.example.org"), with(t, plain, fields{"seq_id": json.Number("7"), "username": "u"}))
	unnumbered := with(t, signed, fields{"seq_id": nil})
	signature := base64.StdEncoding.EncodeToString(make([]byte, 128))
	for _, c := range []struct{ name, payload string }{
		{"msg", with(t, signed, fields{"msg": fields{"log": "all passwords must be changed"}})},
		{"topic", with(t, signed, fields{"topic": "org.example.other"})},
		{"id", with(t, signed, fields{"msg_id": "2026-2"})},
		{"no id", with(t, signed, fields{"msg_id": nil})},
		{"counter", with(t, signed, fields{"i": 2})},
		{"time", with(t, signed, fields{"timestamp": 1795953601})},
		{"time as float", with(t, signed, fields{"timestamp": json.Number("1795953600.0")})},
		{"username", with(t, signed, fields{"username": "root"})},
		{"a signed sequence", with(t, signed, fields{"seq_id": 8})},
		{"a signed sequence is gone", unnumbered},
		{"scheme is gone", with(t, signed, fields{"crypto": nil})},
		{"an unknown field", with(t, signed, fields{"body": fields{}})},
		{"one of an archive's fields only", with(t, signed, fields{"source_name": "datanommer"})},
		{"signature of nought", with(t, signed, fields{"signature": signature})},
		{"signature too long", with(t, signed, fields{"signature": "AAAA" + signature})},
		{"signature that is huge", with(t, signed, fields{"signature": strings.Repeat("A", 100<<10)})},
		{"no signature", with(t, signed, fields{"signature": nil})},
		{"no certificate", with(t, signed, fields{"certificate": nil})},
		{"signature is a number", with(t, signed, fields{"signature": 5})},
		{"certificate is a list", with(t, signed, fields{"certificate": []any{"x"}})},
	} {
		if got := expect(t, v, c.payload, bus.Invalid); got.Signer != "" {
			t.Errorf("%s: signer %q", c.name, got.Signer)
		}
	}
	bare := fields{"signature": nil, "certificate": nil} // base64 has several spellings of the same bytes
	for i := range 400 {                                 // no byte of what is signed can be another digit or letter
		at := i * len(signed) / 400
		other := byte('x')
		if signed[at] >= '0' && signed[at] <= '9' {
			other = '0' + (signed[at]-'0'+1)%10
		}
		forged := signed[:at] + string(other) + signed[at+1:]
		m, err := bus.DecodeLine([]byte(forged), now)
		if err != nil || forged == signed || m.Proof() == nil {
			continue
		}
		if got, _ := v.Judge(m, now); got.Verdict == bus.Signed && with(t, forged, bare) != with(t, signed, bare) {
			t.Errorf("signed all the same: %s", forged)
		}
	}
}

func TestFieldsThatToolsAddAfterSigning(t *testing.T) {
	p := newPKI(t, "CA")
	s, v := p.signer("app01.example.org"), p.verifier()
	signed := sign(t, s, plain)
	archived := fields{"source_name": "datanommer", "source_version": "1", "timestamp": json.Number("1795953600.0")}
	and := func(more fields) fields {
		all := fields{}
		for _, m := range []fields{archived, more} {
			for k, v := range m {
				all[k] = v
			}
		}
		return all
	}
	for _, c := range []struct {
		name    string
		payload string
		want    bus.Verdict
		added   string
	}{
		{"replay store", with(t, signed, fields{"seq_id": 7}), bus.Signed, "seq_id"},
		{"gilmsg", with(t, signed, fields{"gilmsg_version": "1"}), bus.Signed, "gilmsg_version"},
		{"hub, no headers", with(t, signed, fields{"headers": fields{}}), bus.Signed, "headers"},
		{"hub", with(t, signed, fields{"headers": fields{"fedora_messaging_severity": 40}}), bus.BodyOnly, "headers"},
		{"all tools", with(t, signed, and(fields{"seq_id": 7, "gilmsg_version": "1", "users": []any{}, "meta": fields{}})),
			bus.Signed, "gilmsg_version, meta, seq_id, source_name, source_version, users"},
		{"archive, float", with(t, signed, archived), bus.Signed, "source_name, source_version"},
		{"archive, integer", with(t, signed, and(fields{"timestamp": 1795953600})), bus.Signed, "source_version"},
		{"archive, headers", with(t, signed, and(fields{"headers": fields{"a": "b"}})), bus.BodyOnly, "headers"},
		{"archive, other time", with(t, signed, and(fields{"timestamp": json.Number("1795953601.0")})), bus.Invalid, ""},
		{"archive, half a second", with(t, signed, and(fields{"timestamp": json.Number("1795953600.5")})), bus.Invalid, ""},
		{"sequence that is signed", sign(t, s, with(t, plain, fields{"seq_id": 7})), bus.Signed, ""},
		{"headers that are signed", sign(t, s, with(t, plain, fields{"headers": fields{"a": "b"}})), bus.Signed, ""},
		{"float time that is signed", with(t, sign(t, s, with(t, plain, fields{"timestamp": json.Number("1795953600.0")})),
			fields{"source_name": "d", "source_version": "1"}), bus.Signed, "source_name, source_version"},
		{"sequence signed, version added", with(t, sign(t, s, with(t, plain, fields{"seq_id": 7})),
			fields{"gilmsg_version": 1}), bus.Signed, "gilmsg_version"},
	} {
		got := expect(t, v, c.payload, c.want)
		if c.want != bus.Invalid && (!strings.Contains(got.Reason, c.added) || c.added == "" && got.Reason != "") {
			t.Errorf("%s: reason %q, want it to say %q", c.name, got.Reason, c.added)
		}
	}
}

func TestCertificatesThatProveNothing(t *testing.T) {
	p, foreign := newPKI(t, "CA"), newPKI(t, "CA") // of the same name
	v := p.verifier()
	other := newPKI(t, "Other CA")
	oids := pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}
	name := func(names ...string) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.Subject = pkix.Name{}
			for _, n := range names {
				c.Subject.ExtraNames = append(c.Subject.ExtraNames,
					pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: n})
			}
		}
	}
	for _, c := range []struct {
		name   string
		signer *trust.Signer
		reason string
	}{
		{"another CA of the same name", foreign.signer("app01"), "not signed by the site's CA"},
		{"another CA", other.signer("app01"), "not signed by the site's CA"},
		{"expired", p.signer("app01", valid(-3, -1)), "is valid from"},
		{"not valid yet", p.signer("app01", valid(1, 2)), "is valid from"},
		{"unknown critical extension", p.signer("app01", func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{oids}
		}), "critical extension 1.2.3.4"},
	} {
		if got := expect(t, v, sign(t, c.signer, plain), bus.Invalid); !strings.Contains(got.Reason, c.reason) {
			t.Errorf("%s: %s", c.name, got.Reason)
		}
	}
	good := sign(t, p.signer("app01"), plain)
	key := newKey(t)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	below := &pki{t: t, key: key, next: 9} // a CA below the CA
	if below.cert, err = x509.ParseCertificate(p.leaf("Sub CA", &key.PublicKey, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid = true, true
	})); err != nil {
		t.Fatal(err)
	}
	huge := new(big.Int).SetBit(big.NewInt(1), 16383, 1)
	tampered := append([]byte{}, p.leaf("app01", &key.PublicKey)...)
	tampered[len(tampered)-1] ^= 1
	whole := p.leaf("app01", &key.PublicKey)
	for _, c := range []struct {
		name   string
		der    []byte
		reason string
	}{
		{"two levels", below.leaf("app01", &key.PublicKey), "not signed by the site's CA"},
		{"no name", p.leaf("", &key.PublicKey), "common name"},
		{"two names", p.leaf("", &key.PublicKey, name("app01", "app02")), "common name"},
		{"a name with a line break", p.leaf("app01\r\nBcc: x", &key.PublicKey), "common name"},
		{"a long name", p.leaf(strings.Repeat("a", 300), &key.PublicKey), "common name"},
		{"another kind of key", p.leaf("app01", &curve.PublicKey), "not of RSA"},
		{"a huge key", p.leaf("app01", &rsa.PublicKey{N: huge, E: 3}), "16384 bits"},
		{"a short key", p.leaf("app01", &rsa.PublicKey{N: big.NewInt(3 * 5), E: 3}), "4 bits"},
		{"an even exponent", p.leaf("app01", &rsa.PublicKey{N: key.N, E: 4}), "exponent 4"},
		{"an exponent of one", p.leaf("app01", &rsa.PublicKey{N: key.N, E: 1}), "exponent 1"},
		{"a broken signature", tampered, "not signed by the site's CA"},
		{"cut off", whole[:len(whole)/2], "cannot be read"},
		{"with something behind it", append(whole[:len(whole):len(whole)], 0), "cannot be read"},
		{"nothing", nil, "cannot be read"},
	} {
		text := base64.StdEncoding.EncodeToString(certificatePEM(c.der))
		got := expect(t, v, with(t, good, fields{"certificate": text}), bus.Invalid)
		if !strings.Contains(got.Reason, c.reason) {
			t.Errorf("%s: %s", c.name, got.Reason)
		}
	}
	for _, text := range []string{
		"", "=", "????", "QUJD", strings.Repeat("A", 100<<10), base64.StdEncoding.EncodeToString(keyPEM(key)),
		base64.StdEncoding.EncodeToString(whole), base64.StdEncoding.EncodeToString(certificatePEM(make([]byte, 48<<10))),
		base64.StdEncoding.EncodeToString([]byte(strings.Repeat("-----BEGIN CERTIFICATE-----\n", 1500))),
	} {
		expect(t, v, with(t, good, fields{"certificate": text}), bus.Invalid)
	}
}

// valid makes a certificate valid from one year to another, counted from now.
func valid(from, to int) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = now.AddDate(from, 0, 0), now.AddDate(to, 0, 0) }
}

func TestCertificatesCountAtTheTimeOfTheMessage(t *testing.T) {
	p := newPKI(t, "CA", valid(-9, -5))
	s := p.signer("app01", valid(-9, -6))
	old := with(t, plain, fields{"timestamp": now.AddDate(-8, 0, 0).Unix()})
	config := trust.Config{MaxAge: 20 * 365 * 24 * time.Hour}
	v := verifier(t, config, trust.Keys{CA: p.pem()})
	expect(t, v, sign(t, s, old), bus.Signed)
	expect(t, v, sign(t, s, plain), bus.Invalid)
	expect(t, p.verifier(), sign(t, s, old), bus.Stale)

	before := p.pem()
	p.renew("CA", valid(-5, 5)) // the CA's certificate is renewed, with the same key
	late := p.signer("app02")
	for _, c := range []struct {
		ca       []byte
		old, new bus.Verdict
	}{
		{before, bus.Signed, bus.Invalid},
		{p.pem(), bus.Signed, bus.Signed},
		{append(before, p.pem()...), bus.Signed, bus.Signed},
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
	strict := verifier(t, trust.Config{RefuseSHA1: true}, trust.Keys{CA: p.pem()})
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
		{"", "no certificate"}, {"junk", "no certificate"}, {string(p.cert.Raw), "no certificate"},
		{string(certificatePEM([]byte{0x30})), "x509"}, {string(p.pem()) + string(keyPEM(key)), "RSA PRIVATE KEY"},
		{string(noCA.pem()), "not one of a CA"}, {string(noSigner.pem()), "not one of a CA"},
		{string(certificatePEM(p.leaf("app01", &key.PublicKey))), "not one of a CA"},
	} {
		_, err := trust.New(trust.Config{CA: "ca"}, trust.Keys{CA: []byte(c.file)})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "ca: ") {
			t.Errorf("%.60q: %v, want %q", c.file, err, c.want)
		}
	}
}
