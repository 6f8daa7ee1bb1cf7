package main

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// TestARestartReportsWhatWasMissed publishes while the daemon is stopped: the next run says how much is missing, since
// when and from whom.
func TestARestartReportsWhatWasMissed(t *testing.T) {
	python := exectest.Python(t, "zmq")
	folder := t.TempDir()
	database := filepath.Join(folder, "notifyd.db")
	busPort, metricsPort := exectest.FreePort(t), exectest.FreePort(t)
	config := writeFile(t, folder, "notifyd.yaml",
		"database: {dsn: "+database+"}",
		"web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", metricsPort),
		fmt.Sprintf("bus: {zmq: {endpoints: {relay: 'tcp://127.0.0.1:%d'}, retry_max: 100ms}}", busPort),
	)
	publisher := startPublisher(t, python, busPort)
	say := func(from, to int) {
		for i := from; i <= to; i++ {
			publisher.say(t, "org.example.test.git.receive", fmt.Sprintf("2026-restart-%d", i), i, map[string]any{"n": i})
		}
	}
	start := func() *exectest.Child {
		daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
		waitReady(t, daemon, metricsPort)
		waitMetric(t, metricsPort, `notifyd_source_connected{address="tcp://127.0.0.1:`, " 1")
		return daemon
	}
	first := start()
	// A PUB socket drops what it is given before it has read our subscription.
	exectest.Eventually(t, 20*time.Second, "the first three are stored", func() bool {
		say(1, 3)
		return len(messageIDs(t, database)) == 3
	})
	if status := first.Stop(t); status != 0 {
		t.Fatalf("exit status %d", status)
	}
	say(4, 8)
	second := start()
	exectest.Eventually(t, 20*time.Second, "messages after the restart are stored", func() bool {
		say(9, 11)
		return len(messageIDs(t, database)) == 6
	})
	waitMetric(t, metricsPort, `notifyd_source_missing_total{source="relay"}`, " 5")
	waitMetric(t, metricsPort, `notifyd_source_gaps_total{source="relay"}`, " 1")
	if log := second.Text(); !strings.Contains(log, "5 messages missing since ") ||
		!strings.Contains(log, " from user apache org.example.test.git") {
		t.Errorf("the log does not say it:\n%s", log)
	}
}

// waitMetric waits until a series, whose line begins and ends as given, is exported.
func waitMetric(t *testing.T, port int, begins, ends string) {
	t.Helper()
	exectest.Eventually(t, 20*time.Second, begins+ends, func() bool {
		for line := range strings.Lines(metricsText(t, port)) {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, begins) && strings.HasSuffix(line, ends) {
				return true
			}
		}
		return false
	})
}

func metricsText(t *testing.T, port int) string {
	t.Helper()
	answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", port))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 4<<20))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
