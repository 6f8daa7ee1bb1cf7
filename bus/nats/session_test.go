package nats

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/bustest"
	"github.com/notifyd/notifyd/bus/nats/natstest"
	"github.com/notifyd/notifyd/internal/exectest"
)

const (
	failures    = "notifyd_nats_failures_total"
	redelivered = "notifyd_nats_redelivered_total"
)

// TestStreamAndConsumerAreMade by a newcomer who has a server and nothing else.
func TestStreamAndConsumerAreMade(t *testing.T) {
	server := natstest.Start(t)
	js := server.JetStream(t)
	r := start(t, "urls: [%q], stream: EVENTS, subjects: [org.example.>], create: stream, dead_letter: dead.letters",
		server.URL)
	r.connected()
	r.says("the stream was not there and is made")
	publishParts(t, js, "org.example.prod.ferry.crossing", `{"captain":"zoe"}`, map[string]string{
		"Nats-Msg-Id": "0b0ff2d1", "fedora_messaging_severity": "40", "sent-at": "2026-06-01T11:00:00Z",
	})
	f := r.next()
	f.Done()
	m, err := bus.Decode(f, time.Now())
	if err != nil || m.ID != "0b0ff2d1" || m.Headers["fedora_messaging_severity"] != "40" || f.Source != "test" ||
		f.Publisher != "" || f.Whole || f.Resumed || f.Late {
		t.Errorf("%+v, %v; whole %v, resumed %v, late %v", m, err, f.Whole, f.Resumed, f.Late)
	}
	stream, err := js.Stream(t.Context(), "EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	exectest.Eventually(t, patience, "it is acknowledged", func() bool { return unacked(t, stream) == 0 })
	if n := r.value(failures, ""); n != 0 {
		t.Errorf("%v sessions have failed", n)
	}
	if c := stream.CachedInfo().Config; c.MaxAge != 7*24*time.Hour || c.Storage != jetstream.FileStorage {
		t.Errorf("the stream is %+v", c)
	}
	if name, err := js.StreamNameBySubject(t.Context(), "dead.letters"); err != nil || name != "dead_letters" {
		t.Errorf("dead letters go to %q, %v", name, err)
	}
}

// TestLateIsWhatWasThereBefore: a consumer that begins gets all that the stream has, as late, and in order.
func TestLateIsWhatWasThereBefore(t *testing.T) {
	server := natstest.Start(t)
	js := server.JetStream(t)
	natstest.Stream(t, js, 1, "EVENTS", "org.>")
	publish(t, js, "", bustest.Sample(1), bustest.Sample(2))
	r := start(t, "urls: [%q], stream: EVENTS", server.URL)
	r.connected()
	publish(t, js, "", bustest.Sample(3))
	first, second := r.next(), r.next()
	second.Done()
	if !first.Late || !second.Late || first.Topic != bustest.Sample(1).Topic {
		t.Errorf("late %v and %v, topic %s", first.Late, second.Late, first.Topic)
	}
	first.Done()
	if f := r.next(); f.Late || f.Topic != bustest.Sample(3).Topic || !f.Whole {
		t.Errorf("late %v, topic %s, whole %v", f.Late, f.Topic, f.Whole)
	}
	other := start(t, "urls: [%q], stream: EVENTS, durable: other, start: new", server.URL)
	other.connected()
	publish(t, js, "", bustest.Sample(4))
	if f := other.next(); f.Late || f.Topic != bustest.Sample(4).Topic {
		t.Errorf("start: new begins with %s, late %v", f.Topic, f.Late)
	}
}

// TestPoisonGoesToTheDeadLetters: what is no message is kept for people, and holds nothing up.
func TestPoisonGoesToTheDeadLetters(t *testing.T) {
	server := natstest.Start(t)
	js := server.JetStream(t)
	stream := natstest.Stream(t, js, 1, "EVENTS", "org.>")
	r := start(t, "urls: [%q], stream: EVENTS, subjects: ['org.a.*'], dead_letter: dead", server.URL)
	r.connected()
	poison := []string{"no JSON", `{},"id":"x"`, "{\"a\":\"\xff\"}", `"` + strings.Repeat("x", bus.MaxPayload) + `"`}
	for _, body := range poison {
		publishParts(t, js, "org.a.b", body, map[string]string{"Nats-Msg-Id": body[:7], "colour": "red"})
	}
	publishParts(t, js, "org.b.c", `{"not":"wanted"}`, nil)
	publishParts(t, js, "org.a.c", `{"good":true}`, nil)
	f := r.next()
	f.Done()
	if !strings.Contains(string(f.Payload), `{"good":true}`) {
		t.Errorf("payload %s", f.Payload)
	}
	for reason, n := range map[string]float64{bus.DroppedText: 1, bus.DroppedMalformed: 2, bus.DroppedLarge: 1} {
		r.reaches("notifyd_source_messages_dropped_total", reason, n)
	}
	exectest.Eventually(t, patience, "all are settled", func() bool { return unacked(t, stream) == 0 })
	dead, err := js.Stream(t.Context(), "dead")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range poison {
		m, err := dead.GetMsg(t.Context(), uint64(i+1))
		if err != nil || string(m.Data) != want || m.Header.Get(deadReason) == "" || m.Header.Get(deadSubject) != "org.a.b" ||
			m.Header.Get(deadStream) != "EVENTS" || m.Header.Get(deadSequence) != fmt.Sprint(i+1) ||
			m.Header.Get("colour") != "red" {
			t.Errorf("dead letter %d is %.60v, %v", i+1, m, err)
		}
	}
	if n, m := r.value(redelivered, ""), r.value(failures, ""); n+m != 0 {
		t.Errorf("%v came again, %v sessions have failed", n, m)
	}
}

// TestMessageLargerThanAPull asks for: it is asked for alone.
func TestMessageLargerThanAPull(t *testing.T) {
	server := natstest.Start(t)
	js := server.JetStream(t)
	natstest.Stream(t, js, 1, "EVENTS", "org.>")
	r := prepare(t, "urls: [%q], stream: EVENTS", server.URL)
	r.servers[0].most = 1 << 20
	r.run()
	r.connected()
	publishParts(t, js, "org.a", `{"n":1}`, nil)
	publishParts(t, js, "org.a", `"`+strings.Repeat("x", 3<<20)+`"`, nil)
	publishParts(t, js, "org.a", `{"n":3}`, nil)
	for n, want := range []string{`{"n":1}`, "xxx", `{"n":3}`} {
		f := r.next()
		f.Done()
		if !strings.Contains(string(f.Payload), want) {
			t.Errorf("message %d is %.100s", n, f.Payload)
		}
	}
	if n := r.value(failures, ""); n != 0 {
		t.Errorf("%v sessions have failed", n)
	}
}

// TestInProgress: a frame that waits for its commit longer than the server would wait does not come again.
func TestInProgress(t *testing.T) {
	server := natstest.Start(t)
	js := server.JetStream(t)
	stream := natstest.Stream(t, js, 1, "EVENTS", "org.>")
	r := start(t, "urls: [%q], stream: EVENTS, ack_wait: 1s", server.URL)
	r.connected()
	publish(t, js, "", bustest.Sample(1), bustest.Sample(2))
	held := []bus.Frame{r.next(), r.next()}
	<-time.After(3 * time.Second)
	if n := r.value("notifyd_nats_unacknowledged", ""); n != 2 || unacked(t, stream) != 2 {
		t.Errorf("%v wait, %d as the server says", n, unacked(t, stream))
	}
	for _, f := range held {
		f.Done()
	}
	exectest.Eventually(t, patience, "both are acknowledged", func() bool { return unacked(t, stream) == 0 })
	if n := r.value(redelivered, ""); n != 0 || r.in.Len() > 0 {
		t.Errorf("%v came again, %d frames wait", n, r.in.Len())
	}
}

// TestDoneWhileDisconnected: an acknowledgement belongs to the message, and is told over the next connection.
func TestDoneWhileDisconnected(t *testing.T) {
	server := natstest.Start(t)
	js := server.JetStream(t)
	stream := natstest.Stream(t, js, 1, "EVENTS", "org.>")
	front := newFront(t, server.Addr)
	r := start(t, "urls: ['nats://%s'], stream: EVENTS, ack_wait: 2s", front.addr)
	r.connected()
	publish(t, js, "", bustest.Sample(1), bustest.Sample(2))
	first, second := r.next(), r.next()
	up := front.attack(func(net.Conn) {})
	r.reaches("notifyd_source_connected", "", 0)
	first.Done()
	up()
	r.connected()
	exectest.Eventually(t, patience, "the first is acknowledged", func() bool { return unacked(t, stream) == 1 })
	<-time.After(3 * time.Second) // the second is in progress, over the new connection
	second.Done()
	exectest.Eventually(t, patience, "the second is acknowledged", func() bool { return unacked(t, stream) == 0 })
	if r.in.Len() > 0 || r.value(redelivered, "") > 0 {
		t.Error("a message came again")
	}
}

// TestServerIsKilled: what is done with and what is not, both survive in the end.
func TestServerIsKilled(t *testing.T) {
	server := natstest.Start(t)
	js := server.JetStream(t)
	stream := natstest.Stream(t, js, 1, "EVENTS", "org.>")
	r := start(t, "urls: [%q], stream: EVENTS, ack_wait: 1s", server.URL)
	r.connected()
	publish(t, js, "", bustest.Sample(1), bustest.Sample(2))
	first, second := r.next(), r.next()
	server.Kill()
	r.reaches("notifyd_source_connected", "", 0)
	first.Done()
	server.Restart(t)
	r.connected()
	second.Done()
	exectest.Eventually(t, patience, "both are acknowledged", func() bool {
		for r.in.Len() > 0 { // the server may have forgotten that it has sent them
			r.next().Done()
		}
		return unacked(t, stream) == 0
	})
}

// TestConsumerIsDeletedWhileItIsRead: it is made anew, and goes on where the one before had come to.
func TestConsumerIsDeletedWhileItIsRead(t *testing.T) {
	server := natstest.Start(t)
	js := server.JetStream(t)
	// in memory: this server writes files of a consumer while it deletes them, and then says that it cannot
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "EVENTS", Subjects: []string{"org.>"}, Storage: jetstream.MemoryStorage,
	})
	if err != nil {
		t.Fatal(err)
	}
	r := prepare(t, "urls: [%q], stream: EVENTS", server.URL)
	c := &r.servers[0].config
	c.RetryMin, c.RetryMax = 500*time.Millisecond, 500*time.Millisecond // this server does not delete at once
	r.run()
	r.connected()
	publish(t, js, "", bustest.Sample(1), bustest.Sample(2), bustest.Sample(3))
	r.next().Done()
	second := r.next()
	r.next().Done()
	if err := stream.DeleteConsumer(t.Context(), "notifyd"); err != nil {
		t.Fatal(err)
	}
	r.reaches(failures, FailedDeleted, 1)
	publish(t, js, "", bustest.Sample(4))
	r.says("goes on where the one before has come to")
	for _, want := range []int{2, 3, 4} { // the third was done with; the database knows it
		f := r.next()
		f.Done()
		if f.Topic != bustest.Sample(want).Topic {
			t.Errorf("%s came again, want sample %d", f.Topic, want)
		}
	}
	second.Done() // of a consumer that is gone
	exectest.Eventually(t, patience, "all are acknowledged", func() bool { return unacked(t, stream) == 0 })
}

