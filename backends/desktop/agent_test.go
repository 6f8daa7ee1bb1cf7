package desktop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/desktop"
	"github.com/notifyd/notifyd/internal/exectest"
)

// A screen keeps what an agent has shown.
type screen struct {
	mu     sync.Mutex
	titles []string
	missed int64
	bursts int
	log    bytes.Buffer
	fail   func() error // nil: never
}

func (s *screen) show(_ context.Context, items []desktop.Item, missed int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(); err != nil {
			return err
		}
	}
	for _, it := range items {
		s.titles = append(s.titles, it.Title)
	}
	s.missed += missed
	s.bursts++
	return nil
}

func (s *screen) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.titles)
}

// Write makes a screen the place where the agent logs, too.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *screen) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

func config(s *screen, server, state string) desktop.AgentConfig {
	return desktop.AgentConfig{
		Server: server, Token: token, State: state, Show: s.show, Random: rand.Float64,
		First: time.Millisecond, Most: 5 * time.Millisecond, Quiet: time.Millisecond,
		Log: slog.New(slog.NewTextHandler(s, nil)),
	}
}

// start runs an agent until stop is called; stop gives what Run returned.
func start(t testing.TB, cfg desktop.AgentConfig) (stop func() error) {
	t.Helper()
	a, err := desktop.NewAgent(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	return sync.OnceValue(func() error { cancel(); return <-ended })
}

// cutter forwards connections to a server and cuts each after so many bytes of the answer.
func cutter(t testing.TB, server string, bytes func() int64) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer client.Close()
				behind, err := net.Dial("tcp", strings.TrimPrefix(server, "http://"))
				if err != nil {
					return
				}
				defer behind.Close()
				open.Go(func() {
					defer behind.Close()
					_, _ = io.Copy(behind, client)
				})
				_, _ = io.CopyN(client, behind, bytes())
			})
		}
	})
	t.Cleanup(func() { l.Close(); open.Wait() })
	return "http://" + l.Addr().String()
}

// TestAgentLosesNothing cuts connections in the middle of events and restarts the agent, while notices come: each is
// shown once, in order.
func TestAgentLosesNothing(t *testing.T) {
	const count = 400
	f := feed(t)
	s := serve(t, f.Stream(alice))
	proxy := cutter(t, s.URL, func() int64 { return 300 + rand.Int64N(4000) })
	shown, state := &screen{}, filepath.Join(t.TempDir(), "a", "state")
	stop := start(t, config(shown, proxy, state))
	var want []string
	for i := range count {
		want = append(want, fmt.Sprint("n", i))
		send(t, f, fmt.Sprint("p", i), "alice", want[i])
		if i%100 == 50 {
			exectest.Eventually(t, patience, "something is shown", func() bool { return len(shown.got()) > i-50 })
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			stop = start(t, config(shown, proxy, state))
		}
	}
	exectest.Eventually(t, patience, "all are shown", func() bool { return len(shown.got()) >= count })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if got := shown.got(); !slices.Equal(got, want) {
		t.Errorf("shown: %v", got)
	}
	if cuts := strings.Count(shown.logged(), "connection lost"); cuts < 10 {
		t.Errorf("only %d connections were cut", cuts)
	}
	if data, err := os.ReadFile(state); err != nil || !strings.HasSuffix(string(data), fmt.Sprintf(".%d\n", count)) {
		t.Errorf("state %q, %v", data, err)
	}
}

func TestAgentShowsAgainWhatFailed(t *testing.T) {
	f := feed(t)
	s := serve(t, f.Stream(alice))
	tries := 0
	shown := &screen{fail: func() error {
		if tries++; tries < 4 {
			return errors.New("no session bus")
		}
		return nil
	}}
	stop := start(t, config(shown, s.URL, ""))
	send(t, f, "p1", "alice", "a", "b")
	exectest.Eventually(t, patience, "it is shown", func() bool { return len(shown.got()) == 2 })
	if err := stop(); err != nil || strings.Join(shown.got(), " ") != "a b" {
		t.Errorf("shown %v, %v", shown.got(), err)
	}
}

