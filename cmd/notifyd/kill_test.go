package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
)

// kills is how often the test kills the daemon; NOTIFYD_KILLS raises it for a long run by hand.
func kills(t *testing.T) int {
	text := os.Getenv("NOTIFYD_KILLS")
	if text == "" {
		return 50
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("NOTIFYD_KILLS=%q is no number", text)
	}
	return n
}

// TestKilledAtRandomMomentsLosesNothing holds the promise of the whole: every message that was committed is
// delivered. Only a message that was being sent at a kill may arrive twice, as the same mail.
func TestKilledAtRandomMomentsLosesNothing(t *testing.T) {
	python := exectest.Python(t, "zmq")
	folder := t.TempDir()
	smtp := startSMTP(t, fakesmtp.Options{})
	database := filepath.Join(folder, "notifyd.db")
	givePreferences(t, database)
	busPort := exectest.FreePort(t)
	metricsPort := exectest.FreePort(t)
	config := writeFile(t, folder, "notifyd.yaml",
		"database: {dsn: "+database+"}",
		"web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", metricsPort),
		fmt.Sprintf("bus: {zmq: {endpoints: {load: 'tcp://127.0.0.1:%d'}}}", busPort),
		"outbox: {workers: 1, cap: 0, poll: 1s, retry_first: 1s}",
		fmt.Sprintf("backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org}}",
			smtp.Addr().Port),
	)
	publisher := startPublisher(t, python, busPort)
	published := publisher.load(t, 10*time.Millisecond)

	n := kills(t)
	for range n {
		daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
		waitReady(t, daemon, metricsPort)
		pause(t, randomDuration(t, 400*time.Millisecond))
		daemon.Kill()
	}
	total := published()
	daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
	waitReady(t, daemon, metricsPort)
	exectest.Eventually(t, 120*time.Second, "everything owed is sent", func() bool { return owed(t, database) == 0 })
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d after SIGTERM, want 0", status)
	}
	compareWithMails(t, database, smtp, n, total)
}

// compareWithMails compares the committed messages of the database with the mails that the mail server received.
func compareWithMails(t *testing.T, database string, smtp *fakesmtp.Server, kills, published int) {
	t.Helper()
	committed := messageIDs(t, database)
	copies, mailIDs := map[string]int{}, map[string]map[string]bool{}
	for _, mail := range smtp.Messages() {
		header := parseMail(t, mail.Data).Header
		id := header.Get("X-Notifyd-Message-Id")
		copies[id]++
		if mailIDs[id] == nil {
			mailIDs[id] = map[string]bool{}
		}
		mailIDs[id][header.Get("Message-Id")] = true
	}
	missing, repeats := 0, 0
	for id := range committed {
		if copies[id] == 0 {
			missing++
			t.Errorf("message %s was committed and never delivered", id)
		}
	}
	for id, n := range copies {
		repeats += n - 1
		if len(mailIDs[id]) != 1 {
			t.Errorf("message %s came with %d different Message-IDs, want 1", id, len(mailIDs[id]))
		}
	}
	if repeats > kills {
		t.Errorf("%d repeats for %d kills; at most the one mail in flight at a kill may repeat", repeats, kills)
	}
	if len(committed) < kills {
		t.Errorf("only %d messages committed in %d runs: the load was too small to show anything", len(committed), kills)
	}
	t.Logf("%d kills, %d published, %d committed, %d missing, %d repeats", kills, published, len(committed), missing,
		repeats)
}

func owed(t *testing.T, database string) int {
	return count(t, database, "SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'claimed')")
}

func count(t *testing.T, database, query string) int {
	t.Helper()
	var n int
	withDatabase(t, database, func(d *migrations.DB) error { return d.Reader.Raw(query).Scan(&n).Error })
	return n
}

func messageIDs(t *testing.T, database string) map[string]bool {
	t.Helper()
	var ids []string
	withDatabase(t, database, func(d *migrations.DB) error {
		return d.Reader.Raw("SELECT msg_id FROM messages").Scan(&ids).Error
	})
	set := map[string]bool{}
	for _, id := range ids {
		set[id] = true
	}
	return set
}

func waitReady(t *testing.T, c *exectest.Child, port int) {
	t.Helper()
	exectest.Eventually(t, 30*time.Second, "notifyd is ready", func() bool {
		if !c.Alive() {
			t.Fatalf("notifyd ended: %s", c.Text())
		}
		answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/readyz", port))
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		io.Copy(io.Discard, answer.Body)
		return answer.StatusCode == http.StatusOK
	})
}

func randomDuration(t *testing.T, most time.Duration) time.Duration {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(most)))
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(n.Int64())
}

// pause waits for d: the test is about the moment of a kill.
func pause(t *testing.T, d time.Duration) {
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// A publisher is a process with libzmq's own PUB socket.
type publisher struct {
	child *exectest.Child
	stdin io.WriteCloser
}

func startPublisher(t *testing.T, python string, port int) *publisher {
	t.Helper()
	cmd := exec.Command(python, "testdata/publisher.py", fmt.Sprintf("tcp://127.0.0.1:%d", port))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &publisher{exectest.Start(t, cmd), stdin}
	p.child.Listening(t, fmt.Sprintf("127.0.0.1:%d", port))
	return p
}

// say publishes one message.
func (p *publisher) say(t *testing.T, topic, id string, counter int, msg any) {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"topic": topic, "msg_id": id, "i": counter, "timestamp": time.Now().Unix(), "username": "apache", "msg": msg,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(p.stdin, "%s\t%s\n", topic, body); err != nil {
		t.Fatal(err)
	}
}

// load publishes a message every interval until stop is called, which returns their number.
func (p *publisher) load(t *testing.T, interval time.Duration) (stop func() int) {
	quit, done := make(chan struct{}), make(chan int)
	go func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for i := 1; ; i++ {
			select {
			case <-quit:
				done <- i - 1
				return
			case <-tick.C:
				p.say(t, "org.example.test.git.receive", fmt.Sprintf("2026-load-%06d", i), i, map[string]any{"n": i})
			}
		}
	}()
	return func() int { close(quit); return <-done }
}
