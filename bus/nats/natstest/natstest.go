// Package natstest runs a real nats-server, with JetStream, for one test: a child on a free port with a folder of its
// own. A test is skipped by name where the machine lacks it.
//
//	server := natstest.Start(t)
//	js := server.JetStream(t)
//	...
//	server.Kill()
//	server.Restart(t)
package natstest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/internal/tlstest"
)

// program is where Debian has it: not in everybody's PATH.
const program = "/usr/sbin/nats-server"

// started is how long a start may take on a machine that is busy with other things.
const started = time.Minute

// A Server is a nats-server of one test.
type Server struct {
	Addr  string // host and port
	URL   string
	login []natsgo.Option
	file  string // its configuration

	mu    sync.Mutex
	child *exectest.Child
}

// common is what every server is told. A message over 20 MiB is refused, one over our own bound is not.
const common = `server_name: %q
listen: %q
max_payload: 20971520
max_pending: 134217728
jetstream { store_dir: %q, max_mem: 64MB, max_file: 2GB }
`

// Start starts a server. lines are more of its configuration.
func Start(t testing.TB, lines ...string) *Server {
	t.Helper()
	s := prepare(t, "test", t.TempDir(), lines)
	s.Restart(t)
	return s
}

// StartFor is Start for a server that wants a login, by which the test itself connects.
func StartFor(t testing.TB, login natsgo.Option, lines ...string) *Server {
	t.Helper()
	s := prepare(t, "test", t.TempDir(), lines)
	s.login = append(s.login, login)
	s.Restart(t)
	return s
}

// StartTLS starts a server that wants TLS and a certificate of its clients.
func StartTLS(t testing.TB) (*Server, tlstest.Certificates) {
	t.Helper()
	dir := t.TempDir()
	files, err := tlstest.Make(dir, "client")
	if err != nil {
		t.Fatal(err)
	}
	s := prepare(t, "test", dir, []string{fmt.Sprintf(
		"tls { cert_file: %[1]q, key_file: %[2]q, ca_file: %[3]q, verify: true, timeout: 20 }",
		filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key"), files.CA)})
	s.login = []natsgo.Option{natsgo.RootCAs(files.CA), natsgo.ClientCert(files.Cert, files.Key)}
	s.Restart(t)
	return s, files
}

// Cluster starts servers that are one cluster, and waits until it has a leader.
func Cluster(t testing.TB, n int) (servers []*Server) {
	t.Helper()
	var routes []string
	for range n {
		routes = append(routes, fmt.Sprintf("127.0.0.1:%d", exectest.FreePort(t)))
	}
	for i, route := range routes {
		servers = append(servers, prepare(t, fmt.Sprintf("n%d", i), t.TempDir(), []string{fmt.Sprintf(
			"cluster { name: test, listen: %q, routes: [nats://%s] }", route, strings.Join(routes, ", nats://"))}))
	}
	for _, s := range servers {
		s.start(t)
	}
	for _, s := range servers {
		s.Restart(t)
	}
	return servers
}

func prepare(t testing.TB, name, dir string, lines []string) *Server {
	t.Helper()
	exectest.Program(t, program)
	s := &Server{Addr: fmt.Sprintf("127.0.0.1:%d", exectest.FreePort(t)), file: filepath.Join(dir, "nats.conf")}
	s.URL = "nats://" + s.Addr
	text := fmt.Sprintf(common, name, s.Addr, filepath.Join(dir, "store")) + strings.Join(lines, "\n") + "\n"
	if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// Kill ends the server as a power cut would.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.child.Kill()
}

// Freeze stops the server's process, so that it is there and answers nothing; Thaw lets it go on.
func (s *Server) Freeze(t testing.TB) { s.signal(t, syscall.SIGSTOP) }

// Thaw ends Freeze.
func (s *Server) Thaw(t testing.TB) { s.signal(t, syscall.SIGCONT) }

func (s *Server) signal(t testing.TB, sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.child.Signal(t, sig)
}

// start starts the server where it does not run.
func (s *Server) start(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child == nil || !s.child.Alive() {
		s.child = exectest.Start(t, exec.Command(program, "-c", s.file))
	}
}

// Restart starts the server where it does not run, and waits until JetStream answers.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.start(t)
	deadline := time.Now().Add(started)
	for {
		err := s.try()
		if err == nil {
			return
		}
		if !s.child.Alive() || time.Now().After(deadline) {
			t.Fatalf("nats-server does not start: %v; it printed:\n%s", err, s.child.Text())
		}
		<-time.After(20 * time.Millisecond)
	}
}

func (s *Server) try() error {
	conn, err := s.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, err = js.AccountInfo(ctx)
	return err
}

func (s *Server) dial() (*natsgo.Conn, error) {
	return natsgo.Connect(s.URL, append(s.login, natsgo.Timeout(20*time.Second), natsgo.MaxReconnects(-1),
		natsgo.ReconnectWait(20*time.Millisecond))...)
}

// Connect connects. The connection reconnects for ever, and is closed with the test.
func (s *Server) Connect(t testing.TB) *natsgo.Conn {
	t.Helper()
	conn, err := s.dial()
	if err != nil {
		t.Fatalf("connect to nats-server: %v", err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// JetStream connects and gives what manages streams.
func (s *Server) JetStream(t testing.TB) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(s.Connect(t))
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// Stream makes a stream of subjects, on so many servers of a cluster.
func Stream(t testing.TB, js jetstream.JetStream, replicas int, name string, subjects ...string) jetstream.Stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), started)
	defer cancel()
	for { // a cluster that has just begun has no room yet
		stream, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: subjects, Replicas: replicas})
		if err == nil {
			return stream
		}
		if ctx.Err() != nil || replicas < 2 {
			t.Fatalf("make the stream %s: %v", name, err)
		}
		<-time.After(100 * time.Millisecond)
	}
}
