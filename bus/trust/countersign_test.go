package trust_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/internal/pkitest"
)

// TestCountersignerTakesNobodysName: what is validly signed stays as it is, even where the site's policy would refuse
// it or its source is believed, so that the signature of the one who counter-signs never hides who it was.
func TestCountersignerTakesNobodysName(t *testing.T) {
	p, err := pkitest.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := p.Write(folder); err != nil {
		t.Fatal(err)
	}
	file := func(name string) string { return filepath.Join(folder, name) }
	v, err := trust.Open(trust.Config{
		CA: file("ca.crt"), CRL: file("crl.pem"), GPGKeys: file("keys.asc"),
		Policy:  map[string][]string{"org.example.#": {pkitest.Shell}},
		Sources: map[string]trust.Source{"relay": {Trusted: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	signer := mustSigner(t, file(pkitest.Shell+".crt"), file(pkitest.Shell+".key"))
	c := trust.Countersigner{
		Signer: func() *trust.Signer { return signer }, Verifier: func() *trust.Verifier { return v }, Now: time.Now,
	}
	envelope := func(id string) map[string]any {
		return map[string]any{"topic": "org.example.t", "msg": map[string]any{}, "msg_id": id, "i": 1,
			"timestamp": p.Now.Unix()}
	}
	for name, message := range map[string]map[string]any{
		pkitest.Git:   p.Sign(pkitest.Git, envelope("1")), // the policy names another
		pkitest.Shell: envelope("2"),
		"forged":      func() map[string]any { e := p.Sign(pkitest.Git, envelope("3")); e["i"] = 2; return e }(),
		"body only":   p.SignBody(envelope("4")),
	} {
		f := bus.Frame{Source: "relay", Topic: "org.example.t", Payload: pkitest.Canonical(message)}
		payload, err := c.Pass(f)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m, err := bus.Decode(bus.Frame{Topic: f.Topic, Payload: payload}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		want := pkitest.Shell
		if name == pkitest.Git {
			want = pkitest.Git
		}
		if s, _ := v.Judge(m, time.Now()); s.Signer != want {
			t.Errorf("%s: signed by %q (%s)", name, s.Signer, s.Words())
		}
	}
	for _, f := range []bus.Frame{
		{Topic: "org.example.t", Payload: []byte("text")},
		{Topic: "org.example.other", Payload: pkitest.Canonical(envelope("5"))},
	} {
		if _, err := c.Pass(f); err == nil || err.Error() != "no_envelope" {
			t.Errorf("%s %s: %v", f.Topic, f.Payload, err)
		}
	}
	large, err := json.Marshal(map[string]any{"topic": "org.example.t", "msg": strings.Repeat("x", bus.MaxPayload-100)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Pass(bus.Frame{Topic: "org.example.t", Payload: large}); err == nil || err.Error() != "unsendable" {
		t.Errorf("a message that grows beyond the bounds: %v", err)
	}
}

func mustSigner(t *testing.T, certificate, key string) *trust.Signer {
	t.Helper()
	content, err := trust.SignerFiles(certificate, key).Read()
	if err != nil {
		t.Fatal(err)
	}
	s, err := content.Make()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSignerFilesSayWhatIsWrong(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := trust.SignerFiles(empty, empty+"-missing").Read()
	if err == nil || !strings.Contains(err.Error(), "empty-missing") {
		t.Errorf("a missing key: %v", err)
	}
	content, err := trust.SignerFiles(empty, empty).Read()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := content.Make(); err == nil || !strings.Contains(err.Error(), "the certificate is no PEM") {
		t.Errorf("an empty certificate: %v", err)
	}
	none, err := trust.SignerFiles("", "").Read()
	if err != nil {
		t.Fatal(err)
	}
	if s, err := none.Make(); s != nil || err != nil {
		t.Errorf("without files: %v, %v", s, err)
	}
}
