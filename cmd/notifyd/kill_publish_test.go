package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// TestKilledWhilePublishedTo kills the daemon again and again while `publish --http` sends lines: when it ends with
// status 0, each line is in the database, once, and in the order of the lines.
func TestKilledWhilePublishedTo(t *testing.T) {
	folder := t.TempDir()
	database := filepath.Join(folder, "notifyd.db")
	port, metricsPort := exectest.FreePort(t), exectest.FreePort(t)
	token := writeFile(t, folder, "token", "sesame-sesame-sesame")
	config := writeFile(t, folder, "notifyd.yaml",
		"database: {dsn: "+database+"}",
		"web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", metricsPort),
		fmt.Sprintf("bus: {http: {listen: '127.0.0.1:%d', senders: {load: {token_file: %s, topics: [org.example], "+
			"rate: 100000}}}}", port, token),
	)
	serve := func() *exectest.Child {
		daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
		waitReady(t, daemon, metricsPort)
		return daemon
	}
	publish := exec.Command(buildNotifyd(t), "publish", "--http", fmt.Sprintf("http://127.0.0.1:%d", port),
		"--token-file", token, "--prefix", "org.example", "--env", "dev", "--wait", "5m")
	stdin, err := publish.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	said := &exectest.Log{}
	publish.Stderr = said
	if err := publish.Start(); err != nil {
		t.Fatal(err)
	}
	const kills = 5
	stop, wrote := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { stdin.Close(); wrote <- n }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := fmt.Fprintln(stdin, "line", n); err != nil {
				return
			}
			n++
		}
	}()
	for range kills {
		daemon := serve()
		pause(t, randomDuration(t, 500*time.Millisecond))
		daemon.Kill()
	}
	daemon := serve()
	close(stop)
	lines := <-wrote
	if err := publish.Wait(); err != nil {
		t.Errorf("publish: %v: %s", err, said)
	}
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d after SIGTERM, want 0: %s", status, daemon.Text())
	}
	rows := count(t, database, "SELECT count(*) FROM messages")
	kinds := count(t, database, "SELECT count(DISTINCT payload) FROM messages")
	if rows != lines || kinds != lines || lines < kills {
		t.Errorf("%d lines were published, %d messages are stored", lines, rows)
	}
	const misplaced = "SELECT count(*) FROM (SELECT json_extract(payload, '$.i') AS i, row_number() OVER (ORDER BY id) " +
		"AS place FROM messages) WHERE i IS NOT place"
	if n := count(t, database, misplaced); n != 0 {
		t.Errorf("%d of %d messages are not stored in the order of their lines", n, rows)
	}
	t.Logf("%d kills: %d lines published and stored", kills, lines)
}
