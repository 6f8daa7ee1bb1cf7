package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// pySubscriber prints the topic and the payload of each message, in base64.
const pySubscriber = `
import base64, json, sys, zmq
s = zmq.Context().socket(zmq.SUB); s.connect(sys.argv[1]); s.setsockopt(zmq.SUBSCRIBE, b"")
while True: print(json.dumps([base64.b64encode(f).decode() for f in s.recv_multipart()]), flush=True)
`

// A wireSubscriber is libzmq's SUB socket.
type wireSubscriber struct{ *exectest.Child }

func subscribeTo(t *testing.T, address string) wireSubscriber {
	t.Helper()
	return wireSubscriber{exectest.Start(t, exec.Command(exectest.Python(t, "zmq"), "-c", pySubscriber, address))}
}

// got gives the messages so far but for probes: topic, tab, payload.
func (s wireSubscriber) got(t *testing.T) (all []string) {
	t.Helper()
	for line := range strings.Lines(s.Text()) {
		var parts []string
		if !strings.HasSuffix(line, "\n") || json.Unmarshal([]byte(line), &parts) != nil || len(parts) != 2 {
			continue
		}
		topic, _ := base64.StdEncoding.DecodeString(parts[0])
		payload, err := base64.StdEncoding.DecodeString(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		if string(topic) != probeTopic {
			all = append(all, string(topic)+"\t"+string(payload))
		}
	}
	return all
}

const probeTopic = "org.example.test.probe"

// want waits for exactly these messages, in this order.
func (s wireSubscriber) want(t *testing.T, want ...string) {
	t.Helper()
	exectest.Eventually(t, 20*time.Second, "all messages", func() bool { return len(s.got(t)) >= len(want) })
	if got := s.got(t); !slices.Equal(got, want) {
		t.Errorf("a subscriber has got\n%q, want\n%q", got, want)
	}
}

// odd are messages that nobody may write anew.
func oddMessages(count int) []string {
	all := make([]string, count)
	for i := range all {
		topic := fmt.Sprintf("org.example.test.ferry.%d", i)
		all[i] = fmt.Sprintf("%s\t"+`{ "topic":%q,"msg_id" : "2026-odd-%d","timestamp":%d.50, "msg":{"ü":"\u00fc"},"i":1 }`,
			topic, topic, i, time.Now().Unix())
	}
	return all
}

// TestGateway sends messages by libzmq to a daemon, of which two sockets of libzmq get everything that is a message,
// once, byte for byte, beside one that never reads.
func TestGateway(t *testing.T) {
	port := exectest.FreePort(t)
	address := fmt.Sprintf("tcp://127.0.0.1:%d", port)
	h := newHoled(t, nothing, func(*holed) string {
		return fmt.Sprintf("gateway: {listen: '%s', queue: 1000, total_bytes: 1048576}\n  trust: "+
			"{sources: {hub: {verdicts: {unchecked: drop}}}}", address)
	})
	publisher := startPublisher(t, exectest.Python(t, "zmq"), h.busPort)
	daemon := h.start()
	one, two := subscribeTo(t, address), subscribeTo(t, address)
	probes := 0
	exectest.Eventually(t, 20*time.Second, "both have subscribed", func() bool {
		probes++
		publisher.say(t, probeTopic, fmt.Sprint("probe-", probes), 1, nil)
		return one.Text() != "" && two.Text() != ""
	})
	want := oddMessages(50)
	for i, line := range want {
		fmt.Fprintln(publisher.stdin, line)
		if i == 10 {
			fmt.Fprintln(publisher.stdin, line)                   // a repeat
			fmt.Fprintln(publisher.stdin, "org.example.bad\tx")   // no message
			fmt.Fprintln(publisher.stdin, "org.example.forged\t"+ // dropped by the policy
				`{"topic":"org.example.forged","msg_id":"2026-f","msg":{},"signature":"AA==","certificate":"AA=="}`)
		}
	}
	one.want(t, want...)
	two.want(t, want...)
	waitMetric(t, h.metricsPort, `notifyd_outlet_peers{address="`+address+`",outlet="gateway"}`, " 2")
	waitMetric(t, h.metricsPort, `notifyd_messages_rejected_total{reason="unchecked"`, " 1")
	waitMetric(t, h.metricsPort, `notifyd_messages_rejected_total{reason="malformed"`, " 1")

	second := exec.Command(buildNotifyd(t), "--config", h.config, "serve")
	second.Env = append(second.Environ(), "NOTIFYD_DATABASE__DSN="+h.database+"2", "NOTIFYD_METRICS__LISTEN=127.0.0.1:0")
	if text, err := second.CombinedOutput(); err == nil ||
		!strings.Contains(string(text), "bus.gateway: listen at "+address) || !strings.Contains(string(text), "in use") {
		t.Errorf("a second daemon at the same address: %v\n%s", err, text)
	}
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d:\n%s", status, daemon.Text())
	}
}

