package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// TestOutagesDelayOnlyWhatTheyMust stops the mail server for the whole run and the IRC server in the middle. Their
// deliveries arrive once, when the servers are back. A backend that is down does not slow one that is up.
func TestOutagesDelayOnlyWhatTheyMust(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "notifyd.db"))
	b := w.signIn(t, "alice@example.org", "alice")
	w.follow(t, b, "lanternfish")
	w.addIRC(t, b)
	screen := w.addDesktop(t, b)
	w.mail.process.Kill()

	const first, second = 10, 10
	w.failBuilds(t, 1, first)
	exectest.Eventually(t, 60*time.Second, "IRC has all that came while the mail server was down",
		func() bool { return w.onIRC(1, first) == first })

	w.irc.process.Kill()
	w.failBuilds(t, first+1, first+1)
	exectest.Eventually(t, 20*time.Second, "the desktop is not slowed by two backends that are down", func() bool {
		return strings.Contains(screen.history(t), build(first+1))
	})
	w.failBuilds(t, first+2, first+second)

	w.mail.start(t)
	w.irc.start(t)
	exectest.Eventually(t, 60*time.Second, "every mail arrives",
		func() bool { return w.mailed(1, first+second) == first+second })
	exectest.Eventually(t, 120*time.Second, "every line arrives",
		func() bool { return w.onIRC(1, first+second) == first+second })
	for i := 1; i <= first+second; i++ {
		if n := strings.Count(w.mailbox(), "X-Notifyd-Message-Id: "+outageID(i)+"\n"); n > 1 {
			t.Errorf("build %d was mailed %d times, want once", i, n)
		}
	}
}

func outageID(i int) string { return fmt.Sprintf("2026-outage-%03d", i) }

func build(i int) string { return fmt.Sprintf("lanternfish-%d.0-1", 1000+i) }

// failBuilds publishes that the builds from..to failed.
func (w *world) failBuilds(t *testing.T, from, to int) {
	for i := from; i <= to; i++ {
		w.bus.say(t, "org.example.test.buildsys.build.state.change", outageID(i), i, map[string]any{
			"attribute": "state", "old": 0, "new": 3, "build_id": 5000 + i, "name": "lanternfish",
			"version": fmt.Sprintf("%d.0", 1000+i),
			"release": "1", "owner": "bob", "instance": "primary",
		})
	}
}

// onIRC counts the builds from..to that alice has seen on IRC.
func (w *world) onIRC(from, to int) int {
	said, n := w.reader.said(), 0
	for i := from; i <= to; i++ {
		if strings.Contains(said, build(i)) {
			n++
		}
	}
	return n
}

// mailed counts the builds from..to that are in the mailbox.
func (w *world) mailed(from, to int) int {
	box, n := w.mailbox(), 0
	for i := from; i <= to; i++ {
		if strings.Contains(box, "X-Notifyd-Message-Id: "+outageID(i)+"\n") {
			n++
		}
	}
	return n
}
