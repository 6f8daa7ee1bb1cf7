package trust

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

func TestConfigMistakes(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.crt")
	signers := []string{"a.example.org"}
	for want, c := range map[string]Config{
		"ca: open " + missing:                        {CA: missing},
		"crl: open " + missing:                       {CA: missing, CRL: missing},
		"gpg_keys: open " + missing:                  {GPGKeys: missing},
		"crl: there is no ca":                        {CRL: os.DevNull},
		"refuse_sha1: there is no ca":                {RefuseSHA1: true},
		"max_age: 1s; expected between":              {MaxAge: time.Second},
		"max_age: -1h0m0s; expected between":         {MaxAge: -time.Hour},
		"check: 2h0m0s; expected between 100ms and":  {Check: 2 * time.Hour},
		"policy.a.b*: \"b*\"; expected * or #":       {Policy: map[string][]string{"a.b*": signers}},
		"policy.a..b: an empty word":                 {Policy: map[string][]string{"a..b": signers}},
		"policy.a.b: an empty list; expected":        {Policy: map[string][]string{"a.b": {}}},
		`"DA19B4EC" has 8 hexadecimal digits`:        {Policy: map[string][]string{"a.b": {"DA19B4EC"}}},
		"policy.a.b: an empty name; expected":        {Policy: map[string][]string{"a.b": {"x", " "}}},
		"verdicts.stale: \"no\"; expected accept":    {Verdicts: Verdicts{Stale: "no"}},
		"sources.s.verdicts.signed: \"x\"; expected": {Sources: map[string]Source{"s": {Verdicts: Verdicts{Signed: "x"}}}},
		"sources.s: trusted and verdicts":            {Sources: map[string]Source{"s": {true, Verdicts{Signed: Drop}}}},
	} {
		if _, err := Open(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%+v): %v, want %q", c, err, want)
		}
	}
}

func TestCheckSources(t *testing.T) {
	c := Config{Sources: map[string]Source{"relay": {Trusted: true}, "reley": {Trusted: true}}}
	err := c.CheckSources([]string{"relay", "hub"})
	if err == nil || err.Error() != "sources.reley: no source is called so; expected one of hub, relay" {
		t.Errorf("CheckSources: %v", err)
	}
	if err := c.CheckSources([]string{"relay", "reley"}); err != nil {
		t.Error(err)
	}
}

func TestDefaults(t *testing.T) {
	var c Config
	c.SetDefaults()
	if c.Verdicts != notChecking || c.MaxAge != 720*time.Hour || c.Check != 10*time.Second || c.checks() {
		t.Errorf("without keys: %+v", c)
	}
	c = Config{GPGKeys: "keys.asc", Verdicts: Verdicts{Unsigned: Drop}}
	c.SetDefaults()
	want := checking
	want.Unsigned = Drop
	if c.Verdicts != want || !c.checks() {
		t.Errorf("with keys: %+v", c)
	}
}

// TestManualStatesDefaults compares the table of doc/trust.md with the defaults.
func TestManualStatesDefaults(t *testing.T) {
	manual, err := os.ReadFile(filepath.Join("..", "..", "doc", "trust.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|.*\\| (accept|mark|drop) \\| (accept|mark|drop) \\|$")
	told := map[bus.Verdict][2]Action{}
	for _, m := range row.FindAllStringSubmatch(string(manual), -1) {
		told[bus.Verdict(m[1])] = [2]Action{Action(m[2]), Action(m[3])}
	}
	for verdict, with := range checking.byVerdict() {
		if want := [2]Action{with, notChecking.byVerdict()[verdict]}; told[verdict] != want {
			t.Errorf("doc/trust.md says %q of %s, want %q", told[verdict], verdict, want)
		}
	}
}

// TestProves: people who ask for what is proved must not lose what the site takes as it is.
func TestProves(t *testing.T) {
	unsigned, none := Verdicts{Unsigned: Accept}, Verdicts{Signed: Drop}
	for name, c := range map[string]struct {
		config Config
		x509   bool
		want   bool
	}{
		"a CA":                   {Config{CA: "ca.crt"}, true, true},
		"nothing":                {Config{}, false, false},
		"keys, which prove less": {Config{GPGKeys: "keys.asc"}, false, false},
		"unsigned is accepted":   {Config{CA: "ca.crt", Verdicts: unsigned}, true, false},
		"from one source":        {Config{CA: "ca.crt", Sources: map[string]Source{"s": {Verdicts: unsigned}}}, true, false},
		"one source takes less":  {Config{CA: "ca.crt", Sources: map[string]Source{"s": {Verdicts: none}}}, true, true},
		"a source is believed":   {Config{CA: "ca.crt", Sources: map[string]Source{"s": {Trusted: true}}}, true, true},
	} {
		c.config.SetDefaults()
		v := &Verifier{config: c.config, policy: mustPolicy(t, c.config)}
		if c.x509 {
			v.x509 = &authority{}
		}
		if v.Proves() != c.want {
			t.Errorf("%s: %t", name, !c.want)
		}
	}
}
