package kindtest_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/kindtest"
)

const dir = "../testdata/kinds"

func TestReadAll(t *testing.T) {
	all, err := kindtest.ReadAll(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, kind := range rulespec.RuleKinds {
		v := all[i]
		if v.Kind != kind {
			t.Fatalf("vectors %d are of %s, want %s", i, v.Kind.Name, kind.Name)
		}
		if len(v.Events()) == 0 || len(v.Filters()) != len(v.Cases)+len(v.Errors) {
			t.Errorf("%s: %d events, %d filters of %d cases and %d errors", kind.Name, len(v.Events()),
				len(v.Filters()), len(v.Cases), len(v.Errors))
		}
		for _, p := range kind.Params {
			if values := v.Values(p); len(values) == 0 || p.Choices != nil &&
				!slices.Equal(values[:len(p.Choices)], p.Choices) {
				t.Errorf("%s: the values of %s are %q, want the choices %q among them", kind.Name, p.Name, values,
					p.Choices)
			}
		}
	}
}

// TestReadSaysWhatIsMissing spoils a right file in one place at a time.
func TestReadSaysWhatIsMissing(t *testing.T) {
	right, err := os.ReadFile(filepath.Join(dir, "severity.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, old, new, want string }{
		{"no such kind", "kind: severity", "kind: severe", `no such rule kind`},
		{"unknown key", "kind: severity", "kind: severity\ncase: []", "unknown field"},
		{"a key twice", "kind: severity", "kind: severity\nkind: severity", "already defined"},
		{"a wrong rule", "severity: warning'", "severity: warnin'", "did you mean warning?"},
		{"a rule of another kind", "rule: 'severity: warning'", "rule: 'app: git'", `is of rule kind "app"`},
		{"a wrong event", "{severity: error}", "{severity: eror}", "eror"},
		{"no example", "example:", "owner:", "an `example` for the manual"},
		{"no errors", "errors:\n  - {rule: 'severity: debug'", "errors: []\n#", "`errors`, rules that are refused"},
		{"drawn, but no parameter", "least: [", "most: [",
			"`draw` has \"most\", which is no parameter of rule kind severity"},
		{"a choice is missing", "'severity: info'", "'severity: error'", "a case with least: info"},
		{"nothing under not", "'not: {severity: error}'", "'severity: error'", "a case under `not`"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(string(right), test.old, test.new, 1)
			if test.name == "no errors" {
				text = text[:strings.Index(text, "errors: []")+len("errors: []\n")]
			}
			file := filepath.Join(t.TempDir(), "severity.yaml")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := kindtest.Read(file); err == nil || !strings.Contains(err.Error(), test.want) ||
				!strings.Contains(err.Error(), file) {
				t.Errorf("error %v, want one of %s with %q", err, file, test.want)
			}
		})
	}
}

// TestReadAllSaysWhichFilesAreMissing names the file that is to be written, and the one that nobody reads.
func TestReadAllSaysWhichFilesAreMissing(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "weather.yaml"), []byte(strings.Repeat(" ", 1<<20)),
		0o600); err != nil {
		t.Fatal(err)
	}
	_, err := kindtest.ReadAll(folder)
	for _, want := range []string{
		"rule kind app has no vectors: write rulespec/testdata/kinds/app.yaml", `lists no rule kind "weather"`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if _, err := kindtest.Read(filepath.Join(folder, "weather.yaml")); err == nil ||
		!strings.Contains(err.Error(), "larger than") {
		t.Errorf("a file that is too long: %v", err)
	}
}

// TestDraw makes rules of every kind: most of them are right, some are wrong, and numbers come only where there are
// some.
func TestDraw(t *testing.T) {
	all, err := kindtest.ReadAll(dir)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, v := range all {
		right, numbered := 0, false
		for i := range 1000 {
			args := v.Draw(random.IntN, i%2*10)
			for _, values := range args {
				for _, value := range values {
					if strings.Contains(value, "<n>") {
						t.Fatalf("%s: drew %q", v.Kind.Name, value)
					}
					numbered = numbered || strings.HasPrefix(value, "p") &&
						strings.TrimLeft(value, "p0123456789") == "" && len(value) > 1
				}
			}
			if _, err := rulespec.CompileRule(rulespec.Env{Owner: "alice"},
				rulespec.Rule{Kind: v.Kind.Name, Args: args}); err == nil {
				right++
			}
		}
		if right < 250 || right == 1000 && len(v.Kind.Params) > 0 {
			t.Errorf("%s: %d of 1000 rules that were drawn are right; some should be, and some wrong", v.Kind.Name,
				right)
		}
		if v.Kind.Name == "user" && !numbered {
			t.Error("no person with a number was drawn")
		}
	}
}
