package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// notifydBinary builds the program once for all tests that run it as a process of its own.
var notifydBinary = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "notifyd-test")
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "notifyd")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build notifyd: %w: %s", err, out)
	}
	return path, nil
})

func buildNotifyd(t *testing.T) string {
	t.Helper()
	path, err := notifydBinary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// writeFile writes a file of the test and returns its path.
func writeFile(t testing.TB, folder, name string, lines ...string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
