package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus/zmq"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
)

// A comingPublisher is a publisher that goes away and comes back at one address.
type comingPublisher struct {
	*zmq.Publisher
	address string
	stop    func()
}

func (p *comingPublisher) start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var err error
	if p.Publisher, err = zmq.Bind(ctx, p.address, zmq.PublisherConfig{}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	p.stop = func() { cancel(); <-ended }
}

// say publishes a message once the daemon has subscribed.
func (p *comingPublisher) say(t *testing.T, topic, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := p.WaitSubscribed(ctx, topic); err != nil {
		t.Fatal(err)
	}
	payload := fmt.Sprintf(`{"topic":%q,"msg_id":%q,"timestamp":%d,"msg":{"packages":["lanternfish"]}}`, topic, id,
		time.Now().Unix())
	if _, err := p.Publish(topic, []byte(payload)); err != nil {
		t.Fatal(err)
	}
}

// ownWorld is a daemon that says everything that it can, with a publisher, a mailbox and a subscriber of libzmq.
type ownWorld struct {
	world
	publisher  *comingPublisher
	subscriber wireSubscriber
	metrics    int
	config     string
}

func newOwnWorld(t *testing.T, dsn string) *ownWorld {
	t.Helper()
	w := &ownWorld{world: world{folder: t.TempDir()}, metrics: exectest.FreePort(t)}
	w.mail = newMailServer(t, w.folder)
	w.maildir = w.mail.maildir
	w.publisher = &comingPublisher{address: fmt.Sprintf("tcp://127.0.0.1:%d", exectest.FreePort(t))}
	w.publisher.start(t)
	t.Cleanup(func() { w.publisher.stop() })
	web, gate := exectest.FreePort(t), fmt.Sprintf("tcp://127.0.0.1:%d", exectest.FreePort(t))
	w.pages = fmt.Sprintf("http://127.0.0.1:%d", web)
	w.config = writeFile(t, w.folder, "notifyd.yaml",
		fmt.Sprintf("database: {dsn: %q}", dsn),
		fmt.Sprintf("web: {listen: '127.0.0.1:%d', base_url: %q}", web, w.pages), "accounts: {names: claimed}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", w.metrics),
		fmt.Sprintf("bus: {zmq: {endpoints: {hub: '%s'}}, gateway: {listen: '%s'}, pace: {lost_after: 1s},",
			w.publisher.address, gate),
		"  publish: {prefix: org.example, env: test,",
		"    events: [source.silent, source.back, preferences.changed, notice.sent]}}",
		fmt.Sprintf("backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org}}", w.mail.port))
	w.daemon = exectest.Start(t, exec.Command(buildNotifyd(t), "--config", w.config, "serve"))
	waitReady(t, w.daemon, w.metrics)
	w.subscriber = subscribeTo(t, gate)
	probes := 0
	exectest.Eventually(t, 30*time.Second, "the subscriber has subscribed", func() bool {
		probes++
		w.publisher.say(t, probeTopic, fmt.Sprint("2026-probe-", probes))
		return w.subscriber.Text() != ""
	})
	return w
}

// said gives the bodies of what the subscriber has got of an event.
func (w *ownWorld) said(t *testing.T, event string) (all []string) {
	t.Helper()
	for _, line := range w.subscriber.got(t) {
		topic, payload, _ := strings.Cut(line, "\t")
		var envelope struct {
			Topic    string          `json:"topic"`
			ID       string          `json:"msg_id"`
			Username string          `json:"username"`
			Msg      json.RawMessage `json:"msg"`
		}
		if topic != "org.example.test.notifyd."+event {
			continue
		}
		if err := json.Unmarshal([]byte(payload), &envelope); err != nil || envelope.Topic != topic ||
			envelope.Username != "notifyd" || !regexp.MustCompile(`^20\d\d-[0-9a-f-]{36}$`).MatchString(envelope.ID) {
			t.Fatalf("this is no message of fedmsg's form: %s, error %v", payload, err)
		}
		all = append(all, string(envelope.Msg))
	}
	return all
}

