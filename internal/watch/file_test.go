package watch_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/notifyd/notifyd/internal/watch"
)

func TestReadFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := watch.ReadFile(name, 5); err != nil || string(text) != "12345" {
		t.Errorf("ReadFile = %q, %v", text, err)
	}
	if text, err := watch.ReadFile(name, 4); err == nil || !strings.Contains(err.Error(), "larger than 4 bytes") {
		t.Errorf("one byte too many: ReadFile = %q, %v", text, err)
	}
	if _, err := watch.ReadFile(name+"s", 5); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := watch.ReadFile(filepath.Dir(name), 5); err == nil {
		t.Error("a folder can be read")
	}
}

// TestReadFileDoesNotWait reads a pipe that nobody writes to.
func TestReadFileDoesNotWait(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Skip("this file system has no pipes: ", err)
	}
	if text, err := watch.ReadFile(name, 5); err != nil || len(text) > 0 {
		t.Errorf("ReadFile = %q, %v", text, err)
	}
}
