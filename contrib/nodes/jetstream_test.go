package nodes_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/notifyd/notifyd/internal/exectest"
)

// A cluster is three nats-servers, each on a host, with a stream that all of them keep.
type cluster struct {
	t       testing.TB
	members []*member
}

type member struct {
	*host
	child *exectest.Child
}

const natsConfiguration = `server_name: %s
listen: "0.0.0.0:4222"
jetstream { store_dir: %q, max_mem: 64MB, max_file: 2GB }
cluster { name: bus, listen: "0.0.0.0:6222", routes: [%s] }
`

// newCluster starts the servers and makes the stream.
func newCluster(t testing.TB, folder string) *cluster {
	t.Helper()
	program := exectest.Program(t, "/usr/sbin/nats-server")
	c := &cluster{t: t}
	var routes []string
	for n := range 3 {
		c.members = append(c.members, &member{host: newHost(t, fmt.Sprint("q", n+1), 21+n)})
		routes = append(routes, fmt.Sprintf("%q", "nats://"+c.members[n].at(6222)))
	}
	for _, m := range c.members {
		file := filepath.Join(folder, m.name+".conf")
		text := fmt.Sprintf(natsConfiguration, m.name, filepath.Join(folder, m.name), strings.Join(routes, ", "))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		m.child = m.start(m.command(program, "-c", file))
	}
	exectest.Eventually(t, time.Minute, "the cluster has a stream", func() bool {
		return c.withStream(func(ctx context.Context, js jetstream.JetStream) error {
			_, err := js.CreateStream(ctx, jetstream.StreamConfig{
				Name: "EVENTS", Subjects: []string{"org.>"}, Replicas: 3, Storage: jetstream.FileStorage,
			})
			return err
		}) == nil
	})
	return c
}

// urls are those of all servers, as a configuration has them.
func (c *cluster) urls() string {
	var all []string
	for _, m := range c.members {
		all = append(all, fmt.Sprintf("%q", "nats://"+m.at(4222)))
	}
	return strings.Join(all, ", ")
}

func (c *cluster) dial() (*natsgo.Conn, error) {
	all := strings.ReplaceAll(strings.ReplaceAll(c.urls(), `"`, ""), " ", "")
	return natsgo.Connect(all, natsgo.Timeout(2*time.Second), natsgo.NoReconnect())
}

func (c *cluster) withStream(f func(context.Context, jetstream.JetStream) error) error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
	defer cancel()
	return f(ctx, js)
}

// killLeader kills the server that leads the stream.
func (c *cluster) killLeader() {
	c.t.Helper()
	leader := ""
	err := c.withStream(func(ctx context.Context, js jetstream.JetStream) error {
		stream, err := js.Stream(ctx, "EVENTS")
		if err != nil {
			return err
		}
		if cached := stream.CachedInfo(); cached.Cluster != nil {
			leader = cached.Cluster.Leader
		}
		return nil
	})
	for _, m := range c.members {
		if m.name == leader {
			m.child.Kill()
			return
		}
	}
	c.t.Fatalf("nobody leads the stream (%q): %v", leader, err)
}

// connect is that of a publishing.
func (c *cluster) connect() (publish func(n int) error, hangUp func(), err error) {
	conn, err := c.dial()
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(conn)
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	publish = func(n int) error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		m := natsgo.NewMsg(topic)
		m.Data = body(n)
		m.Header.Set(natsgo.MsgIdHdr, messageID(n))
		m.Header.Set("sent-at", time.Now().UTC().Format(time.RFC3339))
		ack, err := js.PublishMsg(ctx, m)
		if err == nil && ack.Stream == "" {
			err = errors.New("no stream has taken it")
		}
		return err
	}
	return publish, conn.Close, nil
}
