package rulespec_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/rulespec"
)

// TestManual holds doc/rules.md to the code: its examples are read, and each kind, parameter and limit is there.
func TestManual(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "doc", "rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	manual := string(text)
	blocks := 0
	for _, part := range strings.Split(manual, "```yaml")[1:] {
		form, rest, _ := strings.Cut(part, "\n")
		block, _, closed := strings.Cut(rest, "```")
		if !closed {
			t.Fatalf("a block is not closed: %q", part)
		}
		if form == " rules" {
			block = "filters:\n- name: example\n  rules:\n  - everything: true\n  " + strings.ReplaceAll(block, "\n", "\n  ")
		}
		if _, err := rulespec.Parse(rulespec.Env{}, []byte(block)); err != nil {
			t.Errorf("an example is wrong: %v\n%s", err, block)
		}
		blocks++
	}
	if blocks <= len(rulespec.RuleKinds) {
		t.Errorf("%d examples, want one for each of the %d kinds and a whole text", blocks, len(rulespec.RuleKinds))
	}
	for _, kind := range rulespec.RuleKinds {
		if heading := headingOf(kind); !strings.Contains(manual, heading) {
			t.Errorf("the manual lacks the heading %q", heading)
		}
	}
	for _, limit := range []int{rulespec.MaxFilters, rulespec.MaxTargets, rulespec.MaxRules, rulespec.MaxValues, rulespec.MaxValue, rulespec.MaxProgram, rulespec.MaxRegexes, rulespec.MaxText >> 10, rulespec.MaxName, rulespec.MaxSearch >> 10} {
		if !strings.Contains(manual, fmt.Sprint(limit)) {
			t.Errorf("the manual lacks the limit %d", limit)
		}
	}
}

// headingOf gives the heading of a kind in the manual: its name and parameters.
func headingOf(kind *rulespec.RuleKind) string {
	var params []string
	for _, p := range kind.Params {
		name := p.Name
		if p.Many {
			name += "*"
		}
		if p.Optional {
			name += "?"
		}
		params = append(params, name)
	}
	if len(params) == 0 {
		return "### `" + kind.Name + "`\n"
	}
	return "### `" + kind.Name + "`: " + strings.Join(params, ", ") + "\n"
}