// TestOwnMessages: a person asks on the page to be told of silences; an endpoint goes and comes, a service comes back,
// and mails say so. What the person changes, and what was sent, a subscriber of the gateway reads.
func TestOwnMessages(t *testing.T) {
	dsn := filepath.Join(t.TempDir(), "notifyd.db")
	remember(t, dsn, "org.example.test.bodhi.update", time.Now().Add(-2*time.Hour))
	withDatabase(t, dsn, func(d *migrations.DB) error {
		last := time.Now().Add(-2 * time.Hour)
		silent := history.Pace{What: "service", Under: "org.example.test", Name: "bodhi", Heard: last,
			Silent: last, Record: fmt.Sprint(time.Now().Unix()/3600, " 0 - - - - - - - - - 00")}
		s := history.NewStore(d.Writer, d.Reader, time.Now)
		return d.Writer.Transaction(func(tx *gorm.DB) error { return s.SavePaces(tx, []history.Pace{silent}) })
	})
	w := newOwnWorld(t, dsn)
	b := w.signIn(t, "alice@example.org", "alice")
	exectest.Eventually(t, 20*time.Second, "the new account is told of",
		func() bool { return len(w.said(t, "preferences.changed")) == 1 })
	for _, name := range []string{"one", "two"} {
		w.follow(t, b, name)
	}
	b.post(t, "/filters", "mode", "text", "do", "save", "text", "filters:\n  - name: Silences\n    rules:\n"+
		"      - kind: [notifyd.source.silent, notifyd.source.back]\n      - signed: true\n")
	w.follow(t, b, "lanternfish")
	exectest.Eventually(t, 20*time.Second, "the changes are told of",
		func() bool { return len(w.said(t, "preferences.changed")) >= 2 })
	if got := w.said(t, "preferences.changed")[1]; got != `{"changes":4,"user":"alice","what":"filters"}` {
		t.Errorf("four new filters are told of as %s", got)
	}

	waitMetric(t, w.metrics, `notifyd_source_silent{source="hub"}`, " 0")
	w.publisher.stop()
	exectest.Eventually(t, 20*time.Second, "a mail says that the endpoint is lost",
		func() bool { return strings.Contains(w.mailText(), "The endpoint hub is not connected") })
	waitMetric(t, w.metrics, `notifyd_source_silent{source="hub"}`, " 1")
	listener := newBrowser(t, fmt.Sprintf("http://127.0.0.1:%d", w.metrics))
	ready := listener.get(t, "/readyz")
	if !strings.Contains(ready, `"ready":true,"silent":["endpoint hub is not connected"`) {
		t.Errorf("readyz says %s", ready)
	}
	watchman{t, w.config}.says("and so does the command", 1, `^DOWN: endpoint hub is not connected$`)
	w.publisher.start(t)
	exectest.Eventually(t, 20*time.Second, "a mail says that it is back",
		func() bool { return strings.Contains(w.mailText(), "The endpoint hub is back; it was not connected") })

	watchman{t, w.config}.says("a service is silent", 1, `^DOWN: service bodhi of org.example.test is silent$`)
	w.publisher.say(t, "org.example.test.bodhi.update", "2026-own-1")
	exectest.Eventually(t, 20*time.Second, "a mail says that the service is back",
		func() bool { return strings.Contains(w.mailText(), "The service bodhi of org.example.test is back") })
	w.publisher.say(t, "org.example.test.kitchen.tea", "2026-own-2")
	exectest.Eventually(t, 20*time.Second, "the notice is told of",
		func() bool { return len(w.said(t, "notice.sent")) > 0 })
	want := `{"backend":"email","messages":["2026-own-2"],"user":"alice"}`
	if got := w.said(t, "notice.sent"); strings.Join(got, "; ") != want {
		t.Errorf("notices that were sent: %s; want %s alone: none about what notifyd says", got, want)
	}
	for _, event := range []string{"preferences.changed", "notice.sent", "source.silent", "source.back"} {
		if all := strings.Join(w.said(t, event), " "); strings.Contains(all, "alice@") || strings.Contains(all, "lantern") {
			t.Errorf("%s says too much: %s", event, all)
		}
	}
	exectest.Eventually(t, 20*time.Second, "nothing is left to say", func() bool {
		return count(t, dsn, "SELECT count(*) FROM own_messages") == 0
	})
	if status := w.daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d: %s", status, w.daemon.Text())
	}
}
