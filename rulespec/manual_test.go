package rulespec_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/kindtest"
)

// update writes into doc/rules.md what TestManualHasTheRuleKinds wants there.
var update = flag.Bool("update", false, "write the sections of rule kinds in doc/rules.md")

var manualFile = filepath.Join("..", "doc", "rules.md")

func readManual(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(manualFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestManual holds doc/rules.md to the code: its examples are read, and each limit is there.
func TestManual(t *testing.T) {
	manual := readManual(t)
	blocks := 0
	for _, part := range strings.Split(manual, "```yaml")[1:] {
		form, rest, _ := strings.Cut(part, "\n")
		block, _, closed := strings.Cut(rest, "```")
		if !closed {
			t.Fatalf("a block is not closed: %q", part)
		}
		if form == " rules" {
			block = "filters:\n- name: example\n  rules:\n  - everything: true\n  " +
				strings.ReplaceAll(block, "\n", "\n  ")
		}
		if _, err := rulespec.Parse(rulespec.Env{}, []byte(block)); err != nil {
			t.Errorf("doc/rules.md: an example in a ```yaml block is wrong: %v\n%s", err, block)
		}
		blocks++
	}
	if blocks == 0 {
		t.Error("doc/rules.md has no ```yaml block")
	}
	for _, limit := range []int{
		rulespec.MaxFilters, rulespec.MaxTargets, rulespec.MaxRules, rulespec.MaxValues, rulespec.MaxValue,
		rulespec.MaxProgram, rulespec.MaxRegexes, rulespec.MaxTexts, rulespec.MaxText >> 10, rulespec.MaxName,
		rulespec.MaxSearch >> 10,
	} {
		if !strings.Contains(manual, fmt.Sprint(limit)) {
			t.Errorf("doc/rules.md lacks the limit %d in section 7", limit)
		}
	}
}

// TestManualHasTheRuleKinds wants a section of each rule kind: its name and parameters as heading, and the example of
// its vectors. -update writes what is missing; what people wrote stays.
func TestManualHasTheRuleKinds(t *testing.T) {
	manual := readManual(t)
	after := "## 6." // where a section that is missing goes: behind that of the kind before it
	for _, v := range readKinds(t) {
		const remedy = "; run: go test ./rulespec -run TestManualHasTheRuleKinds -update, and read over what it wrote"
		section, found := sectionOf(manual, v.Kind)
		want := mended(section, v)
		switch {
		case !found && !*update:
			t.Errorf("doc/rules.md lacks the section of rule kind %s%s", v.Kind.Name, remedy)
		case section != want && !*update:
			t.Errorf("doc/rules.md, section of rule kind %s: the heading should be %q, "+
				"and the example that of testdata/kinds/%s.yaml%s", v.Kind.Name, headingOf(v.Kind), v.Kind.Name, remedy)
		case !found:
			at := endOfSection(manual, after)
			manual = manual[:at] + want + manual[at:]
		default:
			manual = strings.Replace(manual, section, want, 1)
		}
		after = startOf(v.Kind)
	}
	if *update {
		if err := os.WriteFile(manualFile, []byte(manual), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// startOf is how the heading of a kind begins, whatever its parameters are.
func startOf(kind *rulespec.RuleKind) string { return "### `" + kind.Name + "`" }

// headingOf returns the heading of a kind in the manual: its name and parameters.
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
		return startOf(kind)
	}
	return startOf(kind) + ": " + strings.Join(params, ", ")
}

// sectionOf returns the section of a kind, its heading included.
func sectionOf(manual string, kind *rulespec.RuleKind) (section string, found bool) {
	at := strings.Index(manual, "\n"+startOf(kind))
	if at < 0 {
		return "", false
	}
	return manual[at+1 : endOfSection(manual, startOf(kind))], true
}

// endOfSection returns where the section ends whose first line has that beginning.
func endOfSection(manual, begins string) int {
	from := strings.Index(manual, "\n"+begins) + 1
	end := len(manual)
	for _, next := range []string{"\n### ", "\n## "} {
		if i := strings.Index(manual[from:], next); i >= 0 {
			end = min(end, from+i+1)
		}
	}
	return end
}

const (
	openBlock  = "```yaml rules\n"
	closeBlock = "```\n"
)

// mended returns a section as it should be: a new one from the kind's Doc, and one that is there with its heading and
// its last block of rules replaced.
func mended(section string, v *kindtest.Vectors) string {
	block := openBlock + v.Example + closeBlock
	if section == "" {
		prose := v.Kind.Doc + "\n\n"
		for _, p := range v.Kind.Params {
			values := p.Doc
			if len(p.Choices) > 0 {
				values = "one of `" + strings.Join(p.Choices, "`, `") + "`. " + p.Doc
			}
			if values != "" {
				prose += "- `" + p.Name + "`: " + strings.TrimSpace(values) + "\n"
			}
		}
		return headingOf(v.Kind) + "\n\n" + strings.TrimRight(prose, "\n") + "\n\n" + block + "\n"
	}
	_, rest, _ := strings.Cut(section, "\n")
	lines := strings.SplitAfter(rest, "\n")
	from := slices.Index(lines, openBlock)
	if from < 0 {
		return headingOf(v.Kind) + "\n" + strings.TrimRight(rest, "\n") + "\n\n" + block + "\n"
	}
	end := from + slices.Index(lines[from:], closeBlock)
	return headingOf(v.Kind) + "\n" + strings.Join(lines[:from], "") + block + strings.Join(lines[end+1:], "")
}
