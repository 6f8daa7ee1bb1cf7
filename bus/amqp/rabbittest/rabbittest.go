// Package rabbittest runs a real RabbitMQ for the tests of one package: started when the first test asks for it, ended
// when all are over. A test is skipped by name where the machine lacks it. Start is for a package with one such test.
//
//	func TestMain(m *testing.M) { os.Exit(rabbittest.Main(m)) }
//
//	func TestConsume(t *testing.T) {
//		broker := rabbittest.Get(t)
//		channel := broker.Channel(t)
//		...
//
// The broker has a folder, ports, a cookie and a port mapper (epmd) of its own, and leaves none of them behind. Tests
// share it: each gives its queues and exchanges names of its own (Name).
package rabbittest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/internal/tlstest"
)

// The logins that the broker knows, each with the password Password. At Vhost all may do everything but the last.
const (
	Admin    = "admin"
	Other    = "other"     // another publisher
	Reader   = "reader"    // reads from a queue that the broker has named, as openSUSE's public login
	Client   = "client"    // the common name of the certificate at Certificates
	Password = "sesame/?%" // needs to be percent-encoded
	Vhost    = "/"
	// Closed is a vhost that nobody may enter.
	Closed = "closed"
)

const (
	program = "/usr/lib/rabbitmq/bin/rabbitmq-server"
	// started is how long a start may take on a machine that is busy with other things.
	started = 3 * time.Minute
)

// A Broker is the RabbitMQ of this package's tests.
type Broker struct {
	Host, Port, TLSPort string
	Certificates        tlstest.Certificates
	dir                 string
	env                 []string
	shared              bool // it lives until Main ends, and not only for one test

	mu    sync.Mutex
	child *exectest.Child
}

var (
	mu       sync.Mutex
	shared   *Broker
	cleanups []func()
	names    atomic.Int64
)

// Main runs the tests of a package and ends the broker, if one was started.
func Main(m *testing.M) int {
	status := m.Run()
	mu.Lock()
	defer mu.Unlock()
	for i := len(cleanups) - 1; i >= 0; i-- {
		cleanups[i]()
	}
	return status
}

// scope is a test whose children live until Main ends.
type scope struct{ testing.TB }

func (scope) Cleanup(f func()) { cleanups = append(cleanups, f) }
func (scope) Failed() bool     { return false } // at Main's end nothing can be logged any more

// Name makes a name that no other test has.
func Name(what string) string { return fmt.Sprintf("%s-%d", what, names.Add(1)) }

// Get gives the broker, and starts it where it does not run.
func Get(t testing.TB) *Broker {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	if shared == nil {
		shared = prepare(t, &Broker{Host: "127.0.0.1", shared: true})
	}
	shared.Restart(t)
	return shared
}

// Start starts a broker for one test.
func Start(t testing.TB) *Broker {
	t.Helper()
	b := prepare(t, &Broker{Host: "127.0.0.1"})
	b.Restart(t)
	return b
}

// life is the test that ends what the broker has, or Main.
func (b *Broker) life(t testing.TB) testing.TB {
	if b.shared {
		return scope{t}
	}
	return t
}

// prepare makes a broker ready to be started.
func prepare(t testing.TB, b *Broker) *Broker {
	t.Helper()
	exectest.Program(t, program)
	epmd := exectest.Program(t, "epmd")
	if err := b.prepare(b.life(t), epmd); err != nil {
		t.Fatal(err)
	}
	return b
}

