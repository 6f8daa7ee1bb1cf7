package lock_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/cmd/notifyd/lock"
)

// TestOneAtATime: whoever comes second is told who is first, also by another name of the file; and can take the lock
// when that one has ended.
func TestOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notifyd.db")
	other := path + ".link"
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, other); err != nil {
		t.Fatal(err)
	}
	first, err := lock.Take(path, "the first")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Take(other, "the second"); !lock.IsTaken(err) || !strings.Contains(err.Error(), "the first") {
		t.Errorf("Take = %v, want a refusal that names the first", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := lock.Take(other, "2")
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := lock.Take(path, "the third"); !lock.IsTaken(err) || !strings.Contains(err.Error(), "(2)") {
		t.Errorf("Take = %v, want a refusal that names the second", err)
	}
	if _, err := lock.Take(filepath.Join(path, "nowhere"), "x"); err == nil || lock.IsTaken(err) {
		t.Errorf("Take = %v, want another error", err)
	}
}
