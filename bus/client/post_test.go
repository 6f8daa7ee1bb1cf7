package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	bushttp "github.com/notifyd/notifyd/bus/http"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/internal/webhook"
)

const testToken = "sesame-sesame-sesame"

// A taker is a real bus.http, whose messages are kept, and a handler before it.
type taker struct {
	source *bushttp.Source
	front  *httptest.Server
	before http.HandlerFunc // nil: nothing; it answers by itself, or not at all

	mu       sync.Mutex
	got      []*bus.Message
	requests []*http.Request
}

// newTaker runs a bus.http whose config change may alter.
func newTaker(t *testing.T, change func(*bushttp.Config)) *taker {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", exectest.FreePort(t))
	c := bushttp.Config{Listen: address, Senders: map[string]bushttp.Sender{
		"ferry": {Token: testToken, Topics: []string{"org.example"}, Rate: 1e6},
		"seal":  {HMACKey: testToken, Topics: []string{"org.example"}, Rate: 1e6},
	}}
	if change != nil {
		change(&c)
	}
	k := &taker{}
	var err error
	if k.source, err = bushttp.New(c, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	in := bus.NewIntake(bus.IntakeConfig{})
	var all sync.WaitGroup
	all.Go(func() {
		if err := k.source.Run(ctx, in); err != nil {
			t.Error(err)
		}
	})
	all.Go(func() { k.take(ctx, in) })
	exectest.Eventually(t, 20*time.Second, "the source listens", func() bool {
		w, err := http.Get("http://" + address)
		if err == nil {
			w.Body.Close()
		}
		return err == nil
	})
	k.front = httptest.NewServer(k)
	t.Cleanup(func() { k.front.Close(); cancel(); all.Wait() })
	return k
}

func (k *taker) take(ctx context.Context, in *bus.Intake) {
	for batch, open := in.Next(ctx); open; batch, open = in.Next(ctx) {
		for _, f := range batch {
			if m, err := bus.Decode(f, time.Now()); err == nil {
				k.mu.Lock()
				k.got = append(k.got, m)
				k.mu.Unlock()
			}
			f.Done()
		}
	}
}

func (k *taker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	k.requests = append(k.requests, r.Clone(context.Background()))
	before := k.before
	k.mu.Unlock()
	answered := &answered{ResponseWriter: w}
	if before != nil {
		before(answered, r)
	}
	if !answered.yes {
		k.source.ServeHTTP(w, r)
	}
}

type answered struct {
	http.ResponseWriter
	yes bool
}

func (a *answered) WriteHeader(status int) { a.yes = true; a.ResponseWriter.WriteHeader(status) }

// poster makes a Poster to k that does not sleep, and tells how long it would have.
func (k *taker) poster(t *testing.T, c PosterConfig) (*Poster, *[]time.Duration) {
	t.Helper()
	c.URL = k.front.URL
	if c.HMACKey == "" {
		c.Token = testToken
	}
	return newTestPoster(t, c)
}

func newTestPoster(t *testing.T, c PosterConfig) (*Poster, *[]time.Duration) {
	t.Helper()
	p, err := NewPoster(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	var slept []time.Duration
	now := time.Now()
	p.now = func() time.Time { return now }
	p.sleep = func(_ context.Context, d time.Duration) bool {
		slept, now = append(slept, d), now.Add(d)
		return true
	}
	return p, &slept
}

func said(n int) *bus.Message {
	return &bus.Message{Topic: "org.example.prod.ferry.left", Body: map[string]any{"n": n}}
}

func TestPosts(t *testing.T) {
	k := newTaker(t, nil)
	for name, c := range map[string]PosterConfig{"ferry": {}, "seal": {Sender: "seal", HMACKey: testToken}} {
		p, _ := k.poster(t, c)
		one := said(1)
		one.ID, one.Time, one.Username = "2026-a-"+name, time.Unix(1_780_000_000, 0), "zoë"
		ids, err := p.Post(t.Context(), one, said(2))
		if err != nil || len(ids) != 2 || ids[0] != one.ID {
			t.Fatalf("%s: %q, %v", name, ids, err)
		}
		k.mu.Lock()
		got := k.got[len(k.got)-2:]
		k.mu.Unlock()
		if !got[0].Time.Equal(one.Time) || got[0].Username != "zoë" || got[1].ID != ids[1] || got[1].Username != name ||
			got[1].Publisher != name || time.Since(got[1].Time) > time.Hour || len(got[0].Mended)+len(got[1].Mended) > 0 {
			t.Errorf("%s: got %+v and %+v", name, got[0], got[1])
		}
	}
}

// TestPostsWhatIsJSON: one line each, an id where there is none, and what is signed as it is.
func TestPostsWhatIsJSON(t *testing.T) {
	k := newTaker(t, nil)
	p, _ := k.poster(t, PosterConfig{})
	ids, err := p.PostJSON(t.Context(), []byte("{\"topic\": \"org.example.a\",\n \"msg\": {\"x\": 1.0}}"),
		[]byte(`{"topic":"org.example.a","body":{},"id":"b"}`),
		[]byte(`{"topic":"org.example.a","msg":{},"timestamp":5,"signature":"eA=="}`))
	if err != nil || len(ids) != 3 || ids[0] == "" || ids[1] != "b" || !strings.HasPrefix(ids[2], "sha256-") {
		t.Fatalf("%q, %v", ids, err)
	}
	if !strings.HasPrefix(string(k.got[0].Payload), `{"topic":"org.example.a","msg":{"x":1.0},"msg_id":"`+ids[0]) ||
		string(k.got[2].Payload) != `{"topic":"org.example.a","msg":{},"timestamp":5,"signature":"eA=="}` {
		t.Errorf("got %s and %s", k.got[0].Payload, k.got[2].Payload)
	}
	for _, wrong := range []string{"", "[]", "null", `{"a":1} {}`} {
		if _, err := p.PostJSON(t.Context(), []byte(`{}`), []byte(wrong)); err == nil ||
			!strings.Contains(err.Error(), "message 2: a JSON object was expected") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// TestOneMessageHoweverOften: whatever happens to the answer, a message keeps its id.
func TestOneMessageHoweverOften(t *testing.T) {
	k := newTaker(t, nil)
	tries := 0
	k.before = func(w http.ResponseWriter, r *http.Request) {
		switch tries++; tries {
		case 1: // taken, and nobody hears of it
			k.source.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case 2:
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
		case 3:
			w.WriteHeader(http.StatusBadGateway)
		}
	}
	p, slept := k.poster(t, PosterConfig{Sender: "seal", HMACKey: testToken})
	ids, err := p.Post(t.Context(), said(1))
	if err != nil || tries != 4 || len(ids) != 1 {
		t.Fatalf("%q, %v after %d tries", ids, err, tries)
	}
	for _, m := range k.got {
		if m.ID != ids[0] {
			t.Errorf("got the ids %s and %s", m.ID, ids[0])
		}
	}
	d := *slept
	if len(k.got) != 2 || len(d) != 3 || d[0] < 250*time.Millisecond || d[1] != 7*time.Second || d[2] > 2*time.Second {
		t.Errorf("got %d, slept %v", len(k.got), d)
	}
	first, last := k.requests[0].Header, k.requests[3].Header
	if first.Get(webhook.ID) != last.Get(webhook.ID) || first.Get(webhook.Time) == last.Get(webhook.Time) {
		t.Errorf("signed by %v, then by %v", first, last)
	}
}

func TestSplits(t *testing.T) {
	k := newTaker(t, func(c *bushttp.Config) { c.MaxLines = 40 })
	p, _ := k.poster(t, PosterConfig{})
	var messages []*bus.Message
	for n := range 1200 {
		messages = append(messages, said(n))
	}
	ids, err := p.Post(t.Context(), messages...)
	if err != nil || len(ids) != len(messages) {
		t.Fatalf("%d ids, %v", len(ids), err)
	}
	for n, m := range k.got {
		if m.ID != ids[n] || fmt.Sprint(m.Body) != fmt.Sprintf("map[n:%d]", n) {
			t.Fatalf("message %d is %s %v", n, m.ID, m.Body)
		}
	}
	if n := len(k.requests); len(k.got) != 1200 || n > 4+1200/25 {
		t.Errorf("got %d messages by %d requests", len(k.got), n)
	}
	// Large ones go alone, and one that is too large for the server is named.
	k = newTaker(t, func(c *bushttp.Config) { c.MaxBody = 3 << 20 })
	p, _ = k.poster(t, PosterConfig{})
	large := func(size int) *bus.Message {
		return &bus.Message{Topic: "org.example.a", Body: strings.Repeat("x", size)}
	}
	ids, err = p.Post(t.Context(), said(1), large(700<<10), large(700<<10), large(2<<20), said(2))
	if err != nil || len(ids) != 5 || len(k.requests) != 4 {
		t.Errorf("%d ids by %d requests, %v", len(ids), len(k.requests), err)
	}
	var refused *Refusal
	if ids, err = p.Post(t.Context(), said(1), large(4<<20)); !errors.As(err, &refused) || refused.Status != 413 ||
		len(ids) != 1 {
		t.Errorf("%d ids, %v", len(ids), err)
	}
}

// TestSendsFewerWhereTheRateIsLow: a batch that would have to wait too long goes in parts, and a whole one once the
// server takes it again.
func TestSendsFewerWhereTheRateIsLow(t *testing.T) {
	k := newTaker(t, nil)
	var busy atomic.Bool
	busy.Store(true)
	k.before = func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if busy.Load() && bytes.Count(body, []byte("\n")) > 10 {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	p, _ := k.poster(t, PosterConfig{})
	var messages []*bus.Message
	for n := range 100 {
		messages = append(messages, said(n))
	}
	if ids, err := p.Post(t.Context(), messages...); err != nil || len(ids) != 100 || len(k.got) != 100 {
		t.Errorf("%d ids, got %d, %v", len(ids), len(k.got), err)
	}
	busy.Store(false)
	for range 100 {
		if _, err := p.Post(t.Context(), messages...); err != nil {
			t.Fatal(err)
		}
	}
	before := len(k.requests)
	if _, err := p.Post(t.Context(), messages...); err != nil || len(k.requests) != before+1 {
		t.Errorf("100 messages by %d requests, %v", len(k.requests)-before, err)
	}
}

func TestRefusals(t *testing.T) {
	other := func() *bus.Message { return &bus.Message{Topic: "org.other", Body: 1} }
	long := func(n int, last *bus.Message) (all []*bus.Message) {
		for i := range n {
			all = append(all, said(i))
		}
		return append(all, last)
	}
	for _, c := range []struct {
		name   string
		config PosterConfig
		send   []*bus.Message
		before http.HandlerFunc
		taken  int
		want   string
	}{
		{"token", PosterConfig{Token: "another-another"}, long(0, said(0)), nil, 0, "401: the token is not accepted"},
		{"key", PosterConfig{Sender: "seal", HMACKey: "another"}, long(0, said(0)), nil, 0,
			`401: the signature is not accepted: the key is not that of "seal", or a clock is wrong`},
		{"topic", PosterConfig{}, long(2, other()), nil, 0,
			`403: message 3: ferry may not send under the topic "org.other"`},
		{"topic in the second request", PosterConfig{}, long(600, other()), nil, 500, "403: message 601: ferry may"},
		{"redirect", PosterConfig{}, long(0, said(0)), func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://else.example.org/x?y=z", http.StatusTemporaryRedirect)
		}, 0, "307: the server sends elsewhere, where nothing was sent: https://else.example.org/x"},
		{"page", PosterConfig{}, long(0, said(0)), func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
		}, 0, "200: 202 was expected"},
		{"a text that is none", PosterConfig{}, long(0, said(0)), func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTeapot)
			fmt.Fprint(w, `{"detail":"a\u001b[2J\nb","errors":[{"line":-1},{"line":9999999}]}`)
		}, 0, "418: a[2J b"},
	} {
		k := newTaker(t, nil)
		k.before = c.before
		if c.config.HMACKey == "" && c.config.Token == "" {
			c.config.Token = testToken
		}
		c.config.URL = k.front.URL
		p, slept := newTestPoster(t, c.config)
		ids, err := p.Post(t.Context(), c.send...)
		want := "post to " + k.front.URL + messagesPath + ": " + c.want
		if err == nil || !strings.HasPrefix(err.Error(), want) || len(ids) != c.taken || len(*slept) > 0 {
			t.Errorf("%s: %v and %d ids after %v, want %s", c.name, err, len(ids), *slept, want)
		}
		var refused *Refusal
		if !errors.As(err, &refused) || refused.Temporary() {
			t.Errorf("%s: %v is no lasting refusal", c.name, err)
		}
	}
}

func TestNamesTheMessageThatIsWrong(t *testing.T) {
	p, _ := newTaker(t, nil).poster(t, PosterConfig{})
	good, wrong := []byte(`{"topic":"org.example.a","msg":1}`), []byte(`{"topic":7,"msg":1}`)
	_, err := p.PostJSON(t.Context(), good, wrong, good, wrong)
	if want := "422: message 2: topic: a text was expected, such as org.example.prod.wiki.edit (and 1 fault more)"; err ==
		nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	_, err = p.Post(t.Context(), said(1), &bus.Message{Topic: "a\x00b"})
	if err == nil || !strings.Contains(err.Error(), "message 2: malformed message: control character") {
		t.Error(err)
	}
}

func TestGivesUp(t *testing.T) {
	for _, c := range []struct {
		name, after string
		config      PosterConfig
		tries       int
		want        string
	}{
		{"by patience", "20", PosterConfig{}, 4, "gave up after 1m0s: 429: too fast"},
		{"by a long patience", "30", PosterConfig{Patience: 2 * time.Minute}, 5, "gave up after 2m0s: "},
		{"without waiting in vain", "999999999999999999999", PosterConfig{}, 1, "gave up after 0s: "},
		{"at a date", "Fri, 01 Jan 2100 00:00:00 GMT", PosterConfig{Patience: time.Hour}, 1, "gave up after 0s: "},
	} {
		k := newTaker(t, nil)
		tries := 0
		k.before = func(w http.ResponseWriter, _ *http.Request) {
			tries++
			w.Header().Set("Retry-After", c.after)
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprint(w, `{"detail":"too fast"}`)
		}
		p, _ := k.poster(t, c.config)
		_, err := p.Post(t.Context(), said(1))
		var refused *Refusal
		if err == nil || !strings.Contains(err.Error(), c.want) || tries != c.tries || !errors.As(err, &refused) ||
			!refused.Temporary() {
			t.Errorf("%s: %v after %d tries, want %s after %d", c.name, err, tries, c.want, c.tries)
		}
	}
}

func TestChecksItsConfig(t *testing.T) {
	for _, c := range []struct {
		config PosterConfig
		want   string // "": nothing is wrong
	}{
		{PosterConfig{URL: "https://bus.example.org", Token: "t"}, ""},
		{PosterConfig{URL: "https://bus.example.org", Token: "\nold\r\nnew\n"}, ""},
		{PosterConfig{URL: "http://[::1]:8090/", Token: "t"}, ""},
		{PosterConfig{URL: "http://bus.example.org", Sender: "a", HMACKey: "k"}, ""},
		{PosterConfig{URL: "http://bus.example.org", Token: "t"}, "in the clear"},
		{PosterConfig{URL: "bus.example.org", Token: "t"}, "https://bus.example.org was expected"},
		{PosterConfig{URL: "https://u:topsecret@bus.example.org", Token: "t"}, "without a name"},
		{PosterConfig{URL: "https://\x7f:topsecret@", Token: "t"}, "was expected"},
		{PosterConfig{URL: "https://bus.example.org"}, "a token or an HMAC key was expected"},
		{PosterConfig{URL: "https://bus.example.org", Token: "t", HMACKey: "k"}, "one of them"},
		{PosterConfig{URL: "https://bus.example.org", HMACKey: "k"}, "both"},
		{PosterConfig{URL: "https://bus.example.org", Token: "topsecret \x00"}, "printable"},
	} {
		_, err := NewPoster(c.config)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v, want %q", c.config, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "topsecret") {
			t.Errorf("a secret in %v", err)
		}
	}
}
