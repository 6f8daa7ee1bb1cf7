package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/bus/zmq"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/internal/pkitest"
)

var quiet = Log(slog.New(slog.DiscardHandler))

// inbound is a relay's socket that takes messages in.
func inbound(t testing.TB, address string) *zmq.Listener {
	t.Helper()
	l, err := zmq.Listen(context.Background(), "relay", address, zmq.ListenerConfig{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// collect gives the first n messages of a source. It listens until the test ends: a publisher whose relay leaves cannot
// know whether its last message has arrived.
func collect(t testing.TB, source bus.Source, n int, options ...TailOption) <-chan []*bus.Message {
	got, ended := make(chan []*bus.Message, 1), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(ended)
		var all []*bus.Message
		for m, err := range Tail(ctx, append(options, From(source), quiet)...) {
			if err != nil {
				t.Error(err)
			}
			if all = append(all, m); len(all) == n {
				got <- all
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return got
}

// A tag is an object that writes itself, as one with __json__ does in Python.
type tag struct{ name string }

func (t tag) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `{"tag": %q}`, t.name), nil }

func TestPublishFillsIn(t *testing.T) {
	relay := inbound(t, "tcp://127.0.0.1:0")
	got := collect(t, relay, 4)
	t.Setenv("NOTIFYD_BUS__PUBLISH__RELAY", relay.Addr())
	t.Setenv("NOTIFYD_BUS__PUBLISH__ENV", "stg")
	if err := Publish(t.Context(), "testing", map[string]any{"bar": tag{"x"}, "a<b": 1.5}, quiet); err != nil {
		t.Fatal(err)
	}
	p, err := NewPublisher(quiet, Modname("git"), Prefix("org.example"), Env("prod"), Username("zoë"))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, topic := range []string{"repo.update", "org.example.dev.whole"} {
		id, err := p.Publish(t.Context(), topic, nil)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if _, err := p.Publish(t.Context(), "x", tag{}); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	all := <-got
	for i, want := range []struct {
		topic, body, username string
		counter               int64
	}{
		{"org.fedoraproject.stg.client.testing", "map[a<b:1.5 bar:map[tag:x]]", all[0].Username, 1},
		{"org.example.prod.git.repo.update", "<nil>", "zoë", 1},
		{"org.example.dev.whole", "<nil>", "zoë", 2}, {"org.example.prod.git.x", "map[tag:]", "zoë", 3},
	} {
		m := all[i]
		if m.Topic != want.topic || fmt.Sprint(m.Body) != want.body || m.Username != want.username || m.Username == "" ||
			m.Counter != want.counter || time.Since(m.Time) > time.Hour || len(m.Mended) > 0 {
			t.Errorf("got %+v, want %+v", m, want)
		}
	}
	if all[1].ID != ids[0] || all[2].ID != ids[1] {
		t.Errorf("ids %q, got %q and %q", ids, all[1].ID, all[2].ID)
	}
}

// TestPublishSignsAndTailVerifies: what is signed is believed, and what is forged is left out.
func TestPublishSignsAndTailVerifies(t *testing.T) {
	pki, err := pkitest.New(time.Now())
	folder := t.TempDir()
	if err == nil {
		err = pki.Write(folder)
	}
	if err != nil {
		t.Fatal(err)
	}
	signer := signerIn(t, folder)
	verifier, err := trust.Open(trust.Config{CA: filepath.Join(folder, "ca.crt"), CRL: filepath.Join(folder, "crl.pem"),
		Verdicts: trust.Verdicts{Unsigned: trust.Drop}})
	if err != nil {
		t.Fatal(err)
	}
	relay := inbound(t, "tcp://127.0.0.1:0")
	var skipped []string
	got := collect(t, relay, 1, Verify(verifier), Skipped(func(err error) { skipped = append(skipped, err.Error()) }))
	to := Connect(relay.Addr())
	if err := Publish(t.Context(), "x", "forged", quiet, to); err != nil {
		t.Fatal(err)
	}
	if err := Publish(t.Context(), "x", "genuine", quiet, to, Sign(signer)); err != nil {
		t.Fatal(err)
	}
	m := (<-got)[0]
	if m.Body != "genuine" || m.Standing.Verdict != bus.Signed || m.Standing.Signer != pkitest.Git {
		t.Errorf("got %v, %+v", m.Body, m.Standing)
	}
	if len(skipped) != 1 || !strings.Contains(skipped[0], "is unsigned") {
		t.Errorf("left out: %q", skipped)
	}
}

func signerIn(t *testing.T, folder string) *trust.Signer {
	t.Helper()
	var texts [2][]byte
	for i, ending := range []string{".crt", ".key"} {
		var err error
		if texts[i], err = os.ReadFile(filepath.Join(folder, pkitest.Git+ending)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := trust.NewSigner(texts[0], texts[1])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPublisherSaysThatNobodyIsThere: no message is lost without a word.
func TestPublisherSaysThatNobodyIsThere(t *testing.T) {
	nobody := fmt.Sprintf("tcp://127.0.0.1:%d", exectest.FreePort(t))
	for _, c := range []struct {
		where PublishOption
		want  string
	}{
		{Connect(nobody), "waited 50ms: no relay answers at " + nobody}, {Bind("tcp://127.0.0.1:0"), "waited 50ms: no subscriber"},
	} {
		began := time.Now()
		err := Publish(t.Context(), "x", 1, quiet, c.where, Wait(50*time.Millisecond))
		if !errors.Is(err, ErrNobody) || !strings.HasPrefix(err.Error(), c.want) || time.Since(began) > 5*time.Second {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Publish(ctx, "x", 1, quiet, Connect(nobody)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for name, o := range map[string][]PublishOption{
		"control character": {Modname("\x1b")}, "address": {Connect("http://a")},
		"for a Publisher that binds": {Subscribers(2)},
	} {
		if _, err := NewPublisher(append(o, quiet)...); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %s", err, name)
		}
	}
	p, err := NewPublisher(quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, body := range []any{func() {}, map[string]any{"x": make(chan int)}, strings.Repeat("x", bus.MaxPayload)} {
		if _, err := p.Publish(t.Context(), "x", body); err == nil || errors.Is(err, ErrNobody) {
			t.Errorf("%T: %v", body, err)
		}
	}
}

// TestPublisherOutlivesItsRelay: one that comes again takes the next message.
func TestPublisherOutlivesItsRelay(t *testing.T) {
	relay := inbound(t, "tcp://127.0.0.1:0")
	address := relay.Addr()
	p, err := NewPublisher(quiet, Connect(address))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for n := 1; n <= 3; n++ {
		got, stop := make(chan *bus.Message, 1), make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer close(stop)
			for m := range Tail(ctx, From(relay), quiet) {
				got <- m
			}
		}()
		_, err := p.Publish(t.Context(), "x", n)
		if err == nil {
			err = p.Flush(t.Context())
		}
		if err != nil {
			t.Fatalf("message %d: %v", n, err)
		}
		if m := <-got; fmt.Sprint(m.Body) != fmt.Sprint(n) || m.Counter != int64(n) {
			t.Errorf("got %v, counter %d", m.Body, m.Counter)
		}
		cancel()
		<-stop
		exectest.Eventually(t, 20*time.Second, "it is known that the relay is gone",
			func() bool { return p.out.(*socket).Stats().Peers == 0 })
		relay = inbound(t, address)
	}
	relay.Close()
}

// TestPublisherWaitsForABusyRelay: one that takes nothing for a while, as its database does not keep up, loses nothing.
func TestPublisherWaitsForABusyRelay(t *testing.T) {
	const count = 12_000
	relay := inbound(t, "tcp://127.0.0.1:0")
	in := bus.NewIntake(bus.IntakeConfig{Frames: 100})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- relay.Run(ctx, in) }()
	defer func() { cancel(); <-ended }()
	p, err := NewPublisher(quiet, Connect(relay.Addr()), Wait(20*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Publish(ctx, "x", "first"); err != nil {
		t.Fatal(err)
	}
	p.set.wait = 10 * time.Millisecond
	published := make(chan error, 1)
	go func() {
		var err error
		for n := 1; n < count && err == nil; n++ {
			_, err = p.Publish(ctx, "x", strings.Repeat("x", 2000))
		}
		if err == nil {
			err = p.Flush(ctx)
		}
		published <- err
	}()
	exectest.Eventually(t, 20*time.Second, "the relay is full", func() bool { return in.Len() == 100 })
	pause := time.NewTimer(300 * time.Millisecond)
	<-pause.C
	select {
	case err := <-published:
		t.Fatalf("published while the relay takes nothing: %v", err)
	default:
	}
	for got := 0; got < count; {
		batch, open := in.Next(ctx)
		if !open {
			t.Fatal("the intake is closed")
		}
		for _, f := range batch {
			f.Done()
		}
		got += len(batch)
	}
	if err := <-published; err != nil {
		t.Error(err)
	}
}

// TestPublisherForManyGoroutines: nothing is lost, and counters are in order.
func TestPublisherForManyGoroutines(t *testing.T) {
	const each, writers = 400, 4
	relay := inbound(t, "tcp://127.0.0.1:0")
	got := collect(t, relay, each*writers)
	p, err := NewPublisher(quiet, Connect(relay.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for n := range each {
				if _, err := p.Publish(t.Context(), "x", n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	for i, m := range <-got {
		if m.Counter != int64(i+1) {
			t.Fatalf("message %d has counter %d", i+1, m.Counter)
		}
	}
}

// TestPublishesByHTTP: what comes while a request is on its way goes together, and one that is wrong goes alone.
func TestPublishesByHTTP(t *testing.T) {
	k := newTaker(t, nil)
	first := make(chan struct{})
	k.before = func(http.ResponseWriter, *http.Request) { <-first }
	poster, _ := k.poster(t, PosterConfig{})
	p, err := NewPublisher(quiet, Post(poster), Prefix("org.example"), Modname("a"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range 450 {
		if _, err := p.Publish(t.Context(), "x", n); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			exectest.Eventually(t, 20*time.Second, "the first request", func() bool {
				k.mu.Lock()
				defer k.mu.Unlock()
				return len(k.requests) == 1
			})
		}
	}
	close(first)
	if err := p.Flush(t.Context()); err != nil || len(k.got) != 450 || len(k.requests) != 2 {
		t.Errorf("got %d messages by %d requests: %v", len(k.got), len(k.requests), err)
	}
	// One that the server refuses takes no other with it.
	again := make(chan struct{})
	k.mu.Lock()
	k.requests, k.before = nil, func(http.ResponseWriter, *http.Request) { <-again }
	k.mu.Unlock()
	wrong := &Publisher{set: p.set, out: p.out, ready: true} // one that is named otherwise, on the same posting
	wrong.set.prefix = "org.other"
	for n := range 5 {
		q := p
		if n == 2 || n == 3 {
			q = wrong
		}
		if _, err := q.Publish(t.Context(), "x", n); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			exectest.Eventually(t, 20*time.Second, "the first request", func() bool {
				k.mu.Lock()
				defer k.mu.Unlock()
				return len(k.requests) == 1
			})
		}
	}
	close(again)
	err = p.Flush(t.Context())
	var refused *Refusal
	if !errors.As(err, &refused) || refused.Status != 403 || refused.Faults[0].Message != 453 {
		t.Errorf("%v", err)
	}
	if err := p.Flush(t.Context()); err != nil || len(k.got) != 453 {
		t.Errorf("got %d messages: %v", len(k.got), err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := p.Publish(t.Context(), "x", 1); !errors.Is(err, errClosed) {
		t.Errorf("a closed publisher publishes: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

// TestPublisherByTheEnvironment: where the environment names a server, it is posted to, unless an option says another
// place.
func TestPublisherByTheEnvironment(t *testing.T) {
	k := newTaker(t, nil)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("\n"+testToken+"\nanother\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFYD_BUS__PUBLISH__HTTP__URL", k.front.URL)
	t.Setenv("NOTIFYD_BUS__PUBLISH__PREFIX", "org.example")
	if err := Publish(t.Context(), "x", 1, quiet); err == nil || !strings.Contains(err.Error(), "HTTP__…: a token or") {
		t.Error(err)
	}
	t.Setenv("NOTIFYD_BUS__PUBLISH__HTTP__TOKEN_FILE", file)
	if err := Publish(t.Context(), "x", 1, quiet, Modname("a")); err != nil || len(k.got) != 1 ||
		k.got[0].Topic != "org.example.dev.a.x" {
		t.Errorf("got %d: %v", len(k.got), err)
	}
	relay := inbound(t, "tcp://127.0.0.1:0")
	got := collect(t, relay, 1)
	if err := Publish(t.Context(), "x", 2, quiet, Connect(relay.Addr())); err != nil {
		t.Fatal(err)
	}
	if m := (<-got)[0]; fmt.Sprint(m.Body) != "2" {
		t.Errorf("got %v", m.Body)
	}
}

// TestWhoIsInAHurryDoesNotWait: after a context has ended Close does not wait for a server that takes nothing.
func TestWhoIsInAHurryDoesNotWait(t *testing.T) {
	poster, err := NewPoster(PosterConfig{URL: fmt.Sprintf("http://127.0.0.1:%d", exectest.FreePort(t)), Token: testToken})
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPublisher(quiet, Post(poster), Wait(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := p.Publish(ctx, "x", 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := p.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	began := time.Now()
	if err := p.Close(); err != nil || time.Since(began) > 10*time.Second {
		t.Errorf("closed after %v: %v", time.Since(began), err)
	}
}
