package irc_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/irc"
	"github.com/notifyd/notifyd/internal/exectest"
)

// patience is for what a server or a person's client does. Only a failing test waits so long.
const patience = time.Minute

// freePort gives a port of the loopback that is kept for the test.
func freePort(t *testing.T) string {
	t.Helper()
	return strconv.Itoa(exectest.FreePort(t))
}

// start starts a program whose home is dir.
func start(t *testing.T, dir, program string, args ...string) *exectest.Child {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+dir)
	return exectest.Start(t, cmd)
}

// connected waits until the backend is connected to the network of that number.
func connected(t *testing.T, b *irc.Backend, number int) {
	t.Helper()
	exectest.Eventually(t, patience, "a connection", func() bool { return b.Stats()[number].Connected })
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// tempDir is a directory that a server which gives up root can read.
func tempDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		os.Chmod(d, 0o755)
	}
	return dir
}

// startNgircd starts ngircd, which has no IRCv3 to speak of, on a port.
func startNgircd(t *testing.T, port string) *exectest.Child {
	t.Helper()
	return startNgircdWith(t, port, 30)
}

func startNgircdWith(t *testing.T, port string, nickLength int) *exectest.Child {
	t.Helper()
	program, dir := exectest.Program(t, "/usr/sbin/ngircd"), tempDir(t)
	conf := filepath.Join(dir, "ngircd.conf")
	write(t, conf, fmt.Sprintf(`[Global]
Name = irc.example.org
Info = test
Listen = 127.0.0.1
Ports = %s
ServerUID = irc
ServerGID = irc
AdminInfo1 = test
[Limits]
MaxConnectionsIP = 0
MaxNickLength = %d
MaxPenaltyTime = 0
[Options]
DNS = no
Ident = no
PAM = no
`, port, nickLength))
	c := start(t, dir, program, "-n", "-f", conf)
	c.Listening(t, "127.0.0.1:"+port)
	return c
}

// A reader is a person's plain IRC client.
type reader struct {
	conn  net.Conn
	nick  string
	lines chan string  // raw, without CR LF; closed at the end of the connection
	see   func(string) // is shown every line first
}

// join registers nick at addr; the commands in setup are sent after that.
func join(t *testing.T, addr, nick string, setup ...string) *reader {
	t.Helper()
	return joinSeeing(t, addr, nick, func(string) {}, setup...)
}

// joinSeeing is join, and see is shown every line, also those that come while the nick is being registered.
func joinSeeing(t *testing.T, addr, nick string, see func(string), setup ...string) *reader {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	r := &reader{conn: conn, nick: nick, lines: make(chan string, 5000), see: see}
	fmt.Fprintf(conn, "NICK %s\r\nUSER %s 0 * :%s\r\n", nick, nick, nick)
	go r.read()
	r.await(t, func(line string) bool { return strings.Contains(line, " 376 ") || strings.Contains(line, " 422 ") })
	for _, line := range setup {
		r.say(line)
	}
	r.say("PING setup")
	r.await(t, func(line string) bool { return strings.Contains(line, "PONG") && strings.HasSuffix(line, "setup") })
	return r
}

func (r *reader) say(line string) { fmt.Fprintf(r.conn, "%s\r\n", line) }

func (r *reader) read() {
	defer close(r.lines)
	in := bufio.NewScanner(r.conn)
	for in.Scan() {
		line := strings.TrimRight(in.Text(), "\r")
		if token, ok := strings.CutPrefix(line, "PING "); ok {
			r.say("PONG " + token)
			continue
		}
		r.see(line)
		r.lines <- line
	}
}

func (r *reader) await(t *testing.T, want func(string) bool) string {
	t.Helper()
	deadline := time.After(patience)
	var seen []string
	for {
		select {
		case line, ok := <-r.lines:
			if !ok {
				t.Fatalf("%s was disconnected after %q", r.nick, seen)
			}
			seen = append(seen, line)
			if want(line) {
				return line
			}
		case <-deadline:
			t.Fatalf("%s waits in vain; saw %q", r.nick, seen)
		}
	}
}

// heard waits for the next private message or notice and gives its text.
func (r *reader) heard(t *testing.T) string {
	t.Helper()
	line := r.await(t, func(line string) bool {
		f := strings.SplitN(line, " ", 4)
		return len(f) == 4 && (f[1] == "PRIVMSG" || f[1] == "NOTICE") && f[2] == r.nick && strings.Contains(f[0], "!") &&
			!strings.HasPrefix(f[0], ":NickServ!")
	})
	return strings.TrimPrefix(strings.SplitN(line, " ", 4)[3], ":")
}

func (r *reader) quit() {
	r.say("QUIT")
	io.Copy(io.Discard, r.conn)
	r.conn.Close()
}

// network is a configuration that makes tests fast; everything else is the default.
func network(port string) irc.Network {
	return irc.Network{Name: "test", Address: "127.0.0.1:" + port, Nick: "notifyd", ReconnectMin: 50 * time.Millisecond,
		ReconnectMax: 200 * time.Millisecond, LateAnswers: 20 * time.Millisecond}
}

// open makes a backend and runs it until the test is over or stop is called.
func open(t *testing.T, config irc.Config) (b *irc.Backend, stop func()) {
	t.Helper()
	return openThen(t, config, func(*irc.Backend) {})
}

// openStopping is open for a backend where people can say "stop".
func openStopping(
	t *testing.T, config irc.Config, stop func(context.Context, string, string) (backends.Stopped, error),
) *irc.Backend {
	t.Helper()
	b, _ := openThen(t, config, func(b *irc.Backend) { b.Stops(stop) })
	return b
}

func openThen(t *testing.T, config irc.Config, prepare func(*irc.Backend)) (b *irc.Backend, stop func()) {
	t.Helper()
	b, err := irc.New(config, slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelDebug})),
		rand.Float64)
	if err != nil {
		t.Fatal(err)
	}
	prepare(b)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run() = %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end")
		}
	})
	t.Cleanup(stop)
	return b, stop
}

// testWriter is where logs go: shown when the test fails.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func notice(text string) backends.Notice {
	return backends.Notice{ID: text, Topic: "org.example.test", App: "copr", Title: "[foo] a build", Text: text,
		Link: "https://example.org/1", Why: []backends.Reason{{Filter: "my builds"}}}
}

func parcel(to string, notices ...backends.Notice) backends.Parcel {
	return backends.Parcel{ID: "p", To: to, Notices: notices, Manage: "https://example.org/manage"}
}

func short(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}
