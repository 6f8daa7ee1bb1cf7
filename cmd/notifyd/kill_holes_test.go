package main

import (
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// sized returns a number of the environment for a long run by hand, or the suite's.
func sized(t *testing.T, name string, suite int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return suite
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%q is no number", name, text)
	}
	return n
}

// TestKilledAgainAndAgainMissesNothing kills the daemon at random moments while a publisher with a store publishes:
// what it did not receive, or had received and not committed, is there in the end. NOTIFYD_HOLE_KILLS and
// NOTIFYD_HOLE_MESSAGES make it a long run.
func TestKilledAgainAndAgainMissesNothing(t *testing.T) {
	kills, messages := sized(t, "NOTIFYD_HOLE_KILLS", 4), sized(t, "NOTIFYD_HOLE_MESSAGES", 4000)
	h := newHoled(t, withReplay, nothing)
	keeper := startKeeper(t, h.busPort, h.replay)
	daemon := h.start()
	exectest.Eventually(t, 20*time.Second, "the first message is stored", func() bool {
		keeper.do(`{"publish": 1}`)
		return h.stored() > 0
	})
	missed := h.missedFirst()

	part := messages / (kills + 1)
	restart := func() { daemon = exectest.Start(t, exec.Command(buildNotifyd(t), "--config", h.config, "serve")) }
	for range kills {
		keeper.do(`{"publish": %d, "every": %g}`, part, 1/float64(part)) // a second and more
		pause(t, randomDuration(t, time.Second))
		daemon.Kill()
		pause(t, randomDuration(t, 300*time.Millisecond))
		restart()
	}
	// The last are published while the daemon is down, and then the publisher is silent.
	daemon.Kill()
	keeper.do(`{"publish": %d}`, part)
	exectest.Eventually(t, time.Minute, "all are published", func() bool { return keeper.published() > part*(kills+1) })
	restart()
	want := keeper.published() - missed
	exectest.Eventually(t, 10*time.Minute, "all are stored", func() bool { return h.stored() == want })
	late := count(t, h.database, "SELECT count(*) FROM messages WHERE late")
	exectest.Eventually(t, time.Minute, "no hole is left", func() bool {
		return count(t, h.database, "SELECT count(*) FROM holes") == 0
	})
	if late == 0 {
		t.Errorf("nothing had to be filled in %d kills: the load was too small to show anything", kills)
	}
	t.Logf("%d kills, %d published, %d committed, %d of them filled, %d missing", kills, want, h.stored(), late,
		want-h.stored())
}
