package desktop_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
	"github.com/notifyd/notifyd/backends/desktop"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }

// A clock is a now that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func newClock() *clock { return &clock{t: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)} }

func send(t testing.TB, f *desktop.Feed, id, to string, titles ...string) {
	t.Helper()
	p := backends.Parcel{ID: id, To: to}
	for _, title := range titles {
		p.Notices = append(p.Notices, backends.Notice{ID: title, Title: title, Severity: "info"})
	}
	if err := f.Send(t.Context(), p); err != nil {
		t.Fatalf("Send = %v", err)
	}
}

// tell gives events as short text: titles, and "-N" where N were dropped.
func tell(t testing.TB, events []desktop.Event) string {
	t.Helper()
	var words []string
	for _, e := range events {
		var it desktop.Item
		var d desktop.Dropped
		if err := errors.Join(json.Unmarshal(e.Data, &d), json.Unmarshal(e.Data, &it)); err != nil {
			t.Fatalf("event %s: %v", e.Data, err)
		}
		if e.Type == desktop.TypeDropped {
			words = append(words, fmt.Sprint(-d.Count))
			continue
		}
		words = append(words, it.Title)
	}
	return strings.Join(words, " ")
}

func after(t testing.TB, f *desktop.Feed, address, id string) []desktop.Event {
	t.Helper()
	events, err := f.After(t.Context(), address, id, 5000)
	if err != nil {
		t.Fatalf("After = %v", err)
	}
	return events
}

func TestKit(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		count := 0
		backendtest.Run(t, func(t *testing.T) backendtest.Fixture {
			count++
			f, to := desktop.New(d.Writer, d.Reader, time.Now), fmt.Sprint("alice.", count)
			return backendtest.Fixture{
				Backend: f, Info: desktop.Info, To: to, Whole: true,
				Received: func() []backendtest.Receipt {
					var got []backendtest.Receipt
					for _, e := range after(t, f, to, "") {
						var it desktop.Item
						if err := json.Unmarshal(e.Data, &it); err != nil {
							t.Errorf("event %q: %v", e.Data, err)
						}
						text := it.Tag() + it.Title + " " + it.Text + " " + it.Link + " " + it.Manage
						for _, w := range it.Why {
							text += " " + w.Filter + " " + w.Sentence + " " + w.Link + " " + w.Stop
						}
						got = append(got, backendtest.Receipt{To: to, ID: e.ID, Text: strings.Join(strings.Fields(text), " ")})
					}
					return got
				},
			}
		})
	})
}

func TestFeedGoesOnWhereItWasLeft(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		f := desktop.New(d.Writer, d.Reader, newClock().now)
		send(t, f, "p1", "alice", "a", "b")
		send(t, f, "p1", "alice", "a", "b") // the outbox repeats what it is not sure of
		send(t, f, "p1", "bob", "x")
		send(t, f, "p2", "alice", "c")
		events := after(t, f, "alice", "")
		if got := tell(t, events); got != "a b c" {
			t.Errorf("from the start: %s", got)
		}
		for i, want := range []string{"b c", "c", ""} {
			if got := tell(t, after(t, f, "alice", events[i].ID)); got != want {
				t.Errorf("after %s: %q, want %q", events[i].ID, got, want)
			}
		}
		for _, id := range []string{"nonsense", "x.1", strings.TrimSuffix(events[0].ID, "1") + "99", "..", "-1"} {
			if got := tell(t, after(t, f, "alice", id)); got != "a b c" {
				t.Errorf("after the foreign id %q: %s", id, got)
			}
		}
		if got := after(t, f, "carol", ""); len(got) != 0 {
			t.Errorf("a feed that is not there has %s", tell(t, got))
		}
	})
}

func TestFeedTellsWhatItDropped(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		f := desktop.New(d.Writer, d.Reader, c.now)
		send(t, f, "p1", "alice", "a")
		a := after(t, f, "alice", "")[0].ID
		for i := range 11 {
			send(t, f, fmt.Sprint("many", i), "alice", strings.Fields(strings.Repeat("b ", 100))...)
		}
		events := after(t, f, "alice", a)
		if len(events) != desktop.KeepNotices+1 || events[0].Type != desktop.TypeDropped || tell(t, events[:1]) != "-100" {
			t.Fatalf("%d events, the first is %s", len(events), tell(t, events[:1]))
		}
		if got := tell(t, after(t, f, "alice", events[0].ID)); got != strings.TrimSpace(strings.Repeat("b ", 1000)) {
			t.Errorf("after the marker: %.50s", got)
		}
		c.pass(desktop.KeepFor + time.Minute)
		if got := tell(t, after(t, f, "alice", events[0].ID)); got != "-1000" {
			t.Errorf("when all is too old: %s", got)
		}
		send(t, f, "new", "alice", "c")
		if got := tell(t, after(t, f, "alice", events[0].ID)); got != "-1000 c" {
			t.Errorf("then: %s", got)
		}
		if got := tell(t, after(t, f, "alice", "")); got != "c" {
			t.Errorf("for a new reader: %s", got)
		}
	})
}

func TestRunDeletesTheOld(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		f := desktop.New(d.Writer, d.Reader, c.now)
		send(t, f, "p1", "alice", "a")
		c.pass(desktop.KeepFor + time.Minute)
		send(t, f, "p2", "bob", "b")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- f.Run(ctx) }()
		exectest.Eventually(t, patience, "the old notice is deleted", func() bool {
			var n int64
			d.Reader.Table("desktop_notices").Count(&n)
			return n == 1
		})
		poke, stop := f.Watch("bob")
		defer stop()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if _, open := <-poke; open {
			t.Error("Watch goes on after Run has ended")
		}
	})
}

// patience is for what a server or a desktop does. Only a failing test waits so long.
const patience = time.Minute