func TestAgentToldOfDropped(t *testing.T) {
	f := feed(t)
	s := serve(t, f.Stream(alice))
	shown, state := &screen{}, filepath.Join(t.TempDir(), "state")
	stop := start(t, config(shown, s.URL, state))
	send(t, f, "p1", "alice", "a")
	exectest.Eventually(t, patience, "it is shown", func() bool { return len(shown.got()) == 1 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	send(t, f, "p2", "alice", slices.Repeat([]string{"b"}, 1010)...)
	stop = start(t, config(shown, s.URL, state))
	exectest.Eventually(t, patience, "the rest is shown", func() bool { return len(shown.got()) == 1001 })
	if err := stop(); err != nil || shown.missed != 10 {
		t.Errorf("missed %d, want 10; %v", shown.missed, err)
	}
}

func stream(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/event-stream") }

func pour(w http.ResponseWriter, r *http.Request, text string) {
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, text); err != nil {
			return
		}
	}
}

// TestAgentHostileServer gives the first answers of a bad server; then the same address is a good one, and the agent
// must still be well and show what it has.
func TestAgentHostileServer(t *testing.T) {
	var leaked atomic.Int64
	other := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked.Add(1) }))
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		logged string
	}{
		"huge line": {func(w http.ResponseWriter, r *http.Request) { stream(w); pour(w, r, strings.Repeat("x", 10_000)) },
			"a line is longer than"},
		"endless data": {func(w http.ResponseWriter, r *http.Request) {
			stream(w)
			pour(w, r, "data: "+strings.Repeat("x", 10_000)+"\n")
		}, "an event is longer than"},
		"page": {func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "<html>") }, "not with a stream"},
		"error": {func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "under repair", http.StatusServiceUnavailable)
		}, "answered 503"},
		"file": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}, "not followed"},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/api/v1/notices", http.StatusTemporaryRedirect)
		}, "not followed"},
		"silence": {func(w http.ResponseWriter, r *http.Request) {
			stream(w)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "nothing came for"},
		"drip": {func(w http.ResponseWriter, r *http.Request) {
			stream(w)
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "x")
				_ = http.NewResponseController(w).Flush()
			}
		}, ""},
		"long id": {func(w http.ResponseWriter, r *http.Request) {
			stream(w)
			pour(w, r, "id: "+strings.Repeat("9", 300)+"\ndata: {}\n\n")
		}, "without a usable id"},
		"odd id": {func(w http.ResponseWriter, r *http.Request) { stream(w); pour(w, r, "id: \x1b[2J\ndata: {}\n\n") },
			"without a usable id"},
		"no JSON": {func(w http.ResponseWriter, r *http.Request) {
			stream(w)
			_, _ = io.WriteString(w, "event: notice\ndata: {\"title\":7}\n\n")
		}, "cannot read a notice"},
		"hangs up": {func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, "connection lost"},
		"fake gzip": {func(w http.ResponseWriter, r *http.Request) {
			stream(w)
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(make([]byte, 9))
		}, "connection lost"},
	} {
		t.Run(name, func(t *testing.T) {
			f := feed(t)
			good := f.Stream(alice)
			var answers atomic.Int64
			s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if answers.Add(1) <= 2 {
					test.answer(w, r)
					return
				}
				good.ServeHTTP(w, r)
			}))
			shown := &screen{}
			cfg := config(shown, s.URL, "")
			cfg.Silence = 5 * time.Second // a slow machine is no silent server
			if name == "silence" {
				cfg.Silence = 200 * time.Millisecond
			}
			stop := start(t, cfg)
			send(t, f, "p1", "alice", "after all")
			exectest.Eventually(t, patience, "the notice is shown", func() bool {
				return slices.Contains(shown.got(),
					"after all")
			})
			if err := stop(); err != nil || !strings.Contains(shown.logged(), test.logged) {
				t.Errorf("Run = %v, logged: %s", err, shown.logged())
			}
			if strings.Contains(shown.logged(), token) {
				t.Errorf("the token is in the log: %s", shown.logged())
			}
		})
	}
	if leaked.Load() > 0 {
		t.Error("the agent followed a redirect to another server")
	}
}

func TestAgentTokenRefused(t *testing.T) {
	f := feed(t)
	s := serve(t, f.Stream(func(*http.Request) (string, error) { return "", nil }))
	a, err := desktop.NewAgent(config(&screen{}, s.URL, ""))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Run(t.Context()); !errors.Is(err, desktop.ErrToken) {
		t.Errorf("Run = %v, want ErrToken", err)
	}
}

func TestNewAgentChecks(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(broken, []byte("a\nb\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*desktop.AgentConfig){
		"":             func(*desktop.AgentConfig) {},
		"http":         func(c *desktop.AgentConfig) { c.Server = "http://notify.example.org" },
		"ftp":          func(c *desktop.AgentConfig) { c.Server = "ftp://127.0.0.1" },
		"file":         func(c *desktop.AgentConfig) { c.Server = "file:///etc/passwd" },
		"password":     func(c *desktop.AgentConfig) { c.Server = "https://a:b@notify.example.org" },
		"no host":      func(c *desktop.AgentConfig) { c.Server = "https:///x" },
		"query":        func(c *desktop.AgentConfig) { c.Server = "https://notify.example.org/?x=y" },
		"no token":     func(c *desktop.AgentConfig) { c.Token = "" },
		"header token": func(c *desktop.AgentConfig) { c.Token = "a\r\nX: y" },
		"other state":  func(c *desktop.AgentConfig) { c.State = broken },
	} {
		cfg := config(&screen{}, "https://notify.example.org/sub/", "")
		change(&cfg)
		if _, err := desktop.NewAgent(cfg); (err == nil) != (name == "") {
			t.Errorf("%q: NewAgent = %v", name, err)
		}
	}
}
