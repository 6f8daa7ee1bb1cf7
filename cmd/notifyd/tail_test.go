package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/zmq"
)

// TestTailFilters publishes to a tail from this process: the tail prints each message that matches its patterns once.
func TestTailFilters(t *testing.T) {
	p := runPublisher(t)
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

// TestTailPicks publishes the same messages to each tail.
func TestTailPicks(t *testing.T) {
	messages := []string{
		`{"topic":"org.example.prod.git.receive","msg_id":"1","timestamp":1,"msg":{"commit":{"username":"alice","repo":"tea",` +
			`"branch":"main","rev":"0a","summary":"Warmer","stats":{"files":{"src/pot.c":{}}}}}}`,
		`{"topic":"org.example.prod._heartbeat","msg_id":"2","timestamp":2,"msg":{}}`,
		`{"topic":"org.example.prod.buildsys.build.state.change","msg_id":"3","timestamp":3,"msg":{"owner":"bob","name":"cup",` +
			`"version":"1","release":"2","new":3,"old":0,"build_id":7}}`,
		`{"topic":"org.example.prod.wiki.article.edit","msg_id":"4","timestamp":4,"msg":{"user":"Carol","title":"Milk"}}`,
	}
	folder := t.TempDir()
	filter := writeFile(t, folder, "filters.yaml", "filters:", "  - name: failed", "    rules:",
		"      - kind: buildsys.build.failed", "  - name: mine", "    rules:", "      - actor: '@me'")
	for _, c := range []struct{ args, want string }{
		{"--query msg_id,i", "1, None|3, None|4, None"},
		{"--query msg_id --users bob,carol", "3|4"},
		{"--query msg_id --packages tea,cup --users alice", "1"},
		{"--query msg_id --filter " + filter, "3"},
		{"--query msg_id --owner carol --filter " + filter, "3|4"},
		{"--query msg_id --inclusive-regexp ^((?!git).)*$", "3|4"},
		{"--query msg_id --exclusive-regexp git|wiki", "2|3"},
		{"--query msg_id --exclude=", "1|2|3|4"},
		{"--users alice --gource", "1|alice|A|git/tea/src/pot.c|"},
		{"--terse --users carol", "wiki.article.edit -- Carol edited the wiki page \"Milk\""},
		{"--really-pretty --users carol", "{|  \"msg\": {"},
	} {
		t.Run(c.args, func(t *testing.T) {
			p := runPublisher(t)
			args := append([]string{"tail", "--endpoint", p.Addr(), "-n", fmt.Sprint(strings.Count(c.want, "|") + 1)},
				strings.Fields(c.args)...)
			if !strings.Contains(c.args, "msg_id") {
				args[4] = "1"
			}
			got := tailOf(t, p, messages, args)
			if got = strings.ReplaceAll(strings.TrimSpace(got), "\n", "|"); !strings.HasPrefix(got, c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	t.Run("endpoints of the configuration", func(t *testing.T) {
		p := runPublisher(t)
		file := writeFile(t, folder, "notifyd.yaml", "bus:", "  zmq:", "    endpoints: {here: '"+p.Addr()+"'}",
			"    topics: ['org.example.']")
		if got := tailOf(t, p, messages, []string{"-c", file, "tail", "-n", "1", "--query", "msg_id"}); got != "1\n" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("a file of endpoints", func(t *testing.T) {
		p := runPublisher(t)
		endpoints := writeFile(t, folder, "endpoints.json", `{"endpoints": {"here": ["`+p.Addr()+`"]}}`)
		file := writeFile(t, folder, "found.yaml", "bus:", "  zmq:", "    endpoints_file: "+endpoints)
		if got := tailOf(t, p, messages, []string{"-c", file, "tail", "-n", "1", "--query", "msg_id"}); got != "1\n" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("a filter with a mistake", func(t *testing.T) {
		file := writeFile(t, folder, "wrong.yaml", "filters:\n  - name: x\n    rules:\n      - kidn: y\n")
		status, _, problems := command(t.Context(), "", "tail", "--endpoint", "tcp://127.0.0.1:1", "--filter", file)
		if status != 1 || !strings.Contains(problems, "kidn") {
			t.Errorf("%d %s", status, problems)
		}
	})
}

// runPublisher runs a publisher for the time of the test.
func runPublisher(t *testing.T) *zmq.Publisher {
	t.Helper()
	p, err := zmq.Bind(t.Context(), "tcp://127.0.0.1:0", zmq.PublisherConfig{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return p
}

// tailOf publishes messages to a tail, and gives what it prints until it ends.
func tailOf(t *testing.T, p *zmq.Publisher, messages, args []string) string {
	t.Helper()
	result := make(chan string, 1)
	go func() {
		_, out, problems := command(t.Context(), "", args...)
		result <- out + problems
	}()
	if err := p.WaitSubscribed(t.Context(), "org.example."); err != nil {
		t.Fatal(err)
	}
	for _, text := range messages {
		if _, err := p.Publish(bus.PeekEnvelope([]byte(text)).Topic, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case out := <-result:
		return out
	case <-time.After(20 * time.Second):
		t.Fatal("tail has not ended")
		return ""
	}
}
