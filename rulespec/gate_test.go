package rulespec_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/kindtest"
)

// TestGate walks the filters that every way in must take or refuse alike; tests of the other rooms walk them too.
func TestGate(t *testing.T) {
	env := rulespec.Env{KnowsKind: func(name string) bool { return name != kindtest.NoMessageKind }}
	for _, c := range kindtest.GateCases() {
		_, parsed := rulespec.Parse(env, c.Text())
		for way, err := range map[string]error{"Check": errors.Join(rulespec.Check(env, c.Filter())...),
			"Parse": parsed} {
			if (err != nil) != (c.Problem != "") || err != nil && !strings.Contains(err.Error(), c.Problem) {
				t.Errorf("%s: %s says %v, want %q", c.Name, way, err, c.Problem)
			}
		}
	}
}

// TestMistakesStandWhereTheRuleStands: what a rule is refused for beside its neighbours is reported in its line.
func TestMistakesStandWhereTheRuleStands(t *testing.T) {
	text := "filters:\n  - name: a\n    rules:\n      - everything: true\n      - regex: {in: body, pattern: '[a-z]+'}\n"
	_, err := rulespec.Parse(rulespec.Env{}, []byte(text))
	var wrong *rulespec.Error
	if !errors.As(err, &wrong) || wrong.Line != 5 || wrong.Column != 27 || wrong.Rule != 2 {
		t.Errorf("error %+v, want it about rule 2, in line 5, column 27", err)
	}
}

// TestTooManyTexts: the limit on what a person has in all filters holds in a file, for each owner.
func TestTooManyTexts(t *testing.T) {
	text := "filters:\n"
	add := func(owner string, n int) {
		text += fmt.Sprintf("  - name: %s%d\n    owner: %s\n    rules: [{regex: [%s]}]\n", owner, n, owner,
			strings.Repeat("urgent, ", n))
	}
	add("alice", rulespec.MaxTexts-1)
	add("alice", 1)
	add("bob", 2)
	if _, err := rulespec.Parse(rulespec.Env{}, []byte(text)); err != nil {
		t.Error(err)
	}
	add("bob", rulespec.MaxTexts-1)
	want := `line 11, column 5: filter "bob9": regex: pattern: ` +
		"with the 9 regular expressions over texts of this filter you would have 11"
	if _, err := rulespec.Parse(rulespec.Env{}, []byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want it to begin %q", err, want)
	}
}
