package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/bus/amqp/rabbittest"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestTwoBusesOneMail publishes each message at RabbitMQ and, as a bridge does, by libzmq, to one daemon: in both
// orders, at once, and again after a restart. Each is stored once, as RabbitMQ has proved it, and mailed once.
func TestTwoBusesOneMail(t *testing.T) {
	python := exectest.Python(t, "zmq")
	broker := rabbittest.Start(t)
	for name, dsn := range map[string]string{
		"sqlite": filepath.Join(t.TempDir(), "notifyd.db"), "postgres": migratest.Postgres(t),
	} {
		t.Run(name, func(t *testing.T) {
			const messages = 30
			w := newTwoBuses(t, python, broker, "twins-"+name, dsn)
			for n := range messages {
				switch n % 3 {
				case 0:
					w.atBroker(t, n)
					w.overFedmsg(t, n)
				case 1:
					w.overFedmsg(t, n)
					w.atBroker(t, n)
				default: // with time between: the first copy has been mailed
					w.overFedmsg(t, n)
					exectest.Eventually(t, 30*time.Second, "the first copy is mailed", func() bool { return w.mails()[n] > 0 })
					w.atBroker(t, n)
				}
			}
			w.expect(t, messages)
			if status := w.daemon.Stop(t); status != 0 {
				t.Errorf("exit status %d after SIGTERM, want 0", status)
			}
			w.start(t)
			for n := range messages + 1 { // the last one is new: when it is there, so is all before it
				w.overFedmsg(t, n)
				w.atBroker(t, n)
			}
			w.expect(t, messages+1)
		})
	}
}

// A twoBuses is a daemon that reads from two buses and mails everything to alice.
type twoBuses struct {
	config, dsn string
	port        int // of the metrics
	broker      *amqp091.Channel
	fedmsg      *publisher
	smtp        *fakesmtp.Server
	daemon      *exectest.Child
}

func newTwoBuses(t *testing.T, python string, broker *rabbittest.Broker, queue, dsn string) *twoBuses {
	t.Helper()
	givePreferences(t, dsn)
	w := &twoBuses{dsn: dsn, port: exectest.FreePort(t), smtp: startSMTP(t, fakesmtp.Options{})}
	zmq := exectest.FreePort(t)
	w.config = writeFile(t, t.TempDir(), "notifyd.yaml",
		fmt.Sprintf("database: {dsn: %q}", dsn), "web: {listen: ''}", "outbox: {cap: 0, poll: 1s}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", w.port),
		fmt.Sprintf("backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org}}",
			w.smtp.Addr().Port),
		"bus:", fmt.Sprintf("  zmq: {endpoints: {hub: 'tcp://127.0.0.1:%d'}}", zmq),
		fmt.Sprintf("  amqp: {brokers: {site: {queue: %s, url: '%s'}}}", queue, broker.URL(rabbittest.Admin)))
	w.fedmsg = startPublisher(t, python, zmq)
	w.start(t)
	w.broker = broker.Channel(t)
	return w
}

func (w *twoBuses) start(t *testing.T) {
	t.Helper()
	w.daemon = exectest.Start(t, exec.Command(buildNotifyd(t), "--config", w.config, "serve"))
	waitReady(t, w.daemon, w.port)
	waitMetric(t, w.port, "notifyd_source_connected{", `source="hub"} 1`)
	waitMetric(t, w.port, "notifyd_source_connected{", `source="site"} 1`)
}

const crossing = "org.example.prod.ferry.crossing"

func crossingID(n int) string { return fmt.Sprintf("4b5a3d2c-95a0-4f0e-b1cd-%012x", n+0xabcde) }

// atBroker publishes a message as fedora-messaging does.
func (w *twoBuses) atBroker(t *testing.T, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := w.broker.PublishWithContext(ctx, "amq.topic", crossing, true, false, amqp091.Publishing{
		MessageId: crossingID(n), UserId: rabbittest.Admin, DeliveryMode: amqp091.Persistent,
		ContentType: "application/json", ContentEncoding: "utf-8",
		Headers: amqp091.Table{"sent-at": time.Now().UTC().Format(time.RFC3339), "fedora_messaging_severity": int32(20)},
		Body:    fmt.Appendf(nil, `{"n": %d, "at": "m\u00f8le", "fare": 1.50}`, n),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// overFedmsg publishes the same as the bridge does.
func (w *twoBuses) overFedmsg(t *testing.T, n int) {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"topic": crossing, "msg_id": fmt.Sprintf("%d-%s", time.Now().Year(), crossingID(n)), "i": n + 1,
		"timestamp": time.Now().Unix() + 1, "username": "amqp-bridge",
		"msg": map[string]any{"at": "møle", "fare": 1.5, "n": n},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(w.fedmsg.stdin, "%s\t%s\n", crossing, body); err != nil {
		t.Fatal(err)
	}
}

// mails counts the mails of each message.
func (w *twoBuses) mails() map[int]int {
	counted := map[int]int{}
	for _, mail := range w.smtp.Messages() {
		for n := range 100 {
			if strings.Contains(string(mail.Data), crossingID(n)) {
				counted[n]++
				break
			}
		}
	}
	return counted
}

// expect waits until the messages up to a number are stored and mailed, and looks for what came twice.
func (w *twoBuses) expect(t *testing.T, messages int) {
	t.Helper()
	var rows []struct{ MsgID, Verdict, Signer string }
	exectest.Eventually(t, time.Minute, "all copies are judged, and all messages stored, as proved, and mailed", func() bool {
		rows = nil
		withDatabase(t, w.dsn, func(d *migrations.DB) error {
			return d.Reader.Raw("SELECT msg_id, verdict, signer FROM messages WHERE verdict = 'signed'").Scan(&rows).Error
		})
		return len(rows) >= messages && len(w.mails()) >= messages
	})
	for _, row := range rows {
		if row.Signer != rabbittest.Admin {
			t.Errorf("%s is signed by %q", row.MsgID, row.Signer)
		}
	}
	withDatabase(t, w.dsn, func(d *migrations.DB) error {
		var all int
		if err := d.Reader.Raw("SELECT count(*) FROM messages").Scan(&all).Error; all != messages || err != nil {
			t.Errorf("%d messages are stored, want %d, %v", all, messages, err)
		}
		return nil
	})
	for n, mails := range w.mails() {
		if mails != 1 {
			t.Errorf("message %d was mailed %d times", n, mails)
		}
	}
}
