package nats

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/nats/natstest"
	"github.com/notifyd/notifyd/internal/exectest"
)

// TestLeaderOfAClusterIsKilled: the stream is on three servers, and the one that leads it dies. What the others have
// acknowledged to the publisher comes, over one of the servers that are left.
func TestLeaderOfAClusterIsKilled(t *testing.T) {
	const before, after = 50, 50
	servers := natstest.Cluster(t, 3)
	js := servers[0].JetStream(t)
	stream := natstest.Stream(t, js, 3, "EVENTS", "org.>")
	var urls []string
	for _, s := range servers {
		urls = append(urls, fmt.Sprintf("%q", s.URL))
	}
	r := start(t, "urls: [%s], stream: EVENTS, ack_wait: 2s, timeout: 2s", strings.Join(urls, ", "))
	r.connected()
	got := map[string]bool{}
	receive := func(n int) {
		for len(got) < n {
			f := r.next()
			f.Done()
			m, err := bus.Decode(f, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			got[m.ID] = true
		}
	}
	publisher := connectAll(t, servers)
	for n := range before {
		publishUntil(t, publisher, n)
	}
	receive(before)
	info, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range servers {
		if info.Cluster.Leader == fmt.Sprintf("n%d", i) {
			s.Kill()
		}
	}
	for n := range after {
		publishUntil(t, publisher, before+n)
	}
	receive(before + after)
	exectest.Eventually(t, patience, "all is done with", func() bool {
		for r.in.Len() > 0 {
			r.next().Done()
		}
		return r.value("notifyd_nats_unacknowledged", "") == 0
	})
	t.Logf("the leader was %s; failures %v, delivered again %v", info.Cluster.Leader, r.value(failures, ""),
		r.value(redelivered, ""))
}

// connectAll connects to whichever server answers.
func connectAll(t *testing.T, servers []*natstest.Server) jetstream.JetStream {
	t.Helper()
	var urls []string
	for _, s := range servers {
		urls = append(urls, s.URL)
	}
	conn, err := natsgo.Connect(strings.Join(urls, ","), natsgo.MaxReconnects(-1),
		natsgo.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// publishUntil publishes a message until the stream has it.
func publishUntil(t *testing.T, js jetstream.JetStream, n int) {
	t.Helper()
	exectest.Eventually(t, patience, fmt.Sprintf("message %d is published", n), func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		m := natsgo.NewMsg("org.example.prod.ferry.crossing")
		m.Data = fmt.Appendf(nil, `{"n":%d}`, n)
		m.Header.Set(natsgo.MsgIdHdr, fmt.Sprintf("message-%d", n))
		_, err := js.PublishMsg(ctx, m)
		return err == nil
	})
}
