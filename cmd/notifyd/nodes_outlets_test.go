package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/client"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// An outletNode is a daemon that takes messages by HTTP and from publishers, and hands them on to subscribers.
type outletNode struct {
	killable
	poster        *client.Poster
	in, out, gate int
}

func startOutletNode(t *testing.T, dsn string) *outletNode {
	t.Helper()
	n := &outletNode{in: exectest.FreePort(t), out: exectest.FreePort(t), gate: exectest.FreePort(t)}
	n.store, n.http, n.port = dsn, exectest.FreePort(t), exectest.FreePort(t)
	n.config = writeFile(t, t.TempDir(), "notifyd.yaml", "database: {dsn: '"+dsn+"'}", "web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", n.port), "bus:",
		fmt.Sprintf("  http: {listen: '127.0.0.1:%d', senders: {load: {token: sesame-sesame-sesame, topics: ['#'], "+
			"rate: 100000, burst: 100000}}}", n.http),
		fmt.Sprintf("  relay: {listen: ['tcp://127.0.0.1:%d'], publish: ['tcp://127.0.0.1:%d']}", n.in, n.out),
		fmt.Sprintf("  gateway: {listen: 'tcp://127.0.0.1:%d'}", n.gate))
	n.start(t)
	var err error
	n.poster, err = client.NewPoster(client.PosterConfig{
		URL: fmt.Sprintf("http://127.0.0.1:%d", n.http), Token: "sesame-sesame-sesame", Timeout: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.poster.Close() })
	return n
}

func (n *outletNode) post(t *testing.T, i int) {
	t.Helper()
	_, err := n.poster.Post(t.Context(), &bus.Message{ID: loadID(i), Topic: crossing, Body: map[string]any{"n": i}})
	if err != nil {
		t.Fatal(err)
	}
}

// numbersOf gives which of the posted messages a subscriber has got, in their order.
func numbersOf(t *testing.T, s wireSubscriber) (all []string) {
	t.Helper()
	for _, line := range s.got(t) {
		if _, number, found := strings.Cut(line, `"n":`); found {
			all = append(all, strings.TrimSpace(strings.SplitN(number, "}", 2)[0]))
		}
	}
	return all
}

// TestSubscribersOfEachNodeGetEverything posts messages to two daemons by turns, and one of them dies under way. A
// subscriber of the gateway of either gets each message once, in order; a subscriber of a relay gets what publishers
// have sent to the other node's.
func TestSubscribersOfEachNodeGetEverything(t *testing.T) {
	dsn := migratest.Postgres(t)
	one, two := startOutletNode(t, dsn), startOutletNode(t, dsn)
	address := func(port int) string { return fmt.Sprintf("tcp://127.0.0.1:%d", port) }
	ofOne, ofTwo, relayed := subscribeTo(t, address(one.gate)), subscribeTo(t, address(two.gate)),
		subscribeTo(t, address(two.out))
	waitMetric(t, one.port, `notifyd_outlet_peers{address="`+address(one.gate)+`",outlet="gateway"}`, " 1")
	waitMetric(t, two.port, `notifyd_outlet_peers{address="`+address(two.gate)+`",outlet="gateway"}`, " 1")
	waitMetric(t, two.port, `notifyd_outlet_peers{address="`+address(two.out)+`",outlet="relay"}`, " 1")

	const messages = 60
	var want []string
	for i := range messages {
		want = append(want, fmt.Sprint(i))
		[]*outletNode{one, two}[i%2].post(t, i)
	}
	for node, s := range map[string]wireSubscriber{"one": ofOne, "two": ofTwo} {
		exectest.Eventually(t, tookOver, "all messages at node "+node, func() bool {
			return len(numbersOf(t, s)) >= messages
		})
		if got := numbersOf(t, s); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("a subscriber of node %s has got %v", node, got)
		}
	}
	if got := relayed.got(t); len(got) > 0 {
		t.Errorf("a relay hands on what did not come from publishers: %q", got)
	}
	began := time.Now()
	one.post(t, messages)
	exectest.Eventually(t, tookOver, "one more", func() bool { return len(numbersOf(t, ofTwo)) > messages })
	t.Logf("from a post at one node to a subscriber of the other: %s at most", time.Since(began).Round(time.Millisecond))

	publisher := exec.Command(exectest.Python(t, "zmq"), "-c", pyActive, address(one.in))
	stdin, err := publisher.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	exectest.Start(t, publisher)
	fmt.Fprintf(stdin, "org.example.test.ferry\t{\"topic\":\"org.example.test.ferry\",\"msg_id\":\"2026-relayed\","+
		"\"timestamp\":%d,\"msg\":{}, \"i\":1 }\n", time.Now().Unix())
	exectest.Eventually(t, tookOver, "what a publisher sent to the other node", func() bool {
		return strings.Contains(strings.Join(relayed.got(t), "\n"), `"msg":{}, "i":1 }`)
	})

	one.child.Kill()
	for i := range 10 {
		two.post(t, messages+1+i)
	}
	exectest.Eventually(t, tookOver, "the messages after the death of a node", func() bool {
		return len(numbersOf(t, ofTwo)) == messages+11
	})
}
