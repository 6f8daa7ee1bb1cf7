package trust_test

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
)

// vectors opens a file of reference vectors, which are not part of this repository; without it the test is skipped.
func vectors(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "fedmsg-vectors", name))
	if err != nil {
		t.Skipf("needs ../shared/fedmsg-vectors/%s", name)
	}
	return text
}

func vectorsOf[T any](t testing.TB, name string) []T {
	t.Helper()
	var all []T
	if err := json.Unmarshal(vectors(t, name), &all); err != nil || len(all) == 0 {
		t.Fatalf("%d vectors in %s: %v", len(all), name, err)
	}
	return all
}

func decode(t testing.TB, body string) *bus.Message {
	t.Helper()
	m, err := bus.DecodeLine([]byte(body), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func verifier(t testing.TB, c trust.Config, keys trust.Keys) *trust.Verifier {
	t.Helper()
	c.CA, c.CRL = given("ca", keys.CA), given("crl", keys.CRL)
	c.GPGKeys = given("keys", keys.GPG)
	v, err := trust.New(c, keys)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// given is the name of a file that is there.
func given(name string, text []byte) string {
	if text == nil {
		return ""
	}
	return name
}

// verdicts are those of the vectors that are not signed. fedmsg has no more than true and false.
var verdicts = map[string]bus.Verdict{
	"plain-crl-expired":       bus.Unchecked,
	"policy-denied":           bus.WrongSigner,
	"policy-missing-nitpicky": bus.WrongSigner,
	"unsigned":                bus.Unsigned,
	"unknown-backend":         bus.Unchecked,
	"backend-not-allowed":     bus.Unchecked,
}

func TestVectorsOfX509(t *testing.T) {
	type vector struct {
		Name, Body string
		Config     struct {
			CA, CRL  string
			Policy   map[string][]string `json:"routing_policy"`
			Nitpicky bool                `json:"routing_nitpicky"`
		}
		Fedmsg   any  `json:"fedmsg_validates"`
		Tolerant bool `json:"suggested_with_tolerant_extras"`
	}
	all := vectorsOf[vector](t, "x509-signed.json")
	if len(all) < 38 {
		t.Errorf("%d vectors, want 38", len(all))
	}
	for _, c := range all {
		keys := trust.Keys{CA: vectors(t, "pki-"+c.Config.CA)}
		if c.Config.CRL != "" {
			keys.CRL = vectors(t, "pki-"+c.Config.CRL)
		}
		v := verifier(t, trust.Config{
			Policy: c.Config.Policy, Nitpicky: c.Config.Nitpicky, MaxAge: 50 * 365 * 24 * time.Hour,
		}, keys)
		got, action := v.Judge(decode(t, c.Body), time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC))
		want := cmp.Or(verdicts[c.Name], bus.Invalid)
		if c.Fedmsg == true || c.Tolerant {
			want = bus.Signed
		}
		if got.Verdict != want || got.Signer == "" != (want != bus.Signed && want != bus.WrongSigner) {
			t.Errorf("%s: %+v, want %s", c.Name, got, want)
		}
		if (action == trust.Accept) != (want == bus.Signed) || (action == trust.Drop) != (want == bus.Invalid) {
			t.Errorf("%s: %s is %s", c.Name, got.Verdict, action)
		}
		if got.Verdict != bus.Signed && got.Reason == "" || (got.Reason != "") == (got.Verdict == bus.Signed && !c.Tolerant) {
			t.Errorf("%s: %s with the reason %q", c.Name, got.Verdict, got.Reason)
		}
		t.Logf("%-24s %-12s %s", c.Name, got.Verdict, got.Reason)
	}
}

func TestVectorsOfRealMessages(t *testing.T) {
	type vector struct {
		Body   string
		Signer string `json:"signer_cn"`
	}
	then := verifier(t, trust.Config{}, trust.Keys{CA: vectors(t, "fedora-ca-2012.pem")})
	both := append(vectors(t, "fedora-ca.pem"), vectors(t, "fedora-ca-2012.pem")...)
	renewed := verifier(t, trust.Config{}, trust.Keys{CA: both})
	other := verifier(t, trust.Config{}, trust.Keys{CA: vectors(t, "pki-ca.crt")})
	strict := verifier(t, trust.Config{RefuseSHA1: true}, trust.Keys{CA: both})
	all := vectorsOf[vector](t, "real-signed.json")
	for i, c := range all {
		m := decode(t, c.Body)
		today := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
		for _, check := range []struct {
			by   *trust.Verifier
			at   time.Time
			want bus.Standing
		}{
			{then, m.Time, bus.Standing{Verdict: bus.Signed, Signer: c.Signer}},
			{renewed, m.Time.Add(time.Hour), bus.Standing{Verdict: bus.Signed, Signer: c.Signer}},
			{renewed, today, bus.Standing{Verdict: bus.Stale, Signer: c.Signer}},
			{other, m.Time, bus.Standing{Verdict: bus.Invalid}},
			{strict, m.Time, bus.Standing{Verdict: bus.Invalid}},
		} {
			got, _ := check.by.Judge(m, check.at)
			if got.Verdict != check.want.Verdict || got.Signer != check.want.Signer {
				t.Errorf("message %d at %s: %s (%s), want %s", i, check.at, got.Words(), got.Reason, check.want.Words())
			}
		}
	}
}

// TestVectorsOfAnArchive: datagrepper has added fields and made the timestamps floats.
func TestVectorsOfAnArchive(t *testing.T) {
	var answer struct {
		Messages []json.RawMessage `json:"raw_messages"`
	}
	if err := json.Unmarshal(vectors(t, "datagrepper-response-2017.json"), &answer); err != nil || answer.Messages == nil {
		t.Fatalf("%d messages: %v", len(answer.Messages), err)
	}
	v := verifier(t, trust.Config{}, trust.Keys{CA: vectors(t, "fedora-ca-2012.pem")})
	for i, text := range answer.Messages {
		m := decode(t, string(text))
		got, _ := v.Judge(m, m.Time)
		if got.Verdict != bus.Signed || got.Signer == "" || !strings.Contains(got.Reason, "source_name") {
			t.Errorf("message %d: %s (%s)", i, got.Words(), got.Reason)
		}
	}
}

func TestVectorsOfGPG(t *testing.T) {
	type vector struct {
		Name, Body string
		Fedmsg     bool `json:"fedmsg_validates"`
	}
	v := verifier(t, trust.Config{}, trust.Keys{GPG: vectors(t, "gpg-public-keys.asc")})
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, c := range vectorsOf[vector](t, "gpg-signed.json") {
		got, action := v.Judge(decode(t, c.Body), now)
		want, does := bus.Invalid, trust.Drop
		if c.Fedmsg {
			want, does = bus.BodyOnly, trust.Mark
		}
		if got.Verdict != want || action != does || got.Reason == "" {
			t.Errorf("%s: %+v, %s, want %s, %s", c.Name, got, action, want, does)
		}
		t.Logf("%-24s %s (%s)", c.Name, got.Words(), got.Reason)
	}
}
