package catalogue

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestWatcherKeepsTheLastGoodCatalogue(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tea.yaml")
	tea := func(kind string) string {
		return "app: tea\nentries:\n  - {topic: tea.ready, kind: " + kind + ", name: Tea, summary: tea}\n"
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(tea("tea.one"))
	var log strings.Builder
	synctest.Test(t, func(t *testing.T) {
		w, err := Watch(os.DirFS(dir), time.Minute, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- w.Run(t.Context()) }()
		step := func(what, want string, good bool) {
			t.Helper()
			time.Sleep(time.Minute + 5*time.Second) // in the bubble: to the next look, and until the files have settled
			synctest.Wait()
			if !w.Load().has(want) || (w.Err() == nil) != good {
				t.Errorf("%s: kind %s is there: %v, error: %v", what, want, w.Load().has(want), w.Err())
			}
		}
		step("at first", "tea.one", true)
		write(tea("tea.two"))
		step("changed, same size", "tea.two", true)
		write("app: tea\nentrees: []\n")
		step("broken", "tea.two", false)
		step("still broken", "tea.two", false)
		if err := os.Rename(dir, dir+"x"); err != nil {
			t.Fatal(err)
		}
		step("folder gone", "tea.two", false)
		if err := os.Rename(dir+"x", dir); err != nil {
			t.Fatal(err)
		}
		write(tea("tea.three"))
		step("mended", "tea.three", true)
		before := w.Load()
		write(tea("tea.three"))
		step("written anew with the same content", "tea.three", true)
		if w.Load() != before {
			t.Error("the same content was loaded again")
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		step("file gone", "git.receive", true)
		if w.Load().has("tea.three") {
			t.Error("the kind of a file that is gone is still there")
		}
	})
	if n := strings.Count(log.String(), "level=ERROR"); n != 2 {
		t.Errorf("%d errors are logged, want 2, one a failure:\n%s", n, &log)
	}
	if !strings.Contains(log.String(), `tea.yaml:2:1`) || strings.Count(log.String(), "readable again") != 1 {
		t.Errorf("the log does not say where it broke, and once that it is mended:\n%s", &log)
	}
}

func (c *Catalogue) has(kind string) bool {
	for _, k := range c.Kinds() {
		if k.Kind == kind {
			return true
		}
	}
	return false
}

// TestPipeInTheFolder: whoever opens a pipe waits for who writes to it, and the daemon with it.
func TestPipeInTheFolder(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(folder, "x.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(os.DirFS(folder))
	if err == nil || !strings.Contains(err.Error(), "x.yaml: it is no regular file") {
		t.Errorf("%v", err)
	}
}
