package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// TestKilledWhilePostedTo kills the daemon again and again while curl posts messages: what was answered 202 is in the
// database, and what is sent again until it is answered is there once.
func TestKilledWhilePostedTo(t *testing.T) {
	curl := exectest.Program(t, "curl")
	folder := t.TempDir()
	database := filepath.Join(folder, "notifyd.db")
	port, metricsPort := exectest.FreePort(t), exectest.FreePort(t)
	config := writeFile(t, folder, "notifyd.yaml",
		"database: {dsn: "+database+"}",
		"web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", metricsPort),
		fmt.Sprintf("bus: {http: {listen: '127.0.0.1:%d', senders: {load: {token: sesame-sesame-sesame, "+
			"topics: [org.example], rate: 100000}}}}", port),
	)
	serve := func() *exectest.Child {
		daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
		waitReady(t, daemon, metricsPort)
		return daemon
	}
	const clients, kills = 3, 8
	taken := make([][]string, clients)
	again := make([]int, clients)
	stop := make(chan struct{})
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("load-%d-%d", c, n)
				for !postByCurl(curl, port, id) {
					again[c]++
					select {
					case <-t.Context().Done():
						return
					default:
					}
				}
				taken[c] = append(taken[c], id)
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for range kills {
		daemon := serve()
		pause(t, randomDuration(t, 500*time.Millisecond))
		daemon.Kill()
	}
	daemon := serve()
	close(stop)
	all.Wait()
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d after SIGTERM, want 0: %s", status, daemon.Text())
	}
	stored, total, repeats := messageIDs(t, database), 0, 0
	for c := range clients {
		repeats += again[c]
		for _, id := range taken[c] {
			if total++; !stored[id] {
				t.Errorf("%s was answered 202 and is not in the database", id)
			}
		}
	}
	if rows := count(t, database, "SELECT count(*) FROM messages"); rows != total || total < kills {
		t.Errorf("%d messages are stored, %d were answered 202", rows, total)
	}
	t.Logf("%d kills: %d messages answered 202 and stored, %d requests repeated", kills, total, repeats)
}

// postByCurl posts a message, and reports whether it was answered 202.
func postByCurl(curl string, port int, id string) bool {
	out, _ := exec.Command(curl, "--silent", "--max-time", "20", "--write-out", "%{http_code}",
		"-H", "Authorization: Bearer sesame-sesame-sesame", "-H", "Content-Type: application/json",
		"-H", "Idempotency-Key: "+id, "-d", `{"topic":"org.example.load","msg":{"id":"`+id+`"}}`,
		fmt.Sprintf("http://127.0.0.1:%d/api/v1/messages", port)).Output()
	return strings.HasSuffix(string(out), "202")
}
