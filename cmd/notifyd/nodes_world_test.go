package main

import (
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/bus/amqp/rabbittest"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// The topics of the several nodes' test: alice hears of the first by mail and on IRC, the crew of the second by mail.
const ferry, storm = "org.example.prod.ferry.crossing", "org.example.prod.harbour.storm"

// crew is how many people hear of a storm: more than three nodes send to at once.
const crew = 30

// A cluster is three daemons on one PostgreSQL database and one queue of RabbitMQ, with one mail server and one IRC
// network for all.
type cluster struct {
	*testing.T
	dsn    string
	broker *amqp091.Channel
	mail   *mailServer
	reader *ircReader
	nodes  []*clusterNode
	sent   int
}

type clusterNode struct {
	config string
	port   int // of the metrics
	*exectest.Child
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	broker := rabbittest.Start(t)
	w := &cluster{T: t, dsn: migratest.Postgres(t)}
	folder := t.TempDir()
	w.mail = newMailServer(t, folder)
	server := newIRCServer(t)
	w.reader = newIRCReader(t, server, "alice")
	w.givePreferences()
	for i := range 3 {
		n := &clusterNode{port: exectest.FreePort(t)}
		n.config = writeFile(t, folder, fmt.Sprintf("node%d.yaml", i),
			fmt.Sprintf("database: {dsn: %q}", w.dsn), "web: {listen: ''}", "outbox: {cap: 0}",
			fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", n.port),
			fmt.Sprintf("bus: {amqp: {brokers: {site: {queue: nodes, url: '%s'}}}}", broker.URL(rabbittest.Admin)),
			"backends:",
			fmt.Sprintf("  email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org}", w.mail.port),
			fmt.Sprintf("  irc: {networks: [{name: test, address: '127.0.0.1:%d', nick: notifyd, per_second: 50}]}", server.port),
		)
		w.nodes = append(w.nodes, n)
	}
	for _, n := range w.nodes {
		w.start(n)
	}
	for _, n := range w.nodes {
		w.wait(n)
	}
	w.broker = broker.Channel(t)
	if err := w.broker.Confirm(false); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *cluster) start(n *clusterNode) {
	n.Child = exectest.Start(w.T, exec.Command(buildNotifyd(w.T), "--config", n.config, "serve"))
}

func (w *cluster) wait(n *clusterNode) {
	w.Helper()
	waitReady(w.T, n.Child, n.port)
	waitMetric(w.T, n.port, "notifyd_source_connected{", `source="site"} 1`)
}

// givePreferences makes alice, who hears of ferries by mail and on IRC, and a crew that hears of storms by mail.
func (w *cluster) givePreferences() {
	withDatabase(w.T, w.dsn, func(d *migrations.DB) error {
		store := openPrefs(d)
		alice := w.person(store, "alice", ferry)
		irc, err := store.Destinations.Add(w.Context(), alice.ID, "irc", "alice@test")
		if err != nil {
			return err
		}
		code, err := store.Destinations.NewCode(w.Context(), alice.ID, irc.ID)
		if err != nil {
			return err
		}
		for i := range crew {
			w.person(store, fmt.Sprintf("sailor%02d", i), storm)
		}
		return store.Destinations.Confirm(w.Context(), alice.ID, irc.ID, code)
	})
}

// person makes a person with one filter, for a topic.
func (w *cluster) person(store *prefs.Store, name, topic string) prefs.User {
	w.Helper()
	u, err := store.Accounts.Register(w.Context(), name, "", "email", name+"@example.org")
	if err != nil {
		w.Fatal(err)
	}
	defaults, err := store.Filters.List(w.Context(), u.ID)
	if err != nil {
		w.Fatal(err)
	}
	for _, f := range defaults {
		if err := store.Filters.Delete(w.Context(), u.ID, f.ID); err != nil {
			w.Fatal(err)
		}
	}
	rule := rulespec.Rule{Kind: "topic", Args: rulespec.Args{"pattern": {topic}}}
	_, err = store.Filters.Save(w.Context(), u.ID, prefs.Filter{
		Filter: rulespec.Filter{Name: "About " + topic, Rules: []rulespec.Rule{rule}}, On: true,
	})
	if err != nil {
		w.Fatal(err)
	}
	return u
}

// switchFilter switches alice's filter on or off, as the page of any node does.
func (w *cluster) switchFilter(on bool) {
	withDatabase(w.T, w.dsn, func(d *migrations.DB) error {
		store := openPrefs(d)
		alice, err := store.Accounts.ByName(w.Context(), "alice")
		if err != nil {
			return err
		}
		filters, err := store.Filters.List(w.Context(), alice.ID)
		if err != nil {
			return err
		}
		return store.Filters.SetOn(w.Context(), alice.ID, filters[0].ID, on)
	})
}

// publish publishes messages of a topic and waits until the broker has them. It gives their ids.
func (w *cluster) publish(topic string, count int) (ids []string) {
	w.Helper()
	for range count {
		w.sent++
		ids = append(ids, crossingID(w.sent))
		c, err := w.broker.PublishWithDeferredConfirmWithContext(w.Context(), "amq.topic", topic, true, false,
			amqp091.Publishing{
				MessageId: crossingID(w.sent), UserId: rabbittest.Admin, DeliveryMode: amqp091.Persistent,
				ContentType: "application/json", Headers: amqp091.Table{"sent-at": time.Now().UTC().Format(time.RFC3339)},
				Body: fmt.Appendf(nil, `{"n": %d}`, w.sent),
			})
		if err != nil {
			w.Fatal(err)
		}
		if ok, err := c.WaitContext(w.Context()); err != nil || !ok {
			w.Fatalf("the broker has not confirmed: %v", err)
		}
	}
	return ids
}

// mailIDs gives the Message-IDs of the mails that tell of a message, by whom they went to, with how often each came.
func (w *cluster) mailIDs(message string) map[string]map[string]int {
	all := map[string]map[string]int{}
	for _, text := range (&world{maildir: w.mail.maildir}).mails() {
		if !strings.Contains(text, "X-Notifyd-Message-Id: "+message) {
			continue
		}
		header := parseMail(w.T, []byte(text)).Header
		to := header.Get("To")
		if all[to] == nil {
			all[to] = map[string]int{}
		}
		all[to][header.Get("Message-Id")]++
	}
	return all
}

// said counts the lines on IRC that tell of a ferry.
func (w *cluster) said() (lines int) {
	for line := range strings.Lines(w.reader.said()) {
		if strings.Contains(line, "ferry") {
			lines++
		}
	}
	return lines
}

func (w *cluster) query(query string) int { return count(w.T, w.dsn, query) }

// routed gives how many messages each node that lives has routed since its start.
func (w *cluster) routed() map[*clusterNode]int {
	all := map[*clusterNode]int{}
	for _, n := range w.nodes {
		if n.Alive() {
			found := regexp.MustCompile(`(?m)^notifyd_messages_routed_total (\d+)$`).FindStringSubmatch(metricsText(w.T, n.port))
			var routed int
			fmt.Sscan(found[1], &routed)
			all[n] = routed
		}
	}
	return all
}

// holder waits until one node, and one alone, holds a lease.
func (w *cluster) holder(lease string) (holder *clusterNode) {
	w.Helper()
	exectest.Eventually(w.T, 40*time.Second, "a node holds the lease "+lease, func() bool {
		held := map[*clusterNode]bool{}
		for _, n := range w.nodes {
			if n.Alive() && strings.Contains(metricsText(w.T, n.port), `notifyd_lease_held{lease="`+lease+`"} 1`) {
				held[n], holder = true, n
			}
		}
		if len(held) > 1 {
			w.Fatalf("%d nodes hold the lease %s", len(held), lease)
		}
		return len(held) == 1
	})
	return holder
}

// change is what each node has routed since before.
func change(before, after map[*clusterNode]int) (all []int) {
	for n := range maps.Keys(after) {
		all = append(all, after[n]-before[n])
	}
	return all
}
