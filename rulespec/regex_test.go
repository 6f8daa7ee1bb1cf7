package rulespec_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

func compile(t *testing.T, text string) rulespec.Predicate {
	t.Helper()
	p, err := rulespec.CompileRule(rulespec.Env{Owner: "alice"}, parseRule(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func subject(summary string, body any) *rulespec.Subject {
	e := &catalogue.Event{Message: &bus.Message{Body: body}}
	e.SetProse(catalogue.Prose{Summary: summary})
	return &rulespec.Subject{Event: e}
}

func holds(t *testing.T, p rulespec.Predicate, s *rulespec.Subject) bool {
	t.Helper()
	ok, err := p.Match(s)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

// Only the first 64 KiB of a text are searched: what a message costs is bounded.
func TestRegexLooksAtTheBeginning(t *testing.T) {
	p := compile(t, "regex: {pattern: needle, in: [summary, body]}")
	far := strings.Repeat("é", rulespec.MaxSearch/2)
	for _, test := range []struct {
		name          string
		summary, body string
		want          bool
	}{
		{"in reach", far[:rulespec.MaxSearch-8] + "needle", "", true},
		{"out of reach in the summary", far + "needle", "", false},
		{"out of reach in the body", "", far + "needle", false},
		{"across the cut", far[:rulespec.MaxSearch-2] + "needle", "", false},
	} {
		if got := holds(t, p, subject(test.summary, test.body)); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// Folding is Unicode's simple folding: k is also the Kelvin sign, s also the long s.
func TestRegexFoldsUnicode(t *testing.T) {
	for pattern, text := range map[string]string{"kernel": "\u212aernel", "straße": "STRAẞE", "sos": "\u017fo\u017f",
		"Ä": "ä"} {
		if !holds(t, compile(t, "regex: {pattern: "+pattern+", in: summary}"), subject(text, nil)) {
			t.Errorf("%q does not match %q", pattern, text)
		}
		if holds(t, compile(t, "regex: {pattern: "+pattern+", in: summary, case: sensitive}"), subject(text, nil)) {
			t.Errorf("%q, case-sensitive, matches %q", pattern, text)
		}
	}
}

// The classic bomb takes the time that its text takes.
func TestRegexIsLinear(t *testing.T) {
	p := compile(t, `regex: {pattern: "^(a+)+$", in: summary}`)
	start := time.Now()
	if holds(t, p, subject(strings.Repeat("a", rulespec.MaxSearch-1)+"b", nil)) {
		t.Error("matches")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// A name longer than patterns are tried on cannot be evaluated, unless another name fits; so it widens nothing under
// not.
func TestLongNames(t *testing.T) {
	long := strings.Repeat("a", rulespec.MaxName+1)
	for _, text := range []string{"package: a*", "package_regex: ^a", "topic: a*"} {
		p := compile(t, text)
		e := &catalogue.Event{Message: &bus.Message{Topic: long}, Packages: []string{long}}
		if ok, err := p.Match(&rulespec.Subject{Event: e}); ok || !errors.Is(err, rulespec.ErrUnevaluable) {
			t.Errorf("%s on a name of %d bytes: %v, %v, want it unevaluable", text, len(long), ok, err)
		}
	}
	p := compile(t, "package: a*")
	e := &catalogue.Event{Message: &bus.Message{}, Packages: []string{long, "abc"}}
	if ok, err := p.Match(&rulespec.Subject{Event: e}); !ok || err != nil {
		t.Errorf("with a name that fits: %v, %v, want a match", ok, err)
	}
	exact := compile(t, "package: abc")
	e = &catalogue.Event{Message: &bus.Message{}, Packages: []string{long}}
	if ok, err := exact.Match(&rulespec.Subject{Event: e}); ok || err != nil {
		t.Errorf("exact: %v, %v, want a plain miss", ok, err)
	}
}

// An explanation quotes what was found, short and on one line.
func TestWhyIsShort(t *testing.T) {
	p := compile(t, `regex: {pattern: "(?s)a.*", in: summary}`)
	why := p.Why(subject("a\n"+strings.Repeat("b", 10_000), nil))
	if len(why) > 200 || strings.Contains(why, "\n") {
		t.Errorf("Why = %q", why)
	}
}
