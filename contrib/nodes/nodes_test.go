package nodes_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// TestNodes plays the rows that were chosen.
func TestNodes(t *testing.T) {
	if alone != "" {
		t.Skipf("no hosts of their own can be made here: %s. It needs root, and a kernel that lets root make network "+
			"namespaces", alone)
	}
	if testing.Short() && *chosen == "" {
		t.Skip("it takes a minute: run it without -short, as make check does, or make nodes")
	}
	for _, program := range []string{"ip", "iptables", "setpriv", "epmd", "/usr/lib/rabbitmq/bin/rabbitmq-server"} {
		exectest.Program(t, program)
	}
	known := false
	for _, r := range rows {
		if *chosen == r.name || *chosen == "all" || *chosen == "" && r.name == shortest {
			known = true
			t.Run(r.name, func(t *testing.T) { play(t, r) })
		}
	}
	if !known && *chosen != "scale" {
		t.Errorf("there is no row %q", *chosen)
	}
}

// play plays a row: all is well for a while, something happens, and in the end everything is counted.
func play(t *testing.T, r row) {
	w := newWorld(t, 3, 40*time.Millisecond, strings.HasPrefix(r.name, "jetstream"))
	w.db2.startReplica(w.db1)
	makePeople(t, w.db1.url("notifyd"), *chosen != "")
	w.startNodes()
	w.publisher.begin()
	exectest.Eventually(t, time.Minute, "every medium has said something", func() bool {
		return len(w.mail.Messages()) > 0 && len(w.chat.said()) > 0
	})
	pause(t, 4*time.Second)
	r.play(w)
	pause(t, takeover)
	s := w.settle(w.publisher.end())
	show(r, s)
	judge(t, r, s)
}

// patience is how long everything may take to arrive once nothing more is published.
const patience = 3 * time.Minute

// settle waits until nothing is owed any more, and counts. What is still missing then is lost.
func (w *world) settle(published int) *tally {
	w.t.Helper()
	db := w.database()
	defer db.Close()
	deadline := time.Now().Add(patience)
	for {
		committed, err := commits(w.t, db)
		if err != nil {
			w.t.Fatalf("read what is committed: %v", err)
		}
		s := newTally(w.t, w, published, committed)
		owed := number(w.t, db, "SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'claimed')")
		if s.whole() && owed == 0 || time.Now().After(deadline) {
			return s
		}
		pause(w.t, 500*time.Millisecond)
	}
}

// show prints what came of a row, and the row of the table in doc/scaling.md.
func show(r row, s *tally) {
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
	line := func(what string, m medium) {
		fmt.Printf("  %-7s %d of %d, lost %d, twice %d with the same id and %d with another, late %d (longest %s), "+
			"silent for %s\n", what, m.delivered, m.owed, len(m.lost), m.sameID, m.otherID, m.late, seconds(m.longest),
			seconds(m.silence))
	}
	fmt.Printf("%s: %s\n  published %d (%d again), committed %d, missing %d, late %d (longest %s), silent for %s\n",
		r.name, r.title, s.published, s.again, len(s.committed), len(s.uncommitted), s.queued, seconds(s.longest),
		seconds(s.silence))
	line("mail", s.mail)
	line("digest", s.digest)
	line("IRC", s.lines)
	fmt.Printf("  spoke on IRC: %s\n", strings.Join(s.speakers[:min(6, len(s.speakers))], ", "))
	fmt.Printf("| `%s` | %s | %d, %d | %d | %d, %d; %d | %d | %s, %s, %s | %s, %s, %s |\n", r.name, r.title, s.published,
		len(s.committed), s.missing(), s.mail.sameID+s.digest.sameID, s.mail.otherID+s.digest.otherID, s.lines.sameID,
		s.late(), seconds(s.longest), seconds(s.mail.longest), seconds(s.lines.longest), seconds(s.silence),
		seconds(s.mail.silence), seconds(s.lines.silence))
}

// mostTurns is how often another host may begin to speak on IRC: who speaks beside another one makes many turns.
const mostTurns = 4

// judge holds what doc/scaling.md promises.
func judge(t *testing.T, r row, s *tally) {
	t.Helper()
	if !s.whole() {
		t.Errorf("lost: not committed %v, mail %v, digest %v, IRC %v", s.uncommitted, s.mail.lost, s.digest.lost,
			s.lines.lost)
	}
	if s.mail.otherID+s.digest.otherID > 0 {
		t.Errorf("told twice, not recognisable: %d mails, %d notices of digests", s.mail.otherID, s.digest.otherID)
	}
	if s.late() > 0 {
		complain := t.Errorf
		if *chosen == "" { // other tests run at the same time
			complain = t.Logf
		}
		complain("late: %d waited in the queue, %d mails, %d notices of digests, %d lines", s.queued, s.mail.late,
			s.digest.late, s.lines.late)
	}
	if len(s.speakers) > mostTurns {
		t.Errorf("several nodes speak on IRC: %d turns", len(s.speakers))
	}
}
