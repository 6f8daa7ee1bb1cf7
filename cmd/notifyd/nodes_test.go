package main

import (
	"encoding/json"
	"errors"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// tookOver is how long a test waits for what doc/scaling.md promises within 15 s: machines are busy.
const tookOver = time.Minute

// TestThreeNodes runs three daemons on one database and one queue: each message is routed by one, each notice is sent
// once, and what a killed node did goes on at another one.
func TestThreeNodes(t *testing.T) {
	w := newCluster(t)
	w.shareTheWork()
	w.killTheHolder()
	w.killOneThatSends()
	w.changeAFilter()
	for _, n := range w.nodes {
		if status := n.Stop(t); status != 0 {
			t.Errorf("exit status %d after SIGTERM, want 0", status)
		}
	}
	if n := w.query("SELECT count(*) FROM leases WHERE holder <> ''"); n != 0 {
		t.Errorf("%d leases are held when all have ended", n)
	}
	// What was killed stays in sight for a day, what has ended does not.
	if n := w.query("SELECT count(*) FROM nodes"); n != 2 {
		t.Errorf("%d nodes are shown, want the two that were killed", n)
	}
}

// shareTheWork: every node routes some of the messages, one node each, and alice hears of each once by mail and once on
// IRC.
func (w *cluster) shareTheWork() {
	w.holder("backend irc")
	before := w.routed()
	ids := w.publish(ferry, 60)
	w.all(ids)
	sum := 0
	for _, n := range change(before, w.routed()) {
		sum += n
		if n == 0 {
			w.Error("a node has routed nothing: the work is not shared")
		}
	}
	if sum != len(ids) {
		w.Errorf("%d messages were routed %d times", len(ids), sum)
	}
}

// all waits until alice has heard of messages, and looks for what came twice.
func (w *cluster) all(ids []string) {
	w.Helper()
	exectest.Eventually(w.T, tookOver, "all is told", func() bool {
		return w.query(unsettled) == 0 && w.said() >= w.ferries()
	})
	if got, want := w.said(), w.ferries(); got != want {
		w.Errorf("%d lines on IRC, want %d", got, want)
	}
	for _, id := range ids {
		if mails := w.mailIDs(id); len(mails) != 1 || len(mails["<alice@example.org>"]) != 1 {
			w.Errorf("message %s was mailed as %v", id, mails)
		} else {
			for _, n := range mails["<alice@example.org>"] {
				if n != 1 {
					w.Errorf("message %s was mailed %d times", id, n)
				}
			}
		}
	}
}

// unsettled counts what is owed.
const unsettled = "SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'claimed')"

// ferries is how many notices about ferries were owed on IRC.
func (w *cluster) ferries() int {
	return w.query("SELECT count(*) FROM deliveries d JOIN lanes l ON l.id = d.lane WHERE l.backend = 'irc' AND " +
		"l.destination NOT LIKE 'account:%'")
}

// killTheHolder kills the node that has the IRC connection. Another one connects and tells what comes then.
func (w *cluster) killTheHolder() {
	holder := w.holder("backend irc")
	holder.Kill()
	since := time.Now()
	told := w.said()
	ids := w.publish(ferry, 5)
	exectest.Eventually(w.T, tookOver, "another node tells on IRC", func() bool { return w.said() > told })
	w.Logf("IRC: told by another node %s after kill -9 of the holder", time.Since(since).Round(100*time.Millisecond))
	exectest.Eventually(w.T, tookOver, "all five are told", func() bool { return w.said() >= told+len(ids) })
	w.all(ids)
	for _, lease := range []string{"history", "outbox", "preferences", "own messages"} {
		w.holder(lease)
	}
	w.start(holder)
	w.wait(holder)
	w.status(holder)
}

// status: the node that is back, under a new name, says who is there, and who was killed.
func (w *cluster) status(asked *clusterNode) {
	out, err := exec.Command(buildNotifyd(w.T), "--config", asked.config, "status", "--json").Output()
	var said struct {
		Nodes []struct {
			Gone, This bool
			Holds      []string
		}
		Down []string
	}
	if err := errors.Join(err, json.Unmarshal(out, &said)); err != nil {
		w.Fatalf("%v: %s", err, out)
	}
	gone, this, holds := 0, 0, 0
	for _, n := range said.Nodes {
		if n.Gone {
			gone++
		} else {
			holds += len(n.Holds)
		}
		if n.This {
			this++
		}
	}
	if len(said.Nodes) != 4 || gone != 1 || this != 1 || holds < 5 || len(said.Down) > 0 {
		w.Errorf("status says %s", out)
	}
}

// killOneThatSends kills a node with mails in hand: the mail server has stopped in the middle of them. Another one
// sends them, as the same mails.
func (w *cluster) killOneThatSends() {
	w.mail.process.Signal(w.T, syscall.SIGSTOP)
	id := w.publish(storm, 1)[0]
	exectest.Eventually(w.T, tookOver, "each node has as many mails in hand as it may", func() bool {
		return w.query("SELECT count(*) FROM deliveries WHERE state = 'claimed'") == 3*4
	})
	victim := w.nodes[0]
	if victim == w.holder("backend irc") {
		victim = w.nodes[1]
	}
	victim.Kill()
	since := time.Now()
	w.mail.process.Signal(w.T, syscall.SIGCONT)
	exectest.Eventually(w.T, tookOver, "all are mailed", func() bool { return w.query(unsettled) == 0 })
	took := time.Since(since).Round(100 * time.Millisecond)
	mails, twice := w.mailIDs(id), 0
	for to, ids := range mails {
		if len(ids) != 1 {
			w.Errorf("%s got the message as %d different mails", to, len(ids))
		}
		for _, n := range ids {
			twice += n - 1
		}
	}
	again := w.query("SELECT count(*) FROM deliveries WHERE attempts > 0")
	if len(mails) != crew || again == 0 || again > 4 || twice > again {
		w.Errorf("%d of %d have their mail; %d were taken over, %d came twice", len(mails), crew, again, twice)
	}
	w.Logf("mail: %d in hand of a node killed by -9 were sent by others within %s, %d came twice with the same id", again,
		took, twice)
	w.start(victim)
	w.wait(victim)
}

// changeAFilter: what alice switches holds with the next message, whichever node routes it.
func (w *cluster) changeAFilter() {
	before, owed := w.routed(), w.ferries()
	w.switchFilter(false)
	quiet := w.publish(ferry, 60)
	exectest.Eventually(w.T, tookOver, "all are routed", func() bool {
		sum := 0
		for _, n := range change(before, w.routed()) {
			sum += n
		}
		return sum == len(quiet)
	})
	for _, n := range change(before, w.routed()) {
		if n == 0 {
			w.Error("a node has routed nothing: the test shows little")
		}
	}
	if n := w.ferries() - owed; n != 0 {
		w.Errorf("%d messages were told by a filter that was off", n)
	}
	w.switchFilter(true)
	w.all(w.publish(ferry, 20))
	if n := w.ferries() - owed; n != 20 {
		w.Errorf("%d of 20 messages were told by a filter that is on again", n)
	}
}
