package main

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/kindtest"
)

// TestFilterCommandsPassTheGate: the commands refuse the same filters as the pages and the store, in the same words.
func TestFilterCommandsPassTheGate(t *testing.T) {
	var good, all rulespec.File
	for _, c := range kindtest.GateCases() {
		f := rulespec.FileFilter{Filter: c.Filter(), On: true}
		all.Filters = append(all.Filters, f)
		if c.Problem == "" {
			good.Filters = append(good.Filters, f)
		}
	}
	for _, command := range []string{"check", "test", "explain"} {
		if status, said := runFilter(t, command, good); status != 0 || said != "" {
			t.Errorf("filter %s of what every way in takes ends with %d and says %s", command, status, said)
		}
		status, said := runFilter(t, command, all)
		if status == 0 {
			t.Errorf("filter %s of what is refused elsewhere ends with 0", command)
		}
		for _, c := range kindtest.GateCases() {
			refused := regexp.MustCompile(`:\d+:\d+: filter "` + regexp.QuoteMeta(c.Name) + `": .*` +
				regexp.QuoteMeta(c.Problem)).MatchString(said)
			if refused != (c.Problem != "") {
				t.Errorf("%s: refused by filter %s: %v, want %q; it says\n%s", c.Name, command, refused, c.Problem,
					said)
			}
		}
	}
}

// runFilter runs a command on a file of filters and no messages. It returns the status and the mistakes that the
// command prints.
func runFilter(t *testing.T, command string, file rulespec.File) (status int, stderr string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "filters.yaml")
	if err := os.WriteFile(name, rulespec.Format(file), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	e := &env{
		ctx: t.Context(), stdin: strings.NewReader(""), stdout: io.Discard, stderr: &said, now: time.Now,
		log: slog.New(slog.DiscardHandler),
	}
	return run(e, []string{"filter", command, name, "--owner", "alice"}), said.String()
}