// TestStreamIsDeletedWhileItIsRead: another one of that name begins from its first message.
func TestStreamIsDeletedWhileItIsRead(t *testing.T) {
	server := natstest.Start(t)
	js := server.JetStream(t)
	natstest.Stream(t, js, 1, "EVENTS", "org.>")
	r := start(t, "urls: [%q], stream: EVENTS", server.URL)
	r.connected()
	publish(t, js, "", bustest.Sample(1), bustest.Sample(2))
	first := r.next()
	r.next().Done()
	if err := js.DeleteStream(t.Context(), "EVENTS"); err != nil {
		t.Fatal(err)
	}
	r.says("look for the stream \\\"EVENTS\\\": it is not there")
	stream := natstest.Stream(t, js, 1, "EVENTS", "org.>")
	publish(t, js, "", bustest.Sample(3))
	f := r.next()
	if f.Topic != bustest.Sample(3).Topic {
		t.Errorf("the new stream begins with %s", f.Topic)
	}
	first.Done() // must not acknowledge the first message of another stream
	<-time.After(200 * time.Millisecond)
	if unacked(t, stream) != 1 {
		t.Error("a message is acknowledged that was not done with")
	}
	f.Done()
	exectest.Eventually(t, patience, "it is acknowledged", func() bool { return unacked(t, stream) == 0 })
}

// TestLimitsOfTheStream: what it has dropped before we came is said.
func TestLimitsOfTheStream(t *testing.T) {
	server := natstest.Start(t)
	js := server.JetStream(t)
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"org.>"}, MaxMsgs: 2})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, "urls: [%q], stream: EVENTS", server.URL)
	r.connected()
	publish(t, js, "", bustest.Sample(1))
	r.next().Done()
	exectest.Eventually(t, patience, "it is acknowledged", func() bool { return unacked(t, stream) == 0 })
	r.stop()
	for n := range 5 {
		publish(t, js, "", bustest.Sample(n+2))
	}
	again := start(t, "urls: [%q], stream: EVENTS", server.URL)
	for _, resumed := range []bool{true, false} {
		f := again.next()
		f.Done()
		if f.Resumed != resumed {
			t.Errorf("%s: resumed is %v", f.Topic, f.Resumed)
		}
	}
	again.says("first_lost=2 last_lost=4")
}
