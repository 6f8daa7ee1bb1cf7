package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// TestTailSinceWhileMessagesCome begins to show what a real daemon has while its publisher goes on: each message comes
// once, in the history or live.
func TestTailSinceWhileMessagesCome(t *testing.T) {
	const total = 1500
	p := runPublisher(t)
	folder := t.TempDir()
	metricsPort := exectest.FreePort(t)
	config := writeFile(t, folder, "notifyd.yaml", "database: {dsn: "+filepath.Join(folder, "notifyd.db")+"}",
		"web: {listen: ''}", fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", metricsPort),
		"bus: {zmq: {endpoints: {here: '"+p.Addr()+"'}}}")
	daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
	waitReady(t, daemon, metricsPort)
	if err := p.WaitSubscribed(t.Context(), "org."); err != nil {
		t.Fatal(err)
	}
	result := make(chan string, 1)
	for n := range total {
		if n == total/3 {
			go func() {
				_, out, problems := command(t.Context(), "", "-c", config, "tail", "--since", "1h", "--query", "msg_id", "-n",
					fmt.Sprint(total))
				result <- out + problems
			}()
		}
		_, err := p.Publish("org.load", fmt.Appendf(nil, `{"topic":"org.load","msg":{},"msg_id":"%d","timestamp":%d}`, n,
			time.Now().Unix()))
		if err != nil {
			t.Fatal(err)
		}
		pause(t, time.Millisecond)
	}
	select {
	case out := <-result:
		times := map[string]int{}
		for line := range strings.Lines(out) {
			times[strings.TrimSpace(line)]++
		}
		for n := range total {
			if id := fmt.Sprint(n); times[id] != 1 {
				t.Fatalf("message %s was shown %d times", id, times[id])
			}
		}
	case <-time.After(60 * time.Second):
		t.Error("tail has not shown everything")
	}
	daemon.Stop(t)
}
