package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/bus/amqp/rabbittest"
	"github.com/notifyd/notifyd/internal/exectest"
)

// TestKilledDaemonAndBrokerLoseNothing kills the daemon and RabbitMQ at random moments while messages come. What the
// broker has confirmed to the publisher is in the history in the end, each message once, however often it came, and as
// sent by the login that the broker has authenticated.
// NOTIFYD_AMQP_KILLS and NOTIFYD_AMQP_MESSAGES make it a long run.
func TestKilledDaemonAndBrokerLoseNothing(t *testing.T) {
	kills, messages := sized(t, "NOTIFYD_AMQP_KILLS", 3), sized(t, "NOTIFYD_AMQP_MESSAGES", 2000)
	broker := rabbittest.Start(t)
	folder, port := t.TempDir(), exectest.FreePort(t)
	database := filepath.Join(folder, "notifyd.db")
	config := writeFile(t, folder, "notifyd.yaml",
		"database: {dsn: "+database+"}", "web: {listen: ''}", fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", port),
		"bus: {amqp: {brokers: {site: {queue: notifyd, dead_letter: dead, retry_min: 50ms, retry_max: 500ms, url: '"+
			broker.URL(rabbittest.Admin)+"'}}}}")
	start := func() *exectest.Child {
		return exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
	}
	daemon := start()
	waitReady(t, daemon, port)
	waitMetric(t, port, "notifyd_source_connected{", " 1")

	part := messages / (kills + 1)
	p := &amqpPublisher{t: t, broker: broker, pause: time.Second * amqpBatch / time.Duration(part)} // some seconds a part
	brokerKills, redelivered := 0, 0
	for n := range kills {
		published := p.begin(part)
		pause(t, randomDuration(t, time.Second))
		redelivered += redeliveries(port, "amqp")
		if n%3 == 2 || kills > 20 && rand.IntN(8) == 0 {
			brokerKills++
			broker.Kill()
			broker.Restart(t)
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
	waitMetric(t, port, "notifyd_amqp_unacknowledged{", " 0")
	stored := messageIDs(t, database)
	missing := 0
	for n := range messages {
		if !stored[amqpID(n)] {
			missing++
		}
	}
	if missing > 0 || len(stored) != messages {
		t.Errorf("%d of %d messages are missing, %d are stored", missing, messages, len(stored))
	}
	proved := count(t, database, "SELECT count(*) FROM messages WHERE verdict = 'signed' AND method = 'broker' AND "+
		"signer = '"+rabbittest.Admin+"'")
	if proved != len(stored) {
		t.Errorf("%d of %d messages are proved to be of the login that has published them", proved, len(stored))
	}
	t.Logf("%d kills of the daemon, %d of RabbitMQ, %d published, %d published again and %d or more delivered again, "+
		"%d stored, %d missing", kills-brokerKills, brokerKills, messages, p.again, redelivered+redeliveries(port, "amqp"),
		len(stored), missing)
}

// redeliveries is how many messages the daemon at this port has got again since its start, over a bus of this name; 0
// where it does not answer.
func redeliveries(port int, bus string) (n int) {
	answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", port))
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if after, ok := strings.CutPrefix(lines.Text(), "notifyd_"+bus+`_redelivered_total{source="site"} `); ok {
			n, _ = strconv.Atoi(after)
		}
	}
	return n
}

const amqpBatch = 25 // messages that are published and confirmed together

func amqpID(n int) string { return fmt.Sprintf("amqp-%d", n) }

// An amqpPublisher publishes persistent messages, and again whatever the broker has not confirmed.
type amqpPublisher struct {
	t      *testing.T
	broker *rabbittest.Broker
	next   int
	pause  time.Duration // after each batch
	again  int           // messages that were published once more
}

// begin publishes count messages, until the broker has confirmed all; then it closes the channel.
func (p *amqpPublisher) begin(count int) (published <-chan struct{}) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for until := p.next + count; p.next < until && p.t.Context().Err() == nil; {
			if err := p.session(until); err != nil {
				pause(p.t, 50*time.Millisecond)
			}
		}
	}()
	return ended
}

// session publishes in batches over one connection, until there is an error.
func (p *amqpPublisher) session(until int) error {
	conn, err := amqp091.Dial(p.broker.URL(rabbittest.Admin))
	if err != nil {
		return err
	}
	defer conn.Close()
	channel, err := conn.Channel()
	if err != nil {
		return err
	}
	if err := channel.Confirm(false); err != nil {
		return err
	}
	for p.next < until {
		size := min(amqpBatch, until-p.next)
		if err := p.batch(channel, size); err != nil {
			p.again += size
			return err
		}
		p.next += size
		pause(p.t, p.pause)
	}
	return nil
}

func (p *amqpPublisher) batch(channel *amqp091.Channel, size int) error {
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	var confirmations []*amqp091.DeferredConfirmation
	for n := p.next; n < p.next+size; n++ {
		c, err := channel.PublishWithDeferredConfirmWithContext(ctx, "amq.topic", "org.example.prod.ferry.crossing", false,
			false, amqp091.Publishing{
				MessageId: amqpID(n), UserId: rabbittest.Admin, DeliveryMode: amqp091.Persistent, ContentType: "application/json",
				Headers: amqp091.Table{"sent-at": time.Now().UTC().Format(time.RFC3339)},
				Body:    fmt.Appendf(nil, `{"n": %d}`, n),
			})
		if err != nil {
			return err
		}
		confirmations = append(confirmations, c)
	}
	for _, c := range confirmations {
		if ok, err := c.WaitContext(ctx); err != nil || !ok {
			return fmt.Errorf("not confirmed: %v", err)
		}
	}
	return nil
}
