package mail_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus/mail"
)

// subjects gives subject and text of each mail in an archive.
func subjects(t *testing.T, path string) (all []string) {
	t.Helper()
	err := mail.Archive(path, func(m *mail.Mail, _ string) error {
		all = append(all, m.Header("Subject")+": "+strings.TrimSpace(m.Text()))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMbox(t *testing.T) {
	text := "\nFrom alice@example.org Mon Jan  5 10:00:00 2026\nSubject: one\n\nHot.\nFrom here on it is cold.\n\n" +
		"From bob@example.org Mon Jan  5 11:00:00 2026\nSubject: two\n\n>From Bob.\n>>From Carol.\n" +
		strings.Repeat("x", 200_000) + "\n\nFrom carol@example.org\nSubject: three\n\nEnd."
	for _, end := range []string{"\n", "\r\n"} {
		got := subjects(t, write(t, filepath.Join(t.TempDir(), "mbox"), strings.ReplaceAll(text, "\n", end)))
		if len(got) != 3 || got[0] != "one: Hot.\nFrom here on it is cold." || got[2] != "three: End." ||
			!strings.HasPrefix(got[1], "two: From Bob.\n>From Carol.\nxxx") {
			t.Errorf("with %q: %.200q", end, got)
		}
	}
	got := subjects(t, write(t, filepath.Join(t.TempDir(), "mail"), "\n\nSubject: one\n\nHot.\n\nFrom me"))
	if len(got) != 1 || got[0] != "one: Hot.\n\nFrom me" {
		t.Errorf("a file with one mail: %q", got)
	}
}

func TestMaildir(t *testing.T) {
	folder := t.TempDir()
	if err := mail.Archive(folder, nil); err == nil || !strings.Contains(err.Error(), "no Maildir") {
		t.Errorf("a folder that is no Maildir: %v", err)
	}
	write(t, filepath.Join(folder, "cur", "1000.a.mx:2,S"), "Subject: one\n\nHot.")
	write(t, filepath.Join(folder, "new", "1001.a.mx"), "Subject: two\n\nCold.")
	write(t, filepath.Join(folder, "cur", "1002.a.mx:2,"), "Subject: three\n\nEnd.")
	write(t, filepath.Join(folder, "cur", ".hidden"), "Subject: hidden\n\n")
	if got := subjects(t, folder); !slices.Equal(got, []string{"one: Hot.", "two: Cold.", "three: End."}) {
		t.Errorf("%q", got)
	}
	stop := errors.New("stop")
	if err := mail.Archive(folder, func(*mail.Mail, string) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("an archive goes on after an error: %v", err)
	}
}
