package migrations_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// stepName is five digits and the purpose of the step.
var stepName = regexp.MustCompile(`^(\d{5})_[a-z0-9_]+\.sql$`)

// TestStepsAreWhole checks that each step has a file in both dialects with the same name, a way up and a way down,
// and that the numbers have no gap. A step from 90000 on is one that a site has beside ours, or an example.
func TestStepsAreWhole(t *testing.T) {
	sqlite, postgres := steps(t, "sqlite"), steps(t, "postgres")
	for _, name := range sqlite {
		if !slices.Contains(postgres, name) {
			t.Errorf("migrations/postgres/%s is missing: each step has a file in both dialects", name)
		}
	}
	for _, name := range postgres {
		if !slices.Contains(sqlite, name) {
			t.Errorf("migrations/sqlite/%s is missing: each step has a file in both dialects", name)
		}
	}
	for i, name := range sqlite {
		if name >= "9" {
			break
		}
		if want := fmt.Sprintf("%05d", i+1); !strings.HasPrefix(name, want) {
			t.Errorf("migrations/sqlite/%s: the number of this step is %s", name, want)
			break
		}
	}
}

// steps returns the names of the files of a dialect, in order, and checks each alone.
func steps(t *testing.T, dialect string) []string {
	t.Helper()
	entries, err := os.ReadDir(dialect)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		path := filepath.Join(dialect, e.Name())
		if !stepName.MatchString(e.Name()) {
			t.Errorf("migrations/%s: the name of a step is NNNNN_words.sql", path)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		up, down, found := strings.Cut(string(text), "-- +goose Down\n")
		if !strings.HasPrefix(up, "-- +goose Up\n") || !found || strings.TrimSpace(down) == "" {
			t.Errorf("migrations/%s begins with %q, and has %q before its way back", path, "-- +goose Up", "-- +goose Down")
		}
	}
	return names
}
