package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// A losing is a daemon, and a publisher that knows what it has sent. Either may be killed, or a relay between them.
type losing struct {
	*holed
	noted string // the publisher's file
	child *exectest.Child
}

// publish starts the publisher, which sends count messages at a rate.
func (l *losing) publish(how string, count, rate int, more ...string) {
	args := []string{
		filepath.Join("testdata", "counter.py"), how, fmt.Sprintf("tcp://127.0.0.1:%d", l.busPort), l.noted,
		strconv.Itoa(count), strconv.Itoa(rate),
	}
	l.child = exectest.Start(l.t, exec.Command(exectest.Python(l.t, "zmq"), append(args, more...)...))
}

// sent is how many messages the publisher has noted, and then sent.
func (l *losing) sent() int {
	text, err := os.ReadFile(l.noted)
	if err != nil && !os.IsNotExist(err) {
		l.t.Fatal(err)
	}
	return bytes.Count(text, []byte("\n"))
}

// all waits until the publisher has sent all and the daemon says no more.
func (l *losing) all() {
	l.t.Helper()
	exectest.Eventually(l.t, time.Minute, "all are sent", func() bool { return strings.Contains(l.child.Text(), "sent") })
}

// missing is how many messages the daemon, since its start, has found to be missing.
func (l *losing) missing() (n int) {
	for line := range strings.Lines(metricsText(l.t, l.metricsPort)) {
		if after, ok := strings.CutPrefix(line, `notifyd_source_missing_total{source="hub"} `); ok {
			n, _ = strconv.Atoi(strings.TrimSpace(after))
		}
	}
	return n
}

// lostAndSaid waits until every message that was sent is stored, or is reported to be missing.
func (l *losing) lostAndSaid(what string) {
	l.t.Helper()
	l.all()
	exectest.Eventually(l.t, time.Minute, "each message is stored, or reported to be missing", func() bool {
		return l.stored()+l.missing() == l.sent()
	})
	l.t.Logf("%s: %d sent, %d stored, %d lost, all of them reported", what, l.sent(), l.stored(), l.missing())
}

// killPublisher kills the publisher while the daemon does not read for a moment, so that messages wait in its memory.
func (l *losing) killPublisher(daemon *exectest.Child) {
	l.t.Helper()
	exectest.Eventually(l.t, 20*time.Second, "some are stored", func() bool { return l.stored() > 300 })
	daemon.Signal(l.t, syscall.SIGSTOP)
	until := l.sent() + 5000
	exectest.Eventually(l.t, 20*time.Second, "many wait", func() bool { return l.sent() > until })
	l.child.Kill()
	daemon.Signal(l.t, syscall.SIGCONT)
}

func newLosing(t *testing.T, zmq func(*holed) string) *losing {
	l := &losing{holed: newHoled(t, zmq, nothing)}
	l.noted = filepath.Join(l.folder, "noted")
	return l
}

// TestWhatAKillLoses kills, on a bus that acknowledges nothing, one of those that a message passes: what is lost then
// is reported, unless it has died with the only one who knew of it. Numbers of doc/losses.md are from here.
func TestWhatAKillLoses(t *testing.T) {
	t.Run("daemon", func(t *testing.T) {
		l := newLosing(t, nothing)
		l.publish("bind", 3000, 1000)
		daemon := l.start()
		exectest.Eventually(t, 20*time.Second, "some are stored", func() bool { return l.stored() > 300 })
		daemon.Kill()
		l.start()
		l.lostAndSaid("the daemon killed")
	})
	t.Run("relay", func(t *testing.T) {
		l := newLosing(t, nothing)
		in := exectest.FreePort(t)
		relay := func() *exectest.Child {
			return exectest.Start(t, exec.Command(buildNotifyd(t), "relay", "--in", fmt.Sprintf("tcp://127.0.0.1:%d", in),
				"--out", fmt.Sprintf("tcp://127.0.0.1:%d", l.busPort)))
		}
		first := relay()
		l.start()
		l.busPort, in = in, l.busPort
		l.publish("connect", 3000, 1000)
		l.busPort, in = in, l.busPort
		exectest.Eventually(t, 20*time.Second, "some are stored", func() bool { return l.stored() > 300 })
		first.Kill()
		relay()
		l.lostAndSaid("the relay killed")
	})
	t.Run("publisher", func(t *testing.T) {
		l := newLosing(t, nothing)
		l.publish("bind", 1_000_000, 5000)
		l.killPublisher(l.start())
		before := l.sent()
		l.publish("bind", 1000, 1000)
		l.all()
		exectest.Eventually(t, time.Minute, "what the second has sent is stored", func() bool {
			return count(t, l.database, fmt.Sprintf("SELECT count(*) FROM messages WHERE msg_id > '2026-counter-%08d'",
				before)) == 1000
		})
		if l.sent() == l.stored() {
			t.Error("nothing was lost: the test shows nothing")
		}
		t.Logf("the publisher killed, without a store: %d sent, %d stored, %d lost, %d reported", l.sent(), l.stored(),
			l.sent()-l.stored(), l.missing())
	})
	t.Run("publisher with a store", func(t *testing.T) {
		l := newLosing(t, withReplay)
		replay := fmt.Sprintf("tcp://127.0.0.1:%d", l.replay)
		l.publish("bind", 1_000_000, 5000, replay)
		l.killPublisher(l.start())
		l.publish("bind", 1000, 1000, replay)
		l.all()
		exectest.Eventually(t, time.Minute, "all are stored", func() bool { return l.stored() == l.sent() })
		late := count(t, l.database, "SELECT count(*) FROM messages WHERE late")
		if late == 0 {
			t.Error("nothing was asked for again: the test shows nothing")
		}
		t.Logf("the publisher killed, with a store: %d sent, %d stored, %d of them asked for again, 0 lost", l.sent(),
			l.stored(), late)
	})
}