// prepare writes the files of a broker and starts its port mapper.
func (b *Broker) prepare(t testing.TB, epmd string) (err error) {
	if b.dir, err = os.MkdirTemp("", "rabbit"); err != nil {
		return err
	}
	dir := b.dir
	t.Cleanup(func() { os.RemoveAll(dir) })
	port := func() string { return fmt.Sprint(exectest.FreePort(t)) }
	b.Port, b.TLSPort = port(), port()
	if b.Certificates, err = tlstest.Make(dir, Client); err != nil {
		return err
	}
	if err := b.writeFiles(); err != nil {
		return err
	}
	mapper, distribution := port(), port()
	exectest.Start(t, exec.Command(epmd, "-port", mapper, "-address", "127.0.0.1"))
	b.env = append(os.Environ(),
		"HOME="+dir, "ERL_EPMD_PORT="+mapper, "ERL_EPMD_ADDRESS=127.0.0.1", "RABBITMQ_DIST_PORT="+distribution,
		"RABBITMQ_NODENAME=test@localhost", "RABBITMQ_CONFIG_FILE="+filepath.Join(dir, "rabbitmq"),
		"RABBITMQ_MNESIA_BASE="+filepath.Join(dir, "mnesia"), "RABBITMQ_LOG_BASE="+dir, "RABBITMQ_ALLOW_INPUT=1",
		"RABBITMQ_ENABLED_PLUGINS_FILE="+filepath.Join(dir, "plugins"),
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} -setcookie test +S 2:2 -noinput",
	)
	return nil
}

// Kill ends the broker as a power cut would.
func (b *Broker) Kill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.child.Kill()
}

// Freeze stops the broker's process, so that it is there and answers nothing; Thaw lets it go on.
func (b *Broker) Freeze(t testing.TB) { b.signal(t, syscall.SIGSTOP) }

// Thaw ends Freeze.
func (b *Broker) Thaw(t testing.TB) { b.signal(t, syscall.SIGCONT) }

func (b *Broker) signal(t testing.TB, s syscall.Signal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.child.Signal(t, s)
}

// Restart starts the broker where it does not run, and waits until it takes connections.
func (b *Broker) Restart(t testing.TB) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.child != nil && b.child.Alive() {
		return
	}
	cmd := exec.Command(program)
	cmd.Env, cmd.Dir = b.env, b.dir
	b.child = exectest.Start(b.life(t), cmd)
	deadline := time.Now().Add(started)
	for {
		conn, err := b.dial(Admin)
		if err == nil {
			conn.Close()
			return
		}
		if !b.child.Alive() || time.Now().After(deadline) {
			t.Fatalf("RabbitMQ does not start: %v; it printed:\n%s", err, b.child.Text())
		}
		<-time.After(50 * time.Millisecond)
	}
}

// URL is that of the broker for a login at Vhost.
func (b *Broker) URL(user string) string { return b.At(net.JoinHostPort(b.Host, b.Port), user, Vhost) }

// At is the URL of an address that leads to the broker.
func (b *Broker) At(address, user, vhost string) string {
	return fmt.Sprintf("amqp://%s@%s/%s", url.UserPassword(user, Password), address, url.PathEscape(vhost))
}

func (b *Broker) dial(user string) (*amqp091.Connection, error) {
	return amqp091.DialConfig(b.URL(user), amqp091.Config{Dial: func(network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			err = conn.SetDeadline(time.Now().Add(20 * time.Second)) // the library lifts it once it is logged in
		}
		return conn, err
	}})
}

// Channel opens a channel of a connection of its own, as Admin. Both are closed with the test.
func (b *Broker) Channel(t testing.TB) *amqp091.Channel {
	t.Helper()
	return b.ChannelOf(t, Admin)
}

// ChannelOf is Channel for another login.
func (b *Broker) ChannelOf(t testing.TB, user string) *amqp091.Channel {
	t.Helper()
	channel, err := b.Connect(t, user).Channel()
	if err != nil {
		t.Fatalf("open a channel: %v", err)
	}
	return channel
}

// Connect connects a login. The connection is closed with the test.
func (b *Broker) Connect(t testing.TB, user string) *amqp091.Connection {
	t.Helper()
	conn, err := b.dial(user)
	if err != nil {
		t.Fatalf("connect to RabbitMQ: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