// pyActive connects as fedmsg does in its active mode, waits for the subscription, sends the lines of its standard
// input, topic<TAB>body, and stays.
const pyActive = `
import sys, zmq
s = zmq.Context().socket(zmq.XPUB); s.connect(sys.argv[1]); s.recv()
for line in sys.stdin: s.send_multipart([part.encode() for part in line.rstrip("\n").split("\t", 1)])
s.recv()
`

// TestRelayAndGatewayInServe is a small community in one process: publishers connect, the relay hands on everything,
// the gateway what is a message, and the history has it.
func TestRelayAndGatewayInServe(t *testing.T) {
	in, out, gate := exectest.FreePort(t), exectest.FreePort(t), exectest.FreePort(t)
	address := func(port int) string { return fmt.Sprintf("tcp://127.0.0.1:%d", port) }
	h := newHoled(t, nothing, func(*holed) string {
		return fmt.Sprintf("relay: {listen: ['%s'], publish: ['%s']}\n  gateway: {listen: '%s'}",
			address(in), address(out), address(gate))
	})
	startPublisher(t, exectest.Python(t, "zmq"), h.busPort)
	daemon := h.start()
	relayed, gated := subscribeTo(t, address(out)), subscribeTo(t, address(gate))
	for port, outlet := range map[int]string{out: "relay", gate: "gateway"} {
		waitMetric(t, h.metricsPort, `notifyd_outlet_peers{address="`+address(port)+`",outlet="`+outlet+`"}`, " 1")
	}
	messages := oddMessages(20)
	publish := func(lines ...string) {
		t.Helper()
		cmd := exec.Command(exectest.Python(t, "zmq"), "-c", pyActive, address(in))
		cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
		exectest.Start(t, cmd)
	}
	// A subscriber counts as a peer before its subscription has come: probes tell when it has.
	exectest.Eventually(t, 20*time.Second, "both have subscribed", func() bool {
		publish(fmt.Sprintf(`%s`+"\t"+`{"topic":%q,"msg_id":"2026-probe-%d","msg":{}}`, probeTopic, probeTopic,
			time.Now().UnixNano()))
		pause(t, 200*time.Millisecond)
		return relayed.Text() != "" && gated.Text() != ""
	})
	noMessage := "org.example.bad\tno message"
	publish(append([]string{noMessage}, messages...)...)
	relayed.want(t, append([]string{noMessage}, messages...)...)
	gated.want(t, messages...)
	exectest.Eventually(t, 20*time.Second, "all are stored", func() bool {
		return count(t, h.database, "SELECT count(*) FROM messages WHERE msg_id LIKE '2026-odd-%'") == len(messages)
	})
	waitMetric(t, h.metricsPort, `notifyd_messages_rejected_total{reason="malformed",source="relay"}`, " 1")
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d:\n%s", status, daemon.Text())
	}
}

// TestGatewayAlone puts the command between a publisher and a subscriber of libzmq.
func TestGatewayAlone(t *testing.T) {
	port, gate := exectest.FreePort(t), exectest.FreePort(t)
	address := fmt.Sprintf("tcp://127.0.0.1:%d", gate)
	publisher := startPublisher(t, exectest.Python(t, "zmq"), port)
	arguments := []string{"gateway", "--listen", address, "--endpoint", fmt.Sprintf("tcp://127.0.0.1:%d", port)}
	gateway := exectest.Start(t, exec.Command(buildNotifyd(t), arguments...))
	gateway.Listening(t, fmt.Sprintf("127.0.0.1:%d", gate))
	subscriber := subscribeTo(t, address)
	exectest.Eventually(t, 20*time.Second, "it has subscribed", func() bool {
		fmt.Fprintln(publisher.stdin, probeTopic+"\tprobe")
		return subscriber.Text() != ""
	})
	want := append(oddMessages(30), "org.example.bad\tno message")
	for _, line := range want {
		fmt.Fprintln(publisher.stdin, line)
	}
	subscriber.want(t, want...)
	if text, err := exec.Command(buildNotifyd(t), arguments...).CombinedOutput(); err == nil ||
		!strings.Contains(string(text), "in use") {
		t.Errorf("a second one at the same address: %v\n%s", err, text)
	}
	if status := gateway.Stop(t); status != 0 || !strings.Contains(gateway.Text(), "handing on at "+address+"\n") {
		t.Errorf("exit status %d:\n%s", status, gateway.Text())
	}
}
