package watch_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/notifyd/notifyd/internal/watch"
)

func TestFilesOfAFolder(t *testing.T) {
	files := watch.Files{Of: "numbers", Most: 6, Bytes: 4}
	folder := fstest.MapFS{"b.yml": {Data: []byte("1234")}, "a.yaml": {Data: []byte("123456")}, ".hidden.yaml": {},
		"README": {}, "c.yaml/d.yaml": {}}
	names, err := files.Names(folder)
	if want := []string{"a.yaml", "b.yml"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("Names = %q, %v, want %q", names, err, want)
	}
	for name, want := range map[string]string{"b.yml": "1234", "a.yaml": "12345"} {
		if text, err := files.Read(folder, name); err != nil || string(text) != want {
			t.Errorf("Read(%s) = %q, %v, want %q", name, text, err, want)
		}
	}
	folder["e"], folder["f"] = &fstest.MapFile{}, &fstest.MapFile{}
	if _, err := files.Names(folder); err == nil || err.Error() != "the folder of numbers has 7 files; at most 6" {
		t.Errorf("one file too many: %v", err)
	}
}

// TestFilesThatAreNone: whoever opens a pipe waits for who writes to it.
func TestFilesThatAreNone(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(folder, "x.yaml"), 0o600); err != nil {
		t.Skip("this file system has no pipes: ", err)
	}
	_, err := watch.Files{Of: "numbers", Most: 1, Bytes: 4}.Read(os.DirFS(folder), "x.yaml")
	if err == nil || err.Error() != "x.yaml: it is no regular file" {
		t.Errorf("a pipe: %v", err)
	}
}

// TestInFolder: the value is made anew when a name or a byte is another, and not where there is no folder.
func TestInFolder(t *testing.T) {
	files, made := watch.Files{Of: "numbers", Most: 9, Bytes: 9}, 0
	load := func() (int, error) { made++; return made, nil }
	folder := fstest.MapFS{"a.yaml": {Data: []byte("1")}}
	w, err := watch.New(watch.InFolder(folder, files, load), time.Hour, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range []func(){
		func() {},
		func() { folder["a.yaml"] = &fstest.MapFile{Data: []byte("2")} },
		func() { folder["b.yaml"] = folder["a.yaml"]; delete(folder, "a.yaml") },
	} {
		change()
		if err := w.Reload(); err != nil || w.Load() != want+1 {
			t.Errorf("made %d times, %v, want %d", w.Load(), err, want+1)
		}
	}
	folder["b.yaml"] = &fstest.MapFile{Mode: os.ModeNamedPipe}
	if err := w.Reload(); err == nil || !strings.Contains(err.Error(), "no regular file") || w.Load() != 3 {
		t.Errorf("a pipe: %v, made %d times", err, w.Load())
	}
	if s := watch.InFolder(nil, files, load); s.Look != nil {
		t.Error("no folder is looked at")
	}
}
