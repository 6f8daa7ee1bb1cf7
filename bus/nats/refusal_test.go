package nats

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/notifyd/notifyd/bus/bustest"
	"github.com/notifyd/notifyd/bus/nats/natstest"
	"github.com/notifyd/notifyd/internal/exectest"
)

// The seed of a user and its public key, those of NATS's own documentation.
const (
	seed      = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
	publicKey = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"
)

// accounts are logins: one who may do all, one by a key, one who may read an existing consumer and no more, one whose
// account has no JetStream.
const accounts = `accounts {
  SITE: { jetstream: enabled, users: [
    { user: admin, password: sesame }, { nkey: ` + publicKey + ` },
    { user: reader, password: sesame, permissions: {
        publish: ["$JS.API.STREAM.INFO.EVENTS", "$JS.API.CONSUMER.INFO.EVENTS.ready",
          "$JS.API.CONSUMER.MSG.NEXT.EVENTS.ready", "$JS.ACK.EVENTS.ready.>"],
        subscribe: ["_INBOX_reader.>"] } } ] }
  OTHER: { users: [ { user: other, password: sesame } ] }
}`

func site(t *testing.T) (*natstest.Server, jetstream.JetStream, jetstream.Stream) {
	server := natstest.StartFor(t, natsUser("admin", "sesame"), accounts)
	js := server.JetStream(t)
	return server, js, natstest.Stream(t, js, 1, "EVENTS", "org.>")
}

