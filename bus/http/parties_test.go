package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	nethttp "net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
)

// as makes the decode of a section that is c.
func as(c Config) func(any) error {
	return func(into any) error {
		*into.(*Config) = c
		return nil
	}
}

// TestAdapt replaces a token, and adds and removes senders and hooks while requests come. Nobody who stays is refused.
func TestAdapt(t *testing.T) {
	const one, two, three = "sesame-sesame-one", "sesame-sesame-two", "sesame-sesame-three"
	all := []string{allTopics}
	stays := Sender{Token: three, Topics: all, Rate: 1e6, Burst: 1e6}
	s, err := New(Config{Listen: "127.0.0.1:0", Senders: map[string]Sender{
		"stays": stays, "ferry": {Token: one, Topics: all}, "goes": {Token: two, Topics: all},
	}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	url := start(t, s)
	post := func(token string) int {
		q, _ := nethttp.NewRequestWithContext(t.Context(), nethttp.MethodPost, url+messagesPath,
			strings.NewReader(`{"topic":"org.example.x","msg":{}}`))
		q.Header.Set("Authorization", "Bearer "+token)
		q.Header.Set("Content-Type", "application/json")
		r, err := nethttp.DefaultClient.Do(q)
		if err != nil {
			t.Error(err)
			return 0
		}
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
		return r.StatusCode
	}
	check := func(when string, want map[string]int) {
		t.Helper()
		for token, status := range want {
			if got := post(token); got != status {
				t.Errorf("%s: %s is answered %d, want %d", when, token, got, status)
			}
		}
	}
	check("before", map[string]int{one: 202, two: 202, three: 202})

	var posting sync.WaitGroup
	var over atomic.Bool
	var taken atomic.Int64
	posting.Go(func() {
		for !over.Load() {
			if status := post(three); status != 202 {
				t.Errorf("who stays is answered %d", status)
			}
			taken.Add(1)
		}
	})
	next := Config{Senders: map[string]Sender{
		"stays": stays, "ferry": {Token: two, Topics: []string{"org.example"}}, "comes": {Token: one, Topics: []string{"no"}},
	}, Hooks: map[string]Hook{"forge": {Adapter: "github", Secret: "sesame-sesame-hook"}}}
	for range 20 {
		if err := errors.Join(s.Adapt(as(next)), s.Adapt(as(Config{Senders: map[string]Sender{"stays": stays}})),
			s.Adapt(as(next))); err != nil {
			t.Fatal(err)
		}
	}
	for before := taken.Load(); taken.Load() < before+3; {
		check("after", map[string]int{one: 403, two: 202, "sesame-sesame-none": 401})
	}
	over.Store(true)
	posting.Wait()
	if got := names(s); got != "comes ferry forge stays" {
		t.Errorf("metrics are those of %s", got)
	}
	r, err := nethttp.Post(url+hooksPath+"forge", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Body.Close(); r.StatusCode != nethttp.StatusUnauthorized {
		t.Errorf("the new hook answers %d", r.StatusCode)
	}

	for name, wrong := range map[string]Config{
		"a short token": {Senders: map[string]Sender{"ferry": {Token: "x", Topics: all}}},
		"another's token": {Senders: map[string]Sender{"ferry": next.Senders["ferry"],
			"pilot": {Token: "another-" + testToken + "\n" + next.Senders["ferry"].Token, Topics: all}}},
		"no adapter":     {Senders: next.Senders, Hooks: map[string]Hook{"forge": {Adapter: "none", Secret: one}}},
		"nobody is left": {},
	} {
		if err := s.Adapt(as(wrong)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := s.Adapt(func(any) error { return net.ErrClosed }); !errors.Is(err, net.ErrClosed) {
		t.Errorf("error %v, want that of decode", err)
	}
	check("after mistakes", map[string]int{one: 403, two: 202})
}

// TestAdaptKeepsTheRate of a sender whose rate has not changed: a reload gives nobody new messages to send.
func TestAdaptKeepsTheRate(t *testing.T) {
	c := Config{Listen: "127.0.0.1:0", Senders: map[string]Sender{
		"ferry": {Token: testToken, Topics: []string{allTopics}, Rate: 0.001, Burst: 2},
	}}
	s := newStand(t, c)
	send := func() int {
		w, _ := s.send(messagesPath, `{"topic":"a.b","msg":{}}`, "Authorization", "Bearer "+testToken, "Content-Type",
			"application/json")
		return w.Code
	}
	got := []int{send()}
	if err := s.Adapt(as(c)); err != nil {
		t.Fatal(err)
	}
	got = append(got, send(), send())
	ferry := c.Senders["ferry"]
	ferry.Burst = 3
	c.Senders = map[string]Sender{"ferry": ferry}
	if err := s.Adapt(as(c)); err != nil {
		t.Fatal(err)
	}
	got = append(got, send())
	if fmt.Sprint(got) != "[202 202 429 202]" {
		t.Errorf("answers %v, want two, none, and one by the new burst", got)
	}
}

// TestBind takes the port before Run, refuses one that is taken, and gives it back.
func TestBind(t *testing.T) {
	open := func(listen string) *Source {
		s, err := New(Config{Listen: listen, Senders: map[string]Sender{"a": {Token: testToken, Topics: []string{"a"}}}},
			slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := open("127.0.0.1:0")
	if err := errors.Join(first.Close(), first.Bind(t.Context()), first.Bind(t.Context())); err != nil {
		t.Fatal(err)
	}
	address := first.listener.Addr().String()
	second := open(address)
	if err := second.Bind(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "listen: ") {
		t.Errorf("a taken port: %v", err)
	}
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Error(err)
	}
	if err := errors.Join(second.Bind(t.Context()), second.Close()); err != nil {
		t.Errorf("the port was not given back: %v", err)
	}
}

// start runs s, takes what it hands over, and gives its URL.
func start(t *testing.T, s *Source) string {
	t.Helper()
	if err := s.Bind(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	in := bus.NewIntake(bus.IntakeConfig{})
	var all sync.WaitGroup
	all.Go(func() {
		if err := s.Run(ctx, in); err != nil {
			t.Error(err)
		}
		in.Close()
	})
	all.Go(func() {
		for {
			batch, open := in.Next(context.Background())
			if !open {
				return
			}
			for _, f := range batch {
				f.Done()
			}
		}
	})
	t.Cleanup(func() { stop(); all.Wait() })
	return "http://" + s.listener.Addr().String()
}

// names gives the sources that s has metrics of.
func names(s *Source) string {
	var all []string
	s.Collect(func(d *metric.Desc, v float64, labels ...string) {
		if d.Name == bus.ConnectedMetric && v == 1 {
			all = append(all, labels[0])
		}
	})
	return strings.Join(all, " ")
}
