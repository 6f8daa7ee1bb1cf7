package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/notifyd/notifyd/bus/nats/natstest"
	"github.com/notifyd/notifyd/internal/exectest"
)

// TestKilledDaemonAndJetStreamLoseNothing kills the daemon and nats-server at random moments while messages come. What
// the stream has acknowledged to the publisher is in the history in the end, each message once, however often it came.
// NOTIFYD_NATS_KILLS and NOTIFYD_NATS_MESSAGES make it a long run.
func TestKilledDaemonAndJetStreamLoseNothing(t *testing.T) {
	kills, messages := sized(t, "NOTIFYD_NATS_KILLS", 3), sized(t, "NOTIFYD_NATS_MESSAGES", 2000)
	server := natstest.Start(t)
	folder, port := t.TempDir(), exectest.FreePort(t)
	database := filepath.Join(folder, "notifyd.db")
	config := writeFile(t, folder, "notifyd.yaml",
		"database: {dsn: "+database+"}", "web: {listen: ''}", fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", port),
		"bus: {nats: {servers: {site: {stream: EVENTS, subjects: [org.>], create: stream, ack_wait: 2s, retry_min: 50ms, "+
			"retry_max: 500ms, urls: ['"+server.URL+"']}}}}")
	start := func() *exectest.Child {
		return exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
	}
	daemon := start()
	waitReady(t, daemon, port)
	waitMetric(t, port, "notifyd_source_connected{", " 1")

	part := messages / (kills + 1)
	p := &natsPublisher{t: t, js: server.JetStream(t), pause: time.Second * natsBatch / time.Duration(part)}
	serverKills, redelivered := 0, 0
	for n := range kills {
		published := p.begin(part)
		pause(t, randomDuration(t, time.Second))
		redelivered += redeliveries(port, "nats")
		if n%3 == 2 || kills > 20 && rand.IntN(4) == 0 {
			serverKills++
			server.Kill()
			server.Restart(t)
		} else {
			daemon.Kill()
			pause(t, randomDuration(t, 300*time.Millisecond))
			daemon = start()
		}
		<-published
	}
	<-p.begin(messages - kills*part)
	exectest.Eventually(t, 5*time.Minute, "all are stored", func() bool {
		return count(t, database, "SELECT count(*) FROM messages") >= messages
	})
	waitMetric(t, port, "notifyd_nats_unacknowledged{", " 0")
	stored := messageIDs(t, database)
	missing := 0
	for n := range messages {
		if !stored[natsID(n)] {
			missing++
		}
	}
	if missing > 0 || len(stored) != messages {
		t.Errorf("%d of %d messages are missing, %d are stored", missing, messages, len(stored))
	}
	t.Logf("%d kills of the daemon, %d of nats-server, %d published, %d published again and %d or more delivered again, "+
		"%d stored, %d missing", kills-serverKills, serverKills, messages, p.again,
		redelivered+redeliveries(port, "nats"), len(stored), missing)
}

const natsBatch = 25 // messages between two pauses

func natsID(n int) string { return fmt.Sprintf("nats-%d", n) }

// A natsPublisher publishes messages, and again whatever the stream has not acknowledged.
type natsPublisher struct {
	t     *testing.T
	js    jetstream.JetStream
	next  int
	pause time.Duration // after each batch
	again int           // messages that were published once more
}

// begin publishes count messages, until the stream has acknowledged all; then it closes the channel.
func (p *natsPublisher) begin(count int) (published <-chan struct{}) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for until := p.next + count; p.next < until && p.t.Context().Err() == nil; {
			if err := p.publish(p.next); err != nil {
				p.again++
				pause(p.t, 50*time.Millisecond)
				continue
			}
			if p.next++; p.next%natsBatch == 0 {
				pause(p.t, p.pause)
			}
		}
	}()
	return ended
}

func (p *natsPublisher) publish(n int) error {
	ctx, cancel := context.WithTimeout(p.t.Context(), 2*time.Second)
	defer cancel()
	m := natsgo.NewMsg("org.example.prod.ferry.crossing")
	m.Data = fmt.Appendf(nil, `{"n": %d}`, n)
	m.Header.Set(natsgo.MsgIdHdr, natsID(n))
	m.Header.Set("sent-at", time.Now().UTC().Format(time.RFC3339))
	_, err := p.js.PublishMsg(ctx, m)
	return err
}