// TestLogins: by key, and as somebody who may read one consumer and nothing else.
func TestLogins(t *testing.T) {
	server, js, stream := site(t)
	file := filepath.Join(t.TempDir(), "seed")
	if err := os.WriteFile(file, []byte(seed+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{
		Durable: "ready", AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		t.Fatal(err)
	}
	byKey := start(t, "urls: [%q], stream: EVENTS, nkey_file: %s", server.URL, file)
	reader := start(t, "urls: [%q], stream: EVENTS, durable: ready, create: nothing, inbox: _INBOX_reader, user: reader, "+
		"password: sesame", server.URL)
	for _, r := range []*running{byKey, reader} {
		r.connected()
	}
	publish(t, js, "", bustest.Sample(1))
	for _, r := range []*running{byKey, reader} {
		r.next().Done()
	}
	exectest.Eventually(t, patience, "both have acknowledged", func() bool {
		consumer, err := stream.Consumer(t.Context(), "ready")
		return unacked(t, stream) == 0 && err == nil && consumer.CachedInfo().NumAckPending == 0
	})
}

// TestRefusals: what the server refuses is said once, in words that help, and tried again.
func TestRefusals(t *testing.T) {
	server, js, stream := site(t)
	for _, c := range []jetstream.ConsumerConfig{
		{Durable: "loose", AckPolicy: jetstream.AckNonePolicy},
		{Durable: "ready", AckPolicy: jetstream.AckExplicitPolicy},
	} {
		if _, err := stream.CreateConsumer(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := js.CreateOrUpdatePushConsumer(t.Context(), "EVENTS", jetstream.ConsumerConfig{
		Durable: "pushes", DeliverSubject: "x", AckPolicy: jetstream.AckExplicitPolicy,
	}); err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("urls: [%q], user: admin, password: sesame", server.URL)
	reader := fmt.Sprintf("urls: [%q], user: reader, password: sesame, stream: EVENTS, timeout: 1s", server.URL)
	for _, c := range []struct{ name, keys, reason, says string }{
		{"a wrong password", fmt.Sprintf("urls: [%q], user: admin, password: wrong-sesame, stream: EVENTS", server.URL),
			FailedLogin, "the server refuses the login"},
		{"no login", fmt.Sprintf("urls: [%q], stream: EVENTS", server.URL), FailedLogin, "the server refuses the login"},
		{"nobody listens", "urls: ['nats://127.0.0.1:1'], stream: EVENTS", FailedDial, "connection refused"},
		{"no such name", "urls: ['nats://nats.invalid'], stream: EVENTS", FailedDial, "nats.invalid"},
		{"no TLS", "urls: ['tls://" + server.Addr + "'], stream: EVENTS", FailedTLS, "the server offers no TLS"},
		{"no stream", at + ", stream: NOWHERE", FailedTopology, "it is not there"},
		{"no consumer", at + ", stream: EVENTS, create: nothing", FailedTopology, "it is not there"},
		{"a stream for subjects of another", at + ", stream: MINE, create: stream, subjects: [org.x]", FailedTopology,
			"subjects overlap"},
		{"a consumer that acknowledges nothing", at + ", stream: EVENTS, durable: loose", FailedTopology,
			"does not acknowledge explicitly"},
		{"a consumer that pushes", at + ", stream: EVENTS, durable: pushes", FailedTopology, "a pull consumer was expected"},
		{"several subjects at an old server", at + ", stream: EVENTS, subjects: [org.a, org.b]", FailedTopology,
			"needs a server of 2.10 or later"},
		{"subjects that the stream has not", at + ", stream: EVENTS, durable: d, subjects: [com.a]", FailedTopology,
			"the server refuses it"},
		{"an account without JetStream", fmt.Sprintf("urls: [%q], user: other, password: sesame, stream: EVENTS",
			server.URL), FailedTopology, "has no JetStream"},
		{"dead letters that no stream keeps", at + ", stream: EVENTS, durable: ready, create: nothing, dead_letter: dead",
			FailedTopology, "look for a stream that keeps the dead letters"},
		{"a login that may not", reader + ", inbox: _INBOX_reader, durable: mine", FailedTopology,
			"the login may not do that"},
		{"a login that may not get answers", reader + ", durable: ready", FailedTopology, "the login may not do that"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, "%s", c.keys)
			r.says(c.says)
			exectest.Eventually(t, patience, "it is tried again", func() bool { return r.value(failures, c.reason) >= 2 })
			if n, others := strings.Count(r.log.String(), "level=WARN"), r.others(failures, c.reason); n != 1 || others != 0 {
				t.Errorf("%d warnings, %v failures that are not of %s", n, others, c.reason)
			}
		})
	}
}

// TestTLS: certificates are checked both ways, by a name.
func TestTLS(t *testing.T) {
	server, files := natstest.StartTLS(t)
	js := server.JetStream(t)
	natstest.Stream(t, js, 1, "EVENTS", "org.>")
	port := server.Addr[strings.LastIndex(server.Addr, ":")+1:]
	mine := fmt.Sprintf("cert_file: %s, key_file: %s, stream: EVENTS", files.Cert, files.Key)
	r := start(t, "urls: ['tls://localhost:%s'], ca_file: %s, %s", port, files.CA, mine)
	r.connected()
	publish(t, js, "", bustest.Sample(1))
	r.next().Done()
	for name, r := range map[string]*running{
		"another CA": start(t, "urls: ['nats://localhost:%s'], ca_file: %s, %s", port, files.OtherCA, mine),
		"the system's CAs, as the server wants TLS": start(t, "urls: ['nats://localhost:%s'], stream: EVENTS", port),
		"no certificate": start(t, "urls: ['tls://localhost:%s'], ca_file: %s, stream: EVENTS", port, files.CA),
		"another name":   start(t, "urls: ['tls://[::ffff:127.0.0.1]:%s'], ca_file: %s, %s", port, files.OtherCA, mine),
	} {
		exectest.Eventually(t, patience, name+" is refused", func() bool { return r.value(failures, "") > 1 })
		if r.value("notifyd_source_reconnects_total", "") > 0 || r.value("notifyd_source_connected", "") > 0 {
			t.Errorf("%s: it was connected", name)
		}
		if name != "no certificate" && r.value(failures, FailedTLS) == 0 { // the server alone knows why it hangs up
			t.Errorf("%s: the log says\n%s", name, r.log)
		}
	}
}

// TestSeveralServers: any that answers is taken.
func TestSeveralServers(t *testing.T) {
	server := natstest.Start(t)
	js := server.JetStream(t)
	natstest.Stream(t, js, 1, "EVENTS", "org.>")
	r := start(t, "urls: ['nats://127.0.0.1:1', %q, 'nats://127.0.0.1:2'], stream: EVENTS", server.URL)
	r.connected()
	publish(t, js, "", bustest.Sample(1))
	r.next().Done()
}

// TestSilenceIsAnAlarm: a consumer that gets nothing looks healthy.
func TestSilenceIsAnAlarm(t *testing.T) {
	server := natstest.Start(t)
	js := server.JetStream(t)
	natstest.Stream(t, js, 1, "EVENTS", "org.>")
	r := start(t, "urls: [%q], stream: EVENTS, silence: 20ms", server.URL)
	exectest.Eventually(t, patience, "it is made anew", func() bool { return r.value(failures, FailedSilent) >= 3 })
	if n := strings.Count(r.log.String(), "connected, but nothing has come"); n != 1 ||
		r.value("notifyd_nats_silent", "") != 1 {
		t.Errorf("%d warnings, silent is %v", n, r.value("notifyd_nats_silent", ""))
	}
	publish(t, js, "", bustest.Sample(1))
	r.next().Done()
	r.says("messages come again")
}

// TestServerThatFreezes shows no sign of life any more.
func TestServerThatFreezes(t *testing.T) {
	server := natstest.Start(t)
	js := server.JetStream(t)
	natstest.Stream(t, js, 1, "EVENTS", "org.>")
	r := start(t, "urls: [%q], stream: EVENTS, timeout: 2s", server.URL)
	r.connected()
	server.Freeze(t)
	began := time.Now()
	r.reaches("notifyd_source_connected", "", 0)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("that was found after %v", took)
	}
	r.stop() // while it answers nothing
	server.Thaw(t)
	again := start(t, "urls: [%q], stream: EVENTS, timeout: 2s", server.URL)
	publish(t, js, "", bustest.Sample(1))
	again.next().Done()
}
