package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestAnotherNodeListens runs two daemons on one database, of which one listens to a publisher with a store. It is
// killed under way. The other one listens within 15 seconds, and asks for what was published in between.
func TestAnotherNodeListens(t *testing.T) {
	first := newHoled(t, withReplay, nothing)
	first.database = migratest.Postgres(t)
	second := *first
	second.folder, second.metricsPort = t.TempDir(), exectest.FreePort(t)
	first.configure(withReplay, nothing)
	second.configure(withReplay, nothing)
	keeper := startKeeper(t, first.busPort, first.replay)
	one := first.start()
	two := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", second.config, "serve"))
	waitReady(t, two, second.metricsPort)
	waitMetric(t, second.metricsPort, "notifyd_source_standby{", " 1")
	if text := metricsText(t, second.metricsPort); strings.Contains(text, "notifyd_source_connected{") {
		t.Error("the node on standby says something of its connection")
	}
	out, err := exec.Command(buildNotifyd(t), "--config", second.config, "status").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "standby") || !strings.Contains(string(out), "nothing is down") {
		t.Errorf("status of the node on standby: %v\n%s", err, out)
	}

	exectest.Eventually(t, tookOver, "the first messages are stored", func() bool {
		keeper.do(`{"publish": 1}`)
		return first.stored() > 3
	})
	missed := count(t, first.database, "SELECT CAST(substr(min(msg_id), 12) AS integer) - 1 FROM messages")
	keeper.do(`{"publish": 200, "every": 0.01}`)
	pause(t, time.Second)
	one.Kill()
	killed := time.Now()
	exectest.Eventually(t, tookOver, "the other node listens", func() bool {
		return strings.Contains(metricsText(t, second.metricsPort), "notifyd_source_connected{")
	})
	waitMetric(t, second.metricsPort, "notifyd_source_connected{", " 1")
	took := time.Since(killed)
	exectest.Eventually(t, tookOver, "all are published", func() bool { return keeper.published() > 200 })
	exectest.Eventually(t, tookOver, "all are stored", func() bool {
		return first.stored() == keeper.published()-missed
	})
	exectest.Eventually(t, tookOver, "no hole is left", func() bool {
		return count(t, first.database, "SELECT count(*) FROM holes") == 0
	})
	late := count(t, first.database, "SELECT count(*) FROM messages WHERE late")
	if late == 0 {
		t.Error("nothing was published in between: the test shows nothing")
	}

	// A node that ends in order is followed at once, and the first one is back to follow it.
	again := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", first.config, "serve"))
	waitReady(t, again, first.metricsPort)
	waitMetric(t, first.metricsPort, "notifyd_source_standby{", " 1")
	if status := two.Stop(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
	waitMetric(t, first.metricsPort, "notifyd_source_connected{", " 1")
	before := first.stored()
	keeper.do(`{"publish": 5}`)
	exectest.Eventually(t, tookOver, "five more are stored", func() bool { return first.stored() == before+5 })
	t.Logf("the other node listened %s after the kill; %d messages in between were asked for", took.Round(time.Millisecond),
		late)
	if n := count(t, first.database, "SELECT count(*) - count(DISTINCT msg_id) FROM messages"); n != 0 {
		t.Error(fmt.Sprint(n, " messages are stored twice"))
	}
}
