package trust_test

import (
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
)

func TestWhichMethodChecks(t *testing.T) {
	p, key := newPKI(t, "CA"), newGPGKey(t, "Bot", at(now.AddDate(-1, 0, 0)))
	byX509, byGPG := sign(t, p.signer("app01"), plain), gpgSign(t, key, plain, at(now))
	both := verifier(t, trust.Config{}, trust.Keys{CA: p.PEM(), GPG: public(t, key)})
	x509 := p.verifier()
	gpg := verifier(t, trust.Config{}, trust.Keys{GPG: public(t, key)})
	neither := verifier(t, trust.Config{}, trust.Keys{})
	for _, c := range []struct {
		name    string
		v       *trust.Verifier
		payload string
		want    bus.Verdict
		reason  string
	}{
		{"x509", both, byX509, bus.Signed, ""},
		{"gpg", both, byGPG, bus.BodyOnly, "covers the body"},
		{"no keys", x509, byGPG, bus.Unchecked, "no OpenPGP keys"},
		{"no CA", gpg, byX509, bus.Unchecked, "no CA"},
		{"nothing", neither, byX509, bus.Unchecked, "no CA"},
		{"nothing", neither, byGPG, bus.Unchecked, "no OpenPGP keys"},
		{"unsigned", both, plain, bus.Unsigned, "no signature"},
		{"scheme only", both, with(t, plain, fields{"crypto": "x509"}), bus.Unsigned, "no signature"},
		{"unknown scheme", both, with(t, byX509, fields{"crypto": "sigstore"}), bus.Unchecked, "not known"},
		{"scheme in capitals", both, with(t, byX509, fields{"crypto": "X509"}), bus.Unchecked, "not known"},
		{"a broker's scheme", both, with(t, byX509, fields{"crypto": "broker"}), bus.Unchecked, "not known"},
		{"a relay's scheme", both, with(t, byX509, fields{"crypto": "relay"}), bus.Unchecked, "not known"},
		{"the other scheme", both, with(t, byX509, fields{"crypto": "gpg"}), bus.Invalid, "OpenPGP"},
		{"the other scheme", both, with(t, byGPG, fields{"crypto": "x509"}), bus.Invalid, "not both"},
		{"scheme is a number", both, with(t, byGPG, fields{"crypto": 5}), bus.BodyOnly, ""},
		{"an empty signature", both, with(t, plain, fields{"signature": ""}), bus.Invalid, ""},
	} {
		got := expect(t, c.v, c.payload, c.want)
		if !strings.Contains(got.Reason, c.reason) || got.Verdict == bus.Unsigned && got.Method != "" {
			t.Errorf("%s: %+v, want the reason %q", c.name, got, c.reason)
		}
	}
}

func TestWhatABrokerHasAuthenticated(t *testing.T) {
	p, key := newPKI(t, "CA"), newGPGKey(t, "Bot", at(now.AddDate(-1, 0, 0)))
	v := verifier(t, trust.Config{}, trust.Keys{CA: p.PEM(), GPG: public(t, key)})
	byX509 := sign(t, p.signer("app01"), plain)
	for _, c := range []struct {
		name, payload string
		want          bus.Standing
	}{
		{"unsigned", plain, bus.Standing{Verdict: bus.Signed, Signer: "bodhi", Method: bus.Broker}},
		{"unchecked", with(t, byX509, fields{"crypto": "?"}),
			bus.Standing{Verdict: bus.Signed, Signer: "bodhi", Method: bus.Broker}},
		{"gpg", gpgSign(t, key, plain, at(now)), bus.Standing{Verdict: bus.Signed, Signer: "bodhi", Method: bus.Broker}},
		{"x509", byX509, bus.Standing{Verdict: bus.Signed, Signer: "app01", Method: bus.X509}},
		{"forged", with(t, byX509, fields{"i": 2}), bus.Standing{Verdict: bus.Invalid, Method: bus.X509}},
	} {
		m, err := bus.Decode(bus.Frame{Topic: "org.example.t", Payload: []byte(c.payload), Publisher: "bodhi"}, now)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := v.Judge(m, now)
		got.Reason = ""
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
