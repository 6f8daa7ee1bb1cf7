package nodes

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestNodesThatReadDifferentFiles: each of two nodes notices, and that it is over.
func TestNodesThatReadDifferentFiles(t *testing.T) {
	d := migratest.Open(t, migratest.Postgres(t))
	node := func(name string, sums map[string]string) *Files {
		return &Files{Node: name, DB: d.Writer, Log: slog.New(slog.DiscardHandler),
			Sums: func() map[string]string { return sums }}
	}
	mine := map[string]string{"directory": "0123456789abcdef", "catalogue": "aa"}
	a, b := node("a", mine), node("b", map[string]string{"directory": "", "catalogue": "aa"})
	look := func(f *Files) string {
		t.Helper()
		found, err := f.look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f.note(found)
		return strings.Join(f.Warnings(), "\n")
	}
	if got := look(a); got != "" {
		t.Errorf("a node alone says %q", got)
	}
	if got := look(b); !strings.Contains(got, "same directory, and") ||
		!strings.Contains(got, "here it is none, at a 0123456789ab") {
		t.Errorf("b says %q", got)
	}
	if got := look(a); strings.Count(got, "\n") > 0 || !strings.Contains(got, "at b none") {
		t.Errorf("a says %q", got)
	}
	mine["directory"] = ""
	if got := look(a); got != "" {
		t.Errorf("a says %q, want nothing any more", got)
	}
	if got := (*Files)(nil).Warnings(); got != nil {
		t.Errorf("without nodes: %q", got)
	}
}
