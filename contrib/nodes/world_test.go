package nodes_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/internal/exectest"
)

// A world is everything that a row is played with.
type world struct {
	t         *testing.T
	folder    string
	db1, db2  *postgres // the primary and its synchronous replica
	primary   *postgres // which of them is the primary now
	mq        *rabbit   // nil where the bus is JetStream
	stream    *cluster  // nil where the bus is RabbitMQ
	mail      *fakesmtp.Server
	chat      *chat
	nodes     []*node
	publisher *publisher
}

// newWorld starts everything but the nodes and the publisher. The database is empty. mailTakes is how long the mail
// server thinks about a mail that it has taken: who is killed meanwhile has sent it, and cannot know. The bus is
// RabbitMQ, or JetStream.
func newWorld(t *testing.T, nodes int, mailTakes time.Duration, nats bool) *world {
	t.Helper()
	w := &world{t: t}
	var err error
	if w.folder, err = os.MkdirTemp("", "notifyd-nodes-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(w.folder) })
	if err := os.Chmod(w.folder, 0o755); err != nil {
		t.Fatal(err)
	}
	own(t, w.folder, "postgres")
	w.db1 = newPostgres(t, newHost(t, "db1", 11), w.folder)
	w.db2 = newPostgres(t, newHost(t, "db2", 12), w.folder)
	w.primary = w.db1
	w.db1.startPrimary()
	if nats {
		w.stream = newCluster(t, w.folder)
		w.publisher = newPublisher(t, w.stream)
	} else {
		w.mq = newRabbit(newHost(t, "mq", 20), w.folder)
		w.publisher = newPublisher(t, w.mq)
	}
	w.mail = startMail(t, mailTakes)
	w.chat = newChat(t, newHost(t, "irc", 40), w.folder)
	for n := range nodes {
		w.nodes = append(w.nodes, newNode(w, newHost(t, fmt.Sprint("n", n+1), 31+n)))
	}
	return w
}

// startNodes starts the daemon on every node.
func (w *world) startNodes() {
	w.t.Helper()
	for _, n := range w.nodes {
		n.begin()
	}
	for _, n := range w.nodes {
		n.waitReady()
	}
}

// startMail runs a mail server on the test's own host, which records what comes and when.
func startMail(t *testing.T, takes time.Duration) *fakesmtp.Server {
	t.Helper()
	options := fakesmtp.Options{Address: harness + ":25", Keep: 50_000}
	if takes > 0 {
		options.Script = func(at fakesmtp.Stage, _ string) (r fakesmtp.Reply) {
			if at == fakesmtp.OnEnd {
				r.Delay = takes
			}
			return r
		}
	}
	s, err := fakesmtp.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Errorf("mail server: %v", err)
		}
	})
	t.Cleanup(func() { stop(); running.Wait() })
	return s
}

// mailing waits until a node has handed over a mail, and waits for the answer of the mail server.
func (w *world) mailing(n *node) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	for {
		all, err := w.mail.Wait(ctx, w.mail.Count()+1)
		if err != nil {
			w.t.Fatalf("%s mails nothing: %v", n.name, err)
		}
		if strings.HasPrefix(all[len(all)-1].Client, n.addr+":") {
			return
		}
	}
}

// promote makes the replica the primary.
func (w *world) promote() {
	w.t.Helper()
	w.db2.promote()
	w.primary = w.db2
}

// database opens the database of whoever is the primary.
func (w *world) database() *sql.DB { return w.primary.open("notifyd") }

// A node is a host with `notifyd serve`.
type node struct {
	*host
	config string
	child  *exectest.Child
}

// nodeConfig is the configuration of a node: that of doc/scaling.md, and no cap on notices, nor on lines of IRC.
const nodeConfig = `
database: {dsn: 'postgres://postgres@%s,%s/notifyd?sslmode=disable&target_session_attrs=read-write'}
web: {listen: ''}
metrics: {listen: '%s'}
outbox: {cap: 0}
bus: {%s}
backends:
  email: {host: %s, port: 25, tls: none, from: notifyd@example.org, connections: 4}
  irc: {networks: [{name: net, address: '%s', nick: notifyd, burst: 100, per_second: 100}]}
`

func newNode(w *world, h *host) *node {
	w.t.Helper()
	n := &node{host: h, config: filepath.Join(w.folder, h.name+".yaml")}
	text := fmt.Sprintf(nodeConfig, w.db1.at(postgresPort), w.db2.at(postgresPort), n.at(8081), w.source(), harness,
		w.chat.at(6667))
	if err := os.WriteFile(n.config, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// source is where nodes get their messages from, as the configuration says it.
func (w *world) source() string {
	if w.stream != nil {
		return fmt.Sprintf("nats: {servers: {site: {urls: [%s], stream: EVENTS, retry_max: 5s}}}", w.stream.urls())
	}
	return fmt.Sprintf("amqp: {brokers: {site: {url: '%s', queue: notifyd, queue_type: quorum, retry_max: 5s}}}",
		w.mq.url())
}

// begin starts the daemon; waitReady waits until it works.
func (n *node) begin() {
	n.t.Helper()
	n.child = n.start(n.command(os.Getenv(binaryKey), "--config", n.config, "serve"))
}

func (n *node) waitReady() {
	n.t.Helper()
	exectest.Eventually(n.t, time.Minute, n.name+" is ready", func() bool {
		if !n.child.Alive() {
			n.t.Fatalf("%s has ended", n.name)
		}
		return n.ready()
	})
}

// stop asks a node to end, as an update of the package does.
func (n *node) stop() {
	n.t.Helper()
	if status := n.child.Stop(n.t); status != 0 {
		n.t.Errorf("%s ended with status %d", n.name, status)
	}
}

// speaker is the node that has spoken on IRC last, and the others.
func (w *world) speaker() (holder *node, others []*node) {
	w.t.Helper()
	addr := w.chat.speaker()
	for _, n := range w.nodes {
		if n.addr == addr {
			holder = n
		} else {
			others = append(others, n)
		}
	}
	if holder == nil {
		w.t.Fatalf("nobody has spoken on IRC yet (%q)", addr)
	}
	return holder, others
}
