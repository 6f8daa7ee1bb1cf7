package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/zmq"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// TestTailFilters publishes to a tail from this process: the tail prints each message that matches its patterns once.
func TestTailFilters(t *testing.T) {
	p, err := zmq.Bind(t.Context(), "tcp://127.0.0.1:0", zmq.PublisherConfig{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	result := make(chan string, 1)
	go func() {
		_, out, problems := command(t.Context(), "", "tail", "--endpoint", p.Addr(), "--topic", "org.*", "--include",
			`\.git\.|heartbeat`, "--exclude", "private|_heartbeat", "-n", "2")
		result <- out + problems
	}()
	if err := p.WaitSubscribed(t.Context(), "org."); err != nil {
		t.Fatal(err)
	}
	for i, topic := range []string{"org.a.git.push", "org.a.wiki.edit", "org.a.git.private", "org._heartbeat",
		"org.a.git.push", "org.b.git.tag"} {
		id := i
		if topic == "org.a.git.push" {
			id = 0 // sent twice, shown once
		}
		if _, err := p.Publish(topic, fmt.Appendf(nil, `{"topic":%q,"msg":%d,"msg_id":"%d","timestamp":1}`, topic, id,
			id)); err != nil {
			t.Fatal(err)
		}
		p.Publish("org.broken", []byte("{"))
	}
	select {
	case out := <-result:
		want := `{"msg":0,"msg_id":"0","timestamp":1,"topic":"org.a.git.push"}` + "\n" +
			`{"msg":5,"msg_id":"5","timestamp":1,"topic":"org.b.git.tag"}` + "\n"
		if out != want {
			t.Errorf("tail wrote %s\nwant %s", out, want)
		}
	case <-time.After(20 * time.Second):
		t.Error("tail has not ended")
	}
}

// TestTailShowsWhatIsTooLarge shows the envelope of a message that is not read whole, and may be no JSON.
func TestTailShowsWhatIsTooLarge(t *testing.T) {
	payload := []byte(`{"topic":"t","msg":` + strings.Repeat("]", bus.MaxRead) + `,"msg_id":"x","timestamp":1}`)
	m, err := bus.Decode(bus.Frame{Topic: "t", Payload: payload}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	m.Standing = bus.Standing{} // as tail leaves a message that it does not check
	var line, pretty bytes.Buffer
	if err := errors.Join(printJSON(&line, m), printPretty(&pretty, m)); err != nil {
		t.Fatal(err)
	}
	want := `{"i":0,"msg":null,"msg_id":"x","timestamp":1,"topic":"t"}` + "\n"
	if line.String() != want || !strings.Contains(pretty.String(), `"msg_id": "x"`) {
		t.Errorf("tail wrote %s and %s, want %s", &line, &pretty, want)
	}
}

func TestTailHidesControlCharacters(t *testing.T) {
	payload := []byte(`{"topic":"t","msg":{"a":"\u001b]0;x\u0007\u009b2J\u202e\u200b\u2028é\n</b>"},"msg_id":"x","timestamp":1,"signature":"s","certificate":"c"}`)
	m, err := bus.Decode(bus.Frame{Topic: "t", Payload: payload}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	m.Standing = bus.Standing{} // not checked
	var pretty, line, terse bytes.Buffer
	book, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{printPretty(&pretty, m), printJSON(&line, m), printTerse(&terse, book, m)} {
		if err != nil {
			t.Error(err)
		}
	}
	if want := `"a": "\u001b]0;x\u0007\u009b2J\u202e\u200b\u2028é\n</b>"`; !strings.Contains(pretty.String(), want) ||
		strings.Contains(pretty.String(), "signature") {
		t.Errorf("pretty: %s", pretty.String())
	}
	if want := `{"certificate":"c","msg":{"a":"\u001b]0;x\u0007\u009b2J\u202e\u200b\u2028\u00e9\n</b>"},"msg_id":"x","signature":"s","timestamp":1,"topic":"t"}` + "\n"; line.String() != want {
		t.Errorf("json: %s", line.String())
	}
	for _, b := range []*bytes.Buffer{&pretty, &line, &terse} {
		if strings.ContainsFunc(b.String(), hidden) {
			t.Errorf("control characters in %q", b.String())
		}
	}
	if strings.Count(terse.String(), "\n") != 1 {
		t.Errorf("terse: %q", terse.String())
	}
}
