package trust

import (
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

const fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567"

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// signedBy is what cryptography says of a good certificate; keyed, of a good OpenPGP signature.
func signedBy(name string) finding {
	return finding{Standing: bus.Standing{Verdict: bus.Signed, Signer: name, Method: bus.X509}, signedAt: noon}
}

// undated is a good signature of a message without a time.
func undated(name string) finding {
	f := signedBy(name)
	f.signedAt = time.Time{}
	return f
}

func keyed() finding {
	return finding{
		Standing: bus.Standing{Verdict: bus.BodyOnly, Signer: "A <a@example.org>", Method: bus.GPG},
		signedAt: noon, keys: []string{fingerprint, "AAAA456789ABCDEF0123456789ABCDEF0123BBBB"},
	}
}

// publishedBy is what a broker says of a sender.
func publishedBy(name string) finding {
	f := signedBy(name)
	f.Method = bus.Broker
	return f
}

func found(v bus.Verdict) finding { return finding{Standing: bus.Standing{Verdict: v}, signedAt: noon} }

func mustPolicy(t *testing.T, c Config) *policy {
	t.Helper()
	c.SetDefaults()
	p, err := newPolicy(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPolicyBySigner(t *testing.T) {
	rules := map[string][]string{
		"org.example.prod.git.push":   {"git.example.org"},
		"org.example.prod.git.*":      {"git.example.org", "git2.example.org"},
		"org.example.prod.#":          {"any.example.org", "0x0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567"},
		"org.example.*.keys.#":        {"89abcdef01234567"},
		"org.example.*.subkeys.#":     {"AAAA456789ABCDEF0123456789ABCDEF0123BBBB"},
		"org.example.prod.broker.one": {"token-1"},
	}
	for _, c := range []struct {
		topic   string
		f       finding
		nitpick bool
		want    bus.Verdict
		action  Action
	}{
		{"org.example.prod.git.push", signedBy("git.example.org"), false, bus.Signed, Accept},
		{"org.example.prod.git.push", signedBy("git2.example.org"), false, bus.WrongSigner, Mark}, // the exact rule wins
		{"org.example.prod.git.push", signedBy("any.example.org"), false, bus.WrongSigner, Mark},
		{"org.example.prod.git.tag", signedBy("git2.example.org"), false, bus.Signed, Accept},
		{"org.example.prod.git.tag", signedBy("any.example.org"), false, bus.WrongSigner, Mark},
		{"org.example.prod.git.tag.x", signedBy("any.example.org"), false, bus.Signed, Accept},
		{"org.example.prod.git.tag.x", signedBy("Any.example.org"), false, bus.WrongSigner, Mark}, // names are exact
		{"org.example.stg.git.push", signedBy("whoever.example.org"), false, bus.Signed, Accept},  // no rule
		{"org.example.stg.git.push", signedBy("whoever.example.org"), true, bus.WrongSigner, Mark},
		{"org.example.prod.broker.one", publishedBy("token-1"), false, bus.Signed, Accept},
		{"org.example.prod.broker.one", publishedBy("token-2"), false, bus.WrongSigner, Mark},
		// A key is named by its fingerprint or id, of the subkey too, and only as a key.
		{"org.example.prod.x", keyed(), false, bus.BodyOnly, Mark},
		{"org.example.stg.keys.x", keyed(), false, bus.BodyOnly, Mark},
		{"org.example.stg.subkeys", keyed(), false, bus.BodyOnly, Mark},
		{"org.example.stg.keys.x", signedBy(fingerprint), false, bus.WrongSigner, Mark},
		// Nothing is held against the signer for a topic that the signature does not cover.
		{"org.example.prod.git.push", keyed(), false, bus.BodyOnly, Mark},
		{"org.example.stg.nobody", keyed(), true, bus.BodyOnly, Mark},
		// Without a signature the rules do not matter.
		{"org.example.prod.git.push", found(bus.Unsigned), true, bus.Unsigned, Mark},
		{"org.example.prod.git.push", found(bus.Unchecked), true, bus.Unchecked, Mark},
		{"org.example.prod.git.push", found(bus.Invalid), true, bus.Invalid, Drop},
	} {
		p := mustPolicy(t, Config{CA: "ca.crt", Policy: rules, Nitpicky: c.nitpick})
		s, action := p.judge(&bus.Message{Topic: c.topic}, c.f, noon)
		if s.Verdict != c.want || action != c.action || s.Marked != (action == Mark) || s.Signer != c.f.Signer {
			t.Errorf("%s by %q (%s, nitpicky %v): %+v, %s; want %s, %s", c.topic, c.f.Signer, c.f.Method, c.nitpick, s, action,
				c.want, c.action)
		}
		if s.Verdict == bus.WrongSigner && !strings.Contains(s.Reason, "policy") {
			t.Errorf("%s by %q: no reason", c.topic, c.f.Signer)
		}
	}
}

// TestKeyGainsNothingByTopic: where the site accepts OpenPGP signatures, a key still gains nothing by sending under a
// topic whose rule does not name it.
func TestKeyGainsNothingByTopic(t *testing.T) {
	p := mustPolicy(t, Config{
		GPGKeys: "keys.asc", Verdicts: Verdicts{BodyOnly: Accept, WrongSigner: Drop},
		Policy: map[string][]string{"a.announce": {fingerprint}, "a.git.#": {"git.example.org"}},
	})
	for topic, want := range map[string]Action{"a.announce": Accept, "a.git.push": Drop, "a.other": Accept} {
		s, action := p.judge(&bus.Message{Topic: topic}, keyed(), noon)
		if s.Verdict != bus.BodyOnly || action != want || (want == Drop) != strings.Contains(s.Reason, "policy") {
			t.Errorf("%s: %+v, %s; want %s", topic, s, action, want)
		}
	}
}

// TestStrictestActionCounts: what is wrong in two ways is done with as the worse of them is.
func TestStrictestActionCounts(t *testing.T) {
	for _, v := range []Verdicts{
		{BodyOnly: Accept, WrongSigner: Drop, Stale: Accept}, {BodyOnly: Accept, WrongSigner: Accept, Stale: Drop},
	} {
		rules := map[string][]string{"t": {"a", fingerprint}, "u": {"a"}}
		p := mustPolicy(t, Config{CA: "ca.crt", Verdicts: v, Policy: rules})
		for _, f := range []finding{signedBy("b"), keyed()} {
			if s, action := p.judge(&bus.Message{Topic: "u"}, f, noon.Add(60*24*time.Hour)); action != Drop {
				t.Errorf("%+v: %+v, %s; want it dropped", v, s, action)
			}
		}
		if s, action := p.judge(&bus.Message{Topic: "t"}, keyed(), noon); action != Accept {
			t.Errorf("%+v: %+v, %s; want it accepted", v, s, action)
		}
	}
	p := mustPolicy(t, Config{GPGKeys: "keys.asc", Verdicts: Verdicts{BodyOnly: Drop, Stale: Accept}})
	if s, action := p.judge(&bus.Message{Topic: "t"}, keyed(), noon.Add(60*24*time.Hour)); action != Drop {
		t.Errorf("an old signature of a body: %+v, %s; want it dropped", s, action)
	}
}

func TestStale(t *testing.T) {
	p := mustPolicy(t, Config{CA: "ca.crt", MaxAge: 48 * time.Hour, Policy: map[string][]string{"t": {"a"}}})
	for _, c := range []struct {
		age  time.Duration
		late bool
		f    finding
		want bus.Verdict
	}{
		{0, false, signedBy("a"), bus.Signed},
		{48 * time.Hour, false, signedBy("a"), bus.Signed},
		{48*time.Hour + time.Second, false, signedBy("a"), bus.Stale},
		{48*time.Hour + time.Second, false, signedBy("b"), bus.WrongSigner},
		{48*time.Hour + time.Second, false, keyed(), bus.Stale},
		{48*time.Hour + time.Second, false, found(bus.Unsigned), bus.Unsigned},
		{100 * 24 * time.Hour, true, signedBy("a"), bus.Signed},
		{-time.Hour, false, signedBy("a"), bus.Signed},
		{-time.Hour - time.Second, false, signedBy("a"), bus.Stale},
		{0, false, undated("a"), bus.Stale},
		{0, true, undated("a"), bus.Signed},
	} {
		m := &bus.Message{Topic: "t", Late: c.late, Time: c.f.signedAt}
		s, _ := p.judge(m, c.f, noon.Add(c.age))
		said := strings.Contains(s.Reason, "its time is 2026-11-29 12:00:00 UTC") || strings.Contains(s.Reason, "no time")
		if s.Verdict != c.want || s.Verdict == bus.Stale && !said || s.Verdict == bus.Signed && said {
			t.Errorf("%s old, late %v, by %q: %+v, want %s", c.age, c.late, c.f.Signer, s, c.want)
		}
	}
}

func TestSourcesDiffer(t *testing.T) {
	p := mustPolicy(t, Config{
		CA: "ca.crt", Policy: map[string][]string{"t": {"a"}},
		Sources: map[string]Source{
			"relay": {Trusted: true}, "hub": {Verdicts: Verdicts{Unsigned: Drop, Invalid: Mark}},
		},
	})
	for _, c := range []struct {
		source string
		f      finding
		want   bus.Verdict
		action Action
	}{
		{"relay", found(bus.Unsigned), bus.Trusted, Accept},
		{"relay", found(bus.Invalid), bus.Trusted, Accept},
		{"relay", signedBy("b"), bus.Trusted, Accept},
		{"relay", signedBy("a"), bus.Signed, Accept}, // more is known than that the source is believed
		{"hub", found(bus.Unsigned), bus.Unsigned, Drop},
		{"hub", found(bus.Invalid), bus.Invalid, Mark},
		{"hub", found(bus.Unchecked), bus.Unchecked, Mark},
		{"other", found(bus.Unsigned), bus.Unsigned, Mark},
		{"other", found(bus.Invalid), bus.Invalid, Drop},
	} {
		s, action := p.judge(&bus.Message{Topic: "t", Source: c.source}, c.f, noon)
		if s.Verdict != c.want || action != c.action || s.Marked != (action == Mark) {
			t.Errorf("%s from %s: %+v, %s; want %s, %s", c.f.Verdict, c.source, s, action, c.want, c.action)
		}
		if c.source == "relay" { // what an archive says that the source has sent is judged by itself
			archived := &bus.Message{Topic: "t", Source: "relay", ThirdParty: true}
			if s, _ := p.judge(archived, c.f, noon); s.Verdict == bus.Trusted {
				t.Errorf("%s from an archive: %+v, want the verdict of any other source", c.f.Verdict, s)
			}
		}
		if s.Verdict == bus.Trusted && (s.Method != bus.Relay || s.Signer != "") {
			t.Errorf("%s from %s: %+v, want nobody's signature", c.f.Verdict, c.source, s)
		}
	}
}

// TestNothingToCheckWith: without a CA and keys a site marks what claims to be signed, and drops nothing.
func TestNothingToCheckWith(t *testing.T) {
	p := mustPolicy(t, Config{})
	for v, want := range map[bus.Verdict]Action{
		bus.Unsigned: Accept, bus.Unchecked: Mark, bus.Invalid: Mark, bus.Signed: Accept,
	} {
		if _, action := p.judge(&bus.Message{Topic: "t"}, found(v), noon); action != want {
			t.Errorf("%s: %s, want %s", v, action, want)
		}
	}
}

func TestKeyID(t *testing.T) {
	for text, want := range map[string]string{
		fingerprint: fingerprint, "0x89abcdef01234567": "89ABCDEF01234567",
		"01234567": "", "not a key": "", "": "", "0123456789ABCDEG": "", "bodhi.example.org": "",
	} {
		if got, err := keyID(text); got != want || (err != nil) != (text == "01234567") {
			t.Errorf("keyID(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
	v6 := "AB" + strings.Repeat("0", 62)
	if r := (rule{keys: []string{v6[:16]}}); !r.names(v6) || r.names(fingerprint) {
		t.Error("the id of a v6 key is the beginning of its fingerprint")
	}
}
