package desktop_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/desktop"
	"github.com/notifyd/notifyd/internal/exectest"
)

// child starts a program of the session that ends with the test.
func child(t testing.TB, name string, args ...string) *exectest.Child {
	t.Helper()
	cmd := exec.Command(exectest.Program(t, name), args...)
	cmd.Env = withBus()
	return exectest.Start(t, cmd)
}

// withBus is the environment of a program that wants the bus's address spelt out.
func withBus() []string {
	return append(os.Environ(), "DBUS_SESSION_BUS_ADDRESS=unix:path="+filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "bus"))
}

// A session is a person's desktop: an X server, a session bus at its usual place, and dunst.
type session struct {
	t          testing.TB
	dir        string
	opened     string // where the browser writes what it is to open
	bus, dunst *exectest.Child
}

func openSession(t *testing.T, markup string) *session {
	t.Helper()
	for _, name := range []string{"Xvfb", "dunst", "dunstctl", "dbus-daemon", "dbus-monitor", "gdbus"} {
		exectest.Program(t, name)
	}
	s := &session{t: t, dir: t.TempDir()}
	s.opened = filepath.Join(s.dir, "opened")
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", s.dir)
	t.Setenv("HOME", s.dir)
	t.Setenv("PATH", s.dir+":"+os.Getenv("PATH"))
	browser := fmt.Sprintf("#!/bin/sh\nprintf '%%s|' \"$#\" \"$@\" >> %s\n", s.opened)
	config := "[global]\nmarkup = " + markup + "\nhistory_length = 100\nnotification_limit = 100\nidle_threshold = 0\n"
	for name, text := range map[string]string{"xdg-open": browser, "dunstrc": config} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	x := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "800x600x24", "-nolisten", "tcp")
	x.ExtraFiles = []*os.File{write}
	exectest.Start(t, x)
	write.Close()
	display, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb names no display: %v", err)
	}
	t.Setenv("DISPLAY", ":"+strings.TrimSpace(display))
	s.start()
	return s
}

