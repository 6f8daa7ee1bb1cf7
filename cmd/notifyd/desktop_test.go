package main

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/backends/desktop"
)

func TestDesktopToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("  abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := desktopCmd{TokenFile: file}
	if got, err := c.token(); got != "abc" || err != nil {
		t.Errorf("token = %q, %v", got, err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := c.token(); err == nil || !strings.Contains(err.Error(), "chmod 600") ||
			strings.Contains(err.Error(), "abc") {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	c.TokenFile = file + "x"
	if _, err := c.token(); err == nil {
		t.Error("a token file that is not there is taken")
	}
}

func TestDesktopState(t *testing.T) {
	t.Setenv("HOME", "/home/alice")
	for dir, want := range map[string]string{
		"":       "/home/alice/.local/state/notifyd/desktop.state",
		"/state": "/state/notifyd/desktop.state",
	} {
		t.Setenv("XDG_STATE_HOME", dir)
		if got, err := new(desktopCmd).state(); got != want || err != nil {
			t.Errorf("XDG_STATE_HOME=%q: state = %q, %v", dir, got, err)
		}
	}
}

func TestDesktopEndsWhenTheTokenIsWithdrawn(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer server.Close()
	c := desktopCmd{Server: server.URL, Token: "abc", State: filepath.Join(t.TempDir(), "state")}
	err := c.Run(&env{ctx: t.Context(), stdout: io.Discard, stderr: io.Discard, log: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, desktop.ErrToken) {
		t.Errorf("Run = %v, want ErrToken", err)
	}
}
