package main

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/amqp/rabbittest"
	"github.com/notifyd/notifyd/bus/client"
	"github.com/notifyd/notifyd/internal/exectest"
)

// TestKilledBridgesLoseNothing posts messages to a daemon with bridges to RabbitMQ and to another daemon, and kills all
// three at random moments. What the first has stored is with both others in the end: repeated in a queue, with the same
// id, once in a database. NOTIFYD_BRIDGE_KILLS and NOTIFYD_BRIDGE_MESSAGES make it a long run.
func TestKilledBridgesLoseNothing(t *testing.T) {
	kills, messages := sized(t, "NOTIFYD_BRIDGE_KILLS", 3), sized(t, "NOTIFYD_BRIDGE_MESSAGES", 1500)
	broker := rabbittest.Start(t)
	declareFar(t, broker)
	far := newKillable(t, "http: {listen: '127.0.0.1:%d', senders: {near: {token: sesame-sesame-sesame, topics: ['#'], "+
		"rate: 100000, burst: 100000}}}")
	near := newKillable(t, "http: {listen: '127.0.0.1:%d', senders: {load: {token: sesame-sesame-sesame, topics: ['#'], "+
		"rate: 100000, burst: 100000}}}", "to_amqp: {far: {retry_min: 20ms, retry_max: 200ms, url: '"+
		broker.URL(rabbittest.Admin)+"'}}", fmt.Sprintf("to_http: {far: {url: 'http://127.0.0.1:%d', "+
		"token: sesame-sesame-sesame, retry_min: 20ms, retry_max: 200ms}}", far.http))
	far.start(t)
	near.start(t)

	var posted atomic.Int64
	var load sync.WaitGroup
	load.Go(func() { postAll(t, near.http, messages, &posted) })
	for n := range kills {
		for posted.Load() < int64(messages*n/(kills+1)) && t.Context().Err() == nil {
			pause(t, 10*time.Millisecond)
		}
		pause(t, time.Duration(rand.IntN(200))*time.Millisecond)
		switch n % 3 {
		case 0:
			near.kill(t)
		case 1:
			far.kill(t)
		default:
			broker.Kill()
			broker.Restart(t)
		}
	}
	load.Wait()
	exectest.Eventually(t, 3*time.Minute, "the other daemon has all", func() bool {
		return count(t, far.store, "SELECT count(*) FROM messages") >= messages
	})
	waitMetric(t, near.port, "notifyd_bridge_behind_messages{", `amq.topic"} 0`)
	arrived := drainFar(t, broker)
	missing, repeats := 0, 0
	stored := messageIDs(t, far.store)
	for n := range messages {
		if arrived[loadID(n)] == 0 || !stored[loadID(n)] {
			missing++
		}
		repeats += max(0, arrived[loadID(n)]-1)
	}
	if missing > 0 || len(arrived) != messages || len(stored) != messages {
		t.Errorf("%d of %d messages are missing; %d in the queue, %d in the database", missing, messages, len(arrived),
			len(stored))
	}
	t.Logf("%d kills: %d messages stored and handed on, %d missing, %d repeated in the queue", kills, messages, missing,
		repeats)
}

func loadID(n int) string { return fmt.Sprintf("2026-4b5a3d2c-95a0-4f0e-b1cd-%012x", n) }

// postAll posts messages in batches, each until it is stored.
func postAll(t *testing.T, port, messages int, posted *atomic.Int64) {
	p, err := client.NewPoster(client.PosterConfig{
		URL: fmt.Sprintf("http://127.0.0.1:%d", port), Token: "sesame-sesame-sesame", Patience: -1,
		Timeout: 10 * time.Second,
	})
	if err != nil {
		t.Error(err)
		return
	}
	defer p.Close()
	const batch = 20
	for n := 0; n < messages; n += batch {
		var all []*bus.Message
		for i := n; i < min(n+batch, messages); i++ {
			all = append(all, &bus.Message{ID: loadID(i), Topic: crossing, Body: map[string]any{"n": i}})
		}
		if _, err := p.Post(t.Context(), all...); err != nil {
			t.Errorf("post: %v", err)
			return
		}
		posted.Add(int64(len(all)))
	}
}

const farQueue = "far"

func declareFar(t *testing.T, broker *rabbittest.Broker) {
	t.Helper()
	c := broker.Channel(t)
	_, err := c.QueueDeclare(farQueue, true, false, false, false, nil)
	if err == nil {
		err = c.QueueBind(farQueue, "#", "amq.topic", false, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// drainFar counts the messages of the queue by their ids.
func drainFar(t *testing.T, broker *rabbittest.Broker) map[string]int {
	t.Helper()
	c, counts := broker.Channel(t), map[string]int{}
	for {
		d, ok, err := c.Get(farQueue, true)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return counts
		}
		counts[d.MessageId]++
	}
}

// A killable is a daemon that is killed and started again.
type killable struct {
	config, store string
	http, port    int // where it takes messages, and tells its metrics
	child         *exectest.Child
}

// newKillable writes the configuration of a daemon. The first part of its section bus gets a port.
func newKillable(t *testing.T, first string, parts ...string) *killable {
	t.Helper()
	folder := t.TempDir()
	k := &killable{store: folder + "/notifyd.db", http: exectest.FreePort(t), port: exectest.FreePort(t)}
	lines := []string{"database: {dsn: " + k.store + "}", "web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", k.port), "bus:", "  " + fmt.Sprintf(first, k.http)}
	for _, part := range parts {
		lines = append(lines, "  "+part)
	}
	k.config = writeFile(t, folder, "notifyd.yaml", lines...)
	return k
}

func (k *killable) start(t *testing.T) {
	t.Helper()
	k.child = exectest.Start(t, exec.Command(buildNotifyd(t), "--config", k.config, "serve"))
	waitReady(t, k.child, k.port)
}

func (k *killable) kill(t *testing.T) {
	t.Helper()
	k.child.Kill()
	k.start(t)
}