// start starts the bus and dunst, and waits until dunst answers.
func (s *session) start() {
	s.t.Helper()
	_ = os.Remove(filepath.Join(s.dir, "bus"))
	address := "unix:path=" + filepath.Join(s.dir, "bus")
	s.bus = child(s.t, "dbus-daemon", "--session", "--nofork", "--nopidfile", "--address="+address)
	exectest.Eventually(s.t, patience, "the bus listens", func() bool { // the file is there a moment before
		conn, err := net.Dial("unix", filepath.Join(s.dir, "bus"))
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	s.dunst = child(s.t, "dunst", "-config", filepath.Join(s.dir, "dunstrc"))
	s.run("gdbus", "wait", "--session", "--timeout", "60", "org.freedesktop.Notifications")
}

func (s *session) end() { s.dunst.Kill(); s.bus.Kill() }

// run runs a program in the session and gives what it prints.
func (s *session) run(name string, args ...string) []byte {
	s.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = withBus()
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("%s: %v", name, err)
	}
	return out
}

// A shownBubble is what dunst says that it has shown.
type shownBubble struct {
	id            float64
	summary, body string
}

// history closes what is on the screen and gives everything that was, oldest first.
func (s *session) history() []shownBubble {
	s.t.Helper()
	s.run("dunstctl", "close-all")
	type field struct {
		Data any `json:"data"`
	}
	var out struct {
		Data [][]map[string]field `json:"data"`
	}
	var list []shownBubble
	if err := json.Unmarshal(s.run("dunstctl", "history"), &out); err != nil {
		s.t.Fatal(err)
	}
	for _, n := range out.Data[0] {
		text := func(name string) string { return fmt.Sprint(n[name].Data) }
		id, _ := n["id"].Data.(float64)
		list = append(list, shownBubble{id, text("summary"), text("body")})
	}
	slices.SortFunc(list, func(a, b shownBubble) int { return cmp.Compare(a.id, b.id) })
	return list
}

func notices(titles ...string) []backends.Notice {
	var list []backends.Notice
	for _, title := range titles {
		list = append(list, backends.Notice{
			Title: title, Text: "text of " + title, Link: "https://example.org/" + title, Severity: "info"})
	}
	return list
}

func TestBubbles(t *testing.T) {
	for _, markup := range []string{"full", "no"} {
		t.Run("markup "+markup, func(t *testing.T) {
			s := openSession(t, markup)
			b := desktop.NewBubbles(slog.New(slog.DiscardHandler))
			defer b.Close()
			monitor := child(t, "dbus-monitor", "--address", "unix:path="+filepath.Join(s.dir, "bus"),
				"interface='org.freedesktop.Notifications'")
			exectest.Eventually(t, patience, "the monitor listens", func() bool {
				return strings.Contains(monitor.Text(), "NameAcquired")
			})
			hostile := backends.Notice{
				Title: "a\x00 <b>bold</b>\n& title\u202e", Text: "<img src=x> & <a href='http://x.example'>\xff\x00",
				Severity: "critical",
				Link:     "javascript:alert(1)"}
			if err := b.ShowNotices(t.Context(), append(notices("first"), hostile)); err != nil {
				t.Fatal(err)
			}
			got := s.history()
			if len(got) != 2 || got[0].summary != "first" || got[0].body != "text of first" {
				t.Fatalf("dunst shows %+v", got)
			}
			if got[1].summary != "a <b>bold</b> & title" {
				t.Errorf("dunst shows the title %q", got[1].summary)
			}
			body := map[string]string{
				"full": `string "&lt;img src=x&gt; &amp; &lt;a href='http://x.example'&gt;` + "\uFFFD\"",
				"no":   `string "<img src=x> & <a href='http://x.example'>` + "\uFFFD\"",
			}[markup]
			for _, want := range []string{
				body, `string "x-notifyd.notice"`, `string "dialog-information"`, `string "dialog-error"`,
				"byte 1", "byte 2", `string "default"`, `string "Open"`,
			} {
				exectest.Eventually(t, patience, "a call with "+want, func() bool {
					return strings.Contains(monitor.Text(), want)
				})
			}
			if strings.Contains(monitor.Text(), "javascript") {
				t.Error("a link that is none went over the bus")
			}
		})
	}
}

func TestBubblesBurst(t *testing.T) {
	s := openSession(t, "full")
	b := desktop.NewBubbles(slog.New(slog.DiscardHandler))
	defer b.Close()
	many := notices("n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8")
	many[2].Severity = "critical"
	if err := b.ShowNotices(t.Context(), many); err != nil {
		t.Fatal(err)
	}
	got := s.history()
	if len(got) != 2 || got[0].summary != "7 notices" || !strings.Contains(got[0].body, "n1") ||
		!strings.Contains(got[0].body, "and 1 more") || got[1].summary != "n3" {
		t.Errorf("dunst shows %+v", got)
	}
}

// TestBubblesClick clicks a bubble: its link is given to the browser as one argument, by no shell.
func TestBubblesClick(t *testing.T) {
	s := openSession(t, "full")
	b := desktop.NewBubbles(slog.New(slog.DiscardHandler))
	defer b.Close()
	link := "https://example.org/a?b=c&d=$(touch%20/tmp/x);'e'"
	if err := b.ShowNotices(t.Context(), []backends.Notice{{Title: "click me", Link: link}}); err != nil {
		t.Fatal(err)
	}
	s.run("dunstctl", "action", "0")
	var data []byte
	exectest.Eventually(t, patience, "the browser is asked", func() bool {
		data, _ = os.ReadFile(s.opened)
		return len(data) > 0
	})
	if string(data) != "1|"+link+"|" {
		t.Errorf("the browser got %q", data)
	}
}

// TestBubblesHostileSignal sends signals as another program on the bus would: nothing is opened, nothing breaks.
func TestBubblesHostileSignal(t *testing.T) {
	s := openSession(t, "full")
	b := desktop.NewBubbles(slog.New(slog.DiscardHandler))
	defer b.Close()
	if err := b.ShowNotices(t.Context(), notices("one")); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"'no number'"}, {"uint32 1"}, {"uint32 1", "'default'"}, {}} {
		s.run("gdbus", append([]string{"emit", "--session", "--object-path", "/org/freedesktop/Notifications",
			"--signal", "org.freedesktop.Notifications.ActionInvoked"}, args...)...)
	}
	if err := b.ShowNotices(t.Context(), notices("two")); err != nil {
		t.Fatal(err)
	}
	if got := s.history(); len(got) != 2 {
		t.Errorf("dunst shows %+v", got)
	}
	if data, err := os.ReadFile(s.opened); err == nil {
		t.Errorf("the browser got %q from a program that is not the notification server", data)
	}
}

func TestBubblesWithoutSession(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	b := desktop.NewBubbles(slog.New(slog.DiscardHandler))
	if err := b.ShowNotices(t.Context(), notices("one")); err == nil || desktop.HasSession() {
		t.Errorf("ShowNotices = %v without a bus", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// TestDesktopEndToEnd goes the whole way: feed, stream, agent, D-Bus, dunst; and the bus goes away and comes back.
func TestDesktopEndToEnd(t *testing.T) {
	s := openSession(t, "full")
	f := feed(t)
	server := serve(t, f.Stream(alice))
	shown := &screen{}
	b := desktop.NewBubbles(slog.New(slog.NewTextHandler(shown, nil)))
	defer b.Close()
	cfg := config(shown, server.URL, filepath.Join(s.dir, "state"))
	cfg.Show = b.Show
	stop := start(t, cfg)
	send(t, f, "p1", "alice", "before")
	waitFor := func(title string) {
		t.Helper()
		exectest.Eventually(t, patience, title+" is shown", func() bool {
			for _, got := range s.history() {
				if got.summary == title {
					return true
				}
			}
			return false
		})
	}
	waitFor("before")
	s.end()
	send(t, f, "p2", "alice", "meanwhile")
	exectest.Eventually(t, patience, "the agent has noticed", func() bool {
		return strings.Contains(shown.logged(),
			"cannot show")
	})
	s.start()
	waitFor("meanwhile")
	send(t, f, "p3", "alice", "after")
	waitFor("after")
	if err := stop(); err != nil {
		t.Error(err)
	}
}
