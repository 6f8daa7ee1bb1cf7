package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestFromBusToPerson is the whole path with real parts: libzmq publishes, aiosmtpd has the mailbox, ngircd is the
// IRC network, weechat reads there, and dunst shows the bubble. The person does everything on the pages.
func TestFromBusToPerson(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { fromBusToPerson(t, filepath.Join(t.TempDir(), "notifyd.db")) })
	t.Run("postgres", func(t *testing.T) { fromBusToPerson(t, migratest.Postgres(t)) })
}

func fromBusToPerson(t *testing.T, dsn string) {
	w := newWorld(t, dsn)
	b := w.signIn(t, "alice@example.org", "alice")
	w.follow(t, b, "lanternfish")
	w.addIRC(t, b)
	screen := w.addDesktop(t, b)

	w.bus.say(t, "org.example.test.buildsys.build.state.change", "2026-e2e-1", 1, map[string]any{
		"attribute": "state", "old": 0, "new": 3, "build_id": 4711, "task_id": 1, "name": "lanternfish", "version": "2.4.0",
		"release": "1.el10", "owner": "bob", "instance": "primary",
	})
	fact := "lanternfish-2.4.0-1.el10"
	exectest.Eventually(t, 20*time.Second, "the mail is in the mailbox",
		func() bool { return w.mailWith("X-Notifyd-Message-Id: 2026-e2e-1") != "" })
	exectest.Eventually(t, 20*time.Second, "the line is on alice's screen",
		func() bool { return strings.Contains(w.reader.log(), fact) })
	exectest.Eventually(t, 20*time.Second, "the bubble is on the desktop",
		func() bool { return strings.Contains(screen.history(t), fact) })
	w.checkMail(t, w.mailWith("X-Notifyd-Message-Id: 2026-e2e-1"), fact)

	// A message about another person's package reaches nobody. A repeated message reaches nobody a second time.
	w.bus.say(t, "org.example.test.git.receive", "2026-e2e-2", 1, map[string]any{"commit": map[string]any{
		"repo": "tidepool", "branch": "main", "rev": "0123456789abcdef", "username": "dave", "summary": "Tidy",
		"message": "Tidy",
	}})
	w.bus.say(t, "org.example.test.buildsys.build.state.change", "2026-e2e-1", 2, map[string]any{"new": 3})
	w.bus.say(t, "org.example.test.buildsys.build.state.change", "2026-e2e-3", 3, map[string]any{
		"attribute": "state", "old": 0, "new": 1, "build_id": 4712, "name": "lanternfish", "version": "2.4.1",
		"release": "1.el10",
		"owner":   "bob", "instance": "primary",
	})
	exectest.Eventually(t, 20*time.Second, "the third message is in the mailbox",
		func() bool { return w.mailWith("X-Notifyd-Message-Id: 2026-e2e-3") != "" })
	if text := w.mailWith("X-Notifyd-Message-Id: 2026-e2e-2"); text != "" {
		t.Errorf("a message that no filter matches was mailed:\n%s", text)
	}
	if n := strings.Count(w.mailbox(), "X-Notifyd-Message-Id: 2026-e2e-1"); n != 1 {
		t.Errorf("a message that came twice was mailed %d times, want once", n)
	}
	if status := w.daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d after SIGTERM, want 0", status)
	}
}

// checkMail reads the mail with Debian's Python, an independent reader.
func (w *world) checkMail(t *testing.T, text, fact string) {
	t.Helper()
	read := exec.Command("/usr/bin/python3", "testdata/readmail.py")
	read.Stdin = strings.NewReader(text)
	out, err := read.CombinedOutput()
	if err != nil {
		t.Fatalf("Python cannot read the mail: %v: %s", err, out)
	}
	for _, want := range []string{"subject: ", fact, "you get this because", "multipart/alternative", "text/plain",
		"text/html",
		"auto-submitted: auto-generated", "list-unsubscribe: <http:", "defects: 0"} {
		if !strings.Contains(strings.ToLower(string(out)), strings.ToLower(want)) {
			t.Errorf("the mail lacks %q:\n%s", want, out)
		}
	}
}

// signIn signs a new person in by the link in the mailbox.
func (w *world) signIn(t *testing.T, address, account string) *browser {
	t.Helper()
	b := newBrowser(t, w.pages)
	b.post(t, "/signin", "address", address)
	link := regexp.MustCompile(regexp.QuoteMeta(w.pages) + `(/signin/[A-Za-z0-9_-]+)`)
	exectest.Eventually(t, 20*time.Second, "the sign-in link is in the mailbox",
		func() bool { return link.MatchString(w.mailText()) })
	path := link.FindStringSubmatch(w.mailText())[1]
	if page := b.get(t, path); !strings.Contains(page, "Sign me in") {
		t.Fatalf("the link's page has no button:\n%s", page)
	}
	b.post(t, path)
	page := b.post(t, "/welcome", "name", account)
	if !strings.Contains(page, "About me") {
		t.Fatalf("a new account does not show what it starts with:\n%s", page)
	}
	return b
}

// follow adds a filter for a package, written as text.
func (w *world) follow(t *testing.T, b *browser, pkg string) {
	t.Helper()
	text := fmt.Sprintf("filters:\n  - name: About %s\n    rules:\n      - package: %s\n", pkg, pkg)
	b.post(t, "/filters", "mode", "text", "text", text, "do", "save")
	if page := b.get(t, "/filters"); !strings.Contains(page, "About "+pkg) {
		t.Fatalf("the new filter is not on the list:\n%s", page)
	}
}

// addIRC confirms alice's nick with the code that was shown on IRC.
func (w *world) addIRC(t *testing.T, b *browser) {
	t.Helper()
	page := b.post(t, "/destinations", "backend", "irc", "address", "alice@test")
	path := regexp.MustCompile(`/destinations/[0-9]+`).FindString(b.at)
	if path == "" {
		t.Fatalf("adding a nick does not lead to its page but to %s:\n%s", b.at, page)
	}
	code := regexp.MustCompile(`\b[0-9A-Z]{5}-[0-9A-Z]{5}\b`)
	exectest.Eventually(t, 30*time.Second, "the code is on alice's screen",
		func() bool { return code.MatchString(w.reader.said()) })
	page = b.post(t, path+"/confirm", "code", code.FindString(w.reader.said()))
	if strings.Contains(page, `class="problem"`) {
		t.Fatalf("the code was not accepted; alice saw:\n%s\nthe page says:\n%s", w.reader.said(), page)
	}
}

// addDesktop makes a token on the page and runs the agent with it.
func (w *world) addDesktop(t *testing.T, b *browser) *desktopSession {
	t.Helper()
	session := newDesktopSession(t)
	page := b.post(t, "/destinations", "backend", "desktop", "address", "laptop")
	token := regexp.MustCompile(`echo (?:&#39;|')([A-Za-z0-9_-]{30,})(?:&#39;|')`).FindStringSubmatch(page)
	if token == nil {
		t.Fatalf("the page shows no token:\n%s", page)
	}
	file := writeFile(t, t.TempDir(), "token", token[1])
	agent := exec.Command(buildNotifyd(t), "desktop", "--server", w.pages, "--token-file", file, "--state",
		filepath.Join(t.TempDir(), "state"))
	agent.Env = append(os.Environ(), session.environ...)
	c := exectest.Start(t, agent)
	exectest.Eventually(t, 20*time.Second, "the agent reads the stream",
		func() bool { return strings.Contains(c.Text(), "connected") })
	return session
}
