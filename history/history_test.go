package history_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

func TestMain(m *testing.M) {
	// The state machines work on real databases: a hundred runs take too long. -rapid.checks overrides the number.
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
	os.Exit(migratest.Main(m))
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// event makes an event at the given number of seconds after noon.
func event(id string, second int, topic string, users, packages []string) *catalogue.Event {
	app, _, _ := strings.Cut(strings.TrimPrefix(topic, "org.example.prod."), ".")
	return &catalogue.Event{
		Message: &bus.Message{ID: id, Topic: topic, Time: noon.Add(time.Duration(second) * time.Second), Source: "main",
			Payload: []byte(`{"msg_id": "` + id + `"}`)},
		App: app, Kind: app + ".thing", Title: "thing", Users: users, Packages: packages,
	}
}

func each(t *testing.T, f func(t *testing.T, s *history.Store, d *migrations.DB)) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		f(t, history.NewStore(d.Writer, d.Reader, func() time.Time { return noon.Add(time.Hour) }), d)
	})
}

// put appends events, and reports which are new.
func put(t *testing.T, s *history.Store, d *migrations.DB, events ...*catalogue.Event) []bool {
	t.Helper()
	var added []bool
	for _, o := range appendAll(t, s, d, events...) {
		added = append(added, o.New())
	}
	return added
}

func appendAll(t *testing.T, s *history.Store, d *migrations.DB, events ...*catalogue.Event) (all []history.Outcome) {
	t.Helper()
	err := d.Writer.WithContext(t.Context()).Transaction(func(tx *gorm.DB) (err error) {
		all, err = s.Append(tx, events)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func search(t *testing.T, s *history.Store, q history.Query) ([]string, int64) {
	t.Helper()
	page, err := s.Search(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, len(page.Records))
	for i, r := range page.Records {
		ids[i] = r.MsgID
	}
	return ids, page.Next
}

func TestAppendOnce(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		a, b := event("b-1", 1, "org.example.prod.git.receive", nil, nil),
			event("a-2", 2, "org.example.prod.git.receive", nil, nil)
		if got := put(t, s, d, a, b, a); !slices.Equal(got, []bool{true, true, false}) {
			t.Errorf("first: %v", got)
		}
		c := event("c-3", 3, "org.example.prod.git.receive", []string{"alice"}, nil)
		if got := put(t, s, d, b, c); !slices.Equal(got, []bool{false, true}) {
			t.Errorf("second: %v", got)
		}
		if got := put(t, s, d); len(got) != 0 {
			t.Errorf("nothing: %v", got)
		}
		if got, _ := search(t, s, history.Query{}); !slices.Equal(got, []string{"c-3", "a-2", "b-1"}) {
			t.Errorf("kept: %v", got)
		}
	})
}

// TestAppendKeepsTheOrder: ids go up as events came, whatever ids their senders gave, for who reads on by them.
func TestAppendKeepsTheOrder(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		var came []string
		for call := range 2 {
			var events []*catalogue.Event
			for n := range 700 { // more than one statement
				came = append(came, fmt.Sprintf("%03d-%d", (n*379+call)%1000, n+call*1000))
				events = append(events, event(came[len(came)-1], n, "org.example.prod.git.receive", nil, nil))
			}
			put(t, s, d, events[0], events[0]) // is known already, and then
			put(t, s, d, events...)
		}
		var kept []string
		if err := d.Reader.Raw("SELECT msg_id FROM messages ORDER BY id").Scan(&kept).Error; err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(kept, came) {
			t.Errorf("the order is %q, want %q", kept, came)
		}
	})
}

func TestGetGivesTheFrameBack(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		e := event("x", 5, "org.example.prod.bodhi.update", nil, nil)
		put(t, s, d, e)
		r, err := s.Get(t.Context(), "x", readers.Sources{})
		if err != nil {
			t.Fatal(err)
		}
		if f := r.Frame(); f.Topic != e.Topic || f.Source != "main" || string(f.Payload) != string(e.Payload) {
			t.Errorf("Frame = %+v", f)
		}
		if !r.Time.Equal(e.Time) || !r.Received.Equal(noon.Add(time.Hour)) || r.App != "bodhi" {
			t.Errorf("Get = %+v", r)
		}
		if _, err := s.Get(t.Context(), "y", readers.Sources{}); !errors.Is(err, history.ErrNotFound) {
			t.Errorf("Get of nothing: %v", err)
		}
	})
}

// TestHostileTexts stores texts that PostgreSQL would refuse together with their whole batch.
func TestHostileTexts(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		long := strings.Repeat("ü", 5000)
		odd := []string{`q"\<>&'`, "\u2028", "n\x00ul", "\xff", "🦊", "?", "$1", "null"}
		events := []*catalogue.Event{
			event("nul\x00", 1, "a.b.c.d\x00e", []string{"u\x00"}, []string{"p\xff"}),
			event(long, 2, "org.example.prod."+strings.Repeat("x", 1000), []string{long, long, ""}, []string{long}),
			event("many", 3, "org.example.prod.koji.rebuild", nil, manyNames(3000)),
			{Message: &bus.Message{ID: "bare"}},
			event("odd", 4, "org.example.prod.koji.odd", nil, append(manyNames(100), odd...)),
		}
		for i, added := range put(t, s, d, events...) {
			if !added {
				t.Errorf("event %d is not kept", i)
			}
		}
		if r, err := s.Get(t.Context(), long, readers.Sources{}); err != nil || len(r.MsgID) > 100 {
			t.Errorf("Get of a long id: %v", err)
		}
		if got, _ := search(t, s, history.Query{User: long}); len(got) != 1 {
			t.Errorf("search for a long name: %v", got)
		}
		for _, name := range odd {
			if got, _ := search(t, s, history.Query{Package: name}); !slices.Contains(got, "odd") {
				t.Errorf("search for %q: %v", name, got)
			}
		}
		if got, _ := search(t, s, history.Query{Topic: "x\x00'\"%_."}); len(got) != 0 {
			t.Errorf("search for nothing: %v", got)
		}
	})
}

func manyNames(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("package-%d", i))
	}
	return all
}

func TestTimeIsNeverInTheFuture(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		put(t, s, d, event("future", 1000000, "org.example.prod.git.receive", nil, nil))
		r, err := s.Get(t.Context(), "future", readers.Sources{})
		if err != nil || !r.Time.Equal(r.Received) {
			t.Errorf("sent %v, received %v, %v", r.Time, r.Received, err)
		}
	})
}

func TestSearch(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		put(t, s, d,
			event("1", 1, "org.example.prod.git.receive", []string{"alice"}, []string{"bash"}),
			event("2", 2, "org.example.prod.git.branch", []string{"bob"}, []string{"bash", "zsh"}),
			event("3", 3, "org.example.prod.bodhi.update", []string{"alice", "bob"}, []string{"zsh"}),
			event("4", 4, "org.example.prod.git.receive", []string{"carol"}, nil),
			event("5", 5, "org.example.prod.gitlab.push", []string{"alice"}, []string{"bash"}),
		)
		at := func(second int) time.Time { return noon.Add(time.Duration(second) * time.Second) }
		tests := []struct {
			name  string
			query history.Query
			want  string
		}{
			{"all", history.Query{}, "5 4 3 2 1"},
			{"limit", history.Query{Limit: 2}, "5 4"},
			{"since", history.Query{Since: at(4)}, "5 4"},
			{"until", history.Query{Until: at(3)}, "2 1"},
			{"between", history.Query{Since: at(2), Until: at(4)}, "3 2"},
			{"topic", history.Query{Topic: "org.example.prod.git.receive"}, "4 1"},
			{"topic prefix", history.Query{Topic: "org.example.prod.git."}, "4 2 1"},
			{"app", history.Query{App: "git"}, "4 2 1"},
			{"user", history.Query{User: "alice"}, "5 3 1"},
			{"package", history.Query{Package: "zsh"}, "3 2"},
			{"user and package", history.Query{User: "alice", Package: "bash"}, "5 1"},
			{"user and app", history.Query{User: "alice", App: "bodhi"}, "3"},
			{"user and prefix", history.Query{User: "alice", Topic: "org.example.prod.git."}, "1"},
			{"package and topic", history.Query{Package: "bash", Topic: "org.example.prod.git.branch"}, "2"},
			{"topic and other app", history.Query{Topic: "org.example.prod.git.receive", App: "bodhi"}, ""},
			{"everything", history.Query{User: "bob", Package: "zsh", App: "git", Topic: "org.example.prod.git.",
				Since: at(1), Until: at(9)}, "2"},
			{"nobody", history.Query{User: "dave"}, ""},
			{"injection", history.Query{User: "' OR 1=1 --"}, ""},
		}
		for _, test := range tests {
			if got, _ := search(t, s, test.query); strings.Join(got, " ") != test.want {
				t.Errorf("%s: %v, want %s", test.name, got, test.want)
			}
		}
	})
}

func TestSearchPages(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		var all []*catalogue.Event
		var want []string
		for i := range 25 {
			// threes at once
			e := event(fmt.Sprintf("%02d", i), i/3, "org.example.prod.git.receive", []string{"alice"}, nil)
			all = append(all, e)
		}
		put(t, s, d, all...)
		want, _ = search(t, s, history.Query{})
		for _, q := range []history.Query{{Limit: 4}, {Limit: 4, User: "alice"}, {Limit: 4, App: "git"}} {
			var got []string
			for {
				ids, next := search(t, s, q)
				got = append(got, ids...)
				if q.Before = next; next == 0 {
					break
				}
			}
			if len(got) != 25 || !slices.Equal(got, want) {
				t.Errorf("%+v: pages give %v, want %v", q, got, want)
			}
		}
	})
}

// TestSearchGoesOnWhereAMessageHasGone: the last message of a page may have gone when the next page is asked for, as
// one that a rule keeps shorter. The older ones follow all the same.
func TestSearchGoesOnWhereAMessageHasGone(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		for i := range 9 {
			put(t, s, d, event(fmt.Sprint(i), i, "org.example.prod.git.receive", nil, nil))
		}
		put(t, s, d, event("late", -100, "org.example.prod.git.receive", nil, nil))
		first, next := search(t, s, history.Query{Limit: 4})
		if err := d.Writer.Exec("DELETE FROM messages WHERE id = ?", next).Error; err != nil {
			t.Fatal(err)
		}
		rest, end := search(t, s, history.Query{Before: next})
		if got := strings.Join(append(first, rest...), " "); got != "8 7 6 5 4 3 2 1 0 late" || end != 0 {
			t.Errorf("%q, and next %d", got, end)
		}
		if err := d.Writer.Exec("DELETE FROM messages WHERE id < ?", next).Error; err != nil {
			t.Fatal(err)
		}
		if rest, end := search(t, s, history.Query{Before: next}); len(rest) != 0 || end != 0 {
			t.Errorf("after the oldest come %v, next %d", rest, end)
		}
	})
}

// TestSearchPagesAreBoundedInBytes: large messages make a page shorter.
func TestSearchPagesAreBoundedInBytes(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		var all []*catalogue.Event
		for i := range 5 {
			all = append(all, event(fmt.Sprint(i), i, "org.example.prod.git.receive", nil, nil))
		}
		put(t, s, d, all...)
		if err := d.Writer.Exec("UPDATE messages SET size = ?", history.MaxSelected/2).Error; err != nil {
			t.Fatal(err)
		}
		var pages []string
		for q := (history.Query{}); ; {
			ids, next := search(t, s, q)
			pages = append(pages, strings.Join(ids, " "))
			if q.Before = next; next == 0 {
				break
			}
		}
		if want := []string{"4 3", "2 1", "0"}; !slices.Equal(pages, want) {
			t.Errorf("pages %q, want %q", pages, want)
		}
	})
}

// TestSearchIsBounded searches for rare messages among many others: each page reads a bounded number of messages.
func TestSearchIsBounded(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		put(t, s, d, event("needle", 0, "org.example.prod.rare.thing", nil, nil))
		var hay []*catalogue.Event
		for i := range 110 {
			hay = append(hay, event(fmt.Sprintf("hay-%d", i), 1+i, "org.example.prod.git.receive", nil, nil))
		}
		put(t, s, d, hay...)
		const columns = "source, topic, app, kind, title, summary, link, sent_at, received_at, size, payload"
		if err := d.Writer.Exec("INSERT INTO messages (msg_id, " + columns + ") SELECT a.msg_id || '-' || n, " +
			columns +
			" FROM messages a, (SELECT id AS n FROM messages) b WHERE app = 'git'").Error; err != nil {
			t.Fatal(err)
		}
		q := history.Query{Topic: "org.example.prod.rare."}
		got, next := search(t, s, q)
		if len(got) != 0 || next == 0 {
			t.Fatalf("the first page is %v, next %d", got, next)
		}
		q.Before = next
		if got, next = search(t, s, q); !slices.Equal(got, []string{"needle"}) || next != 0 {
			t.Errorf("the second page is %v, next %d", got, next)
		}
	})
}

func TestPrune(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		now := noon
		s := history.NewStore(d.Writer, d.Reader, func() time.Time { return now })
		fill := func(prefix string, n int) {
			var all []*catalogue.Event
			for i := range n {
				all = append(all, event(fmt.Sprintf("%s-%04d", prefix, i), -i, "org.example.prod.git.receive",
					[]string{"alice"}, []string{"bash"}))
			}
			put(t, s, d, all...)
		}
		prune := func(keep history.Keep, want int64) {
			t.Helper()
			if n, err := s.Prune(t.Context(), keep); err != nil || n != want {
				t.Errorf("Prune(%+v) = %d, %v, want %d", keep, n, err, want)
			}
		}
		fill("old", 1234)
		now = now.Add(48 * time.Hour)
		fill("new", 100)
		prune(history.Keep{}, 0)
		prune(history.Keep{Age: 72 * time.Hour, Bytes: 1 << 30}, 0)
		prune(history.Keep{Age: 24 * time.Hour}, 1234)
		size, err := s.Size(t.Context())
		if err != nil || size.Messages != 100 {
			t.Fatalf("Size = %+v, %v", size, err)
		}
		prune(history.Keep{Bytes: size.Bytes / 2}, 50)
		if size, err = s.Size(t.Context()); err != nil || size.Messages != 50 {
			t.Errorf("Size = %+v, %v", size, err)
		}
		for _, table := range []string{"message_users", "message_packages"} {
			var n int64
			if err := d.Reader.Table(table).Count(&n).Error; err != nil || n != 50 {
				t.Errorf("%s: %d rows, %v", table, n, err)
			}
		}
	})
}

func TestRunPrunesAndEnds(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		now := noon
		s := history.NewStore(d.Writer, d.Reader, func() time.Time { return now })
		put(t, s, d, event("1", 1, "org.example.prod.git.receive", nil, nil))
		now = now.Add(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		log := slog.New(slog.NewTextHandler(cancelOnWrite(cancel), nil)) // its only log line is that it pruned
		if err := s.Run(ctx, history.Keep{Age: time.Minute}, time.Hour, log); err != nil {
			t.Error(err)
		}
		if size, err := s.Size(t.Context()); err != nil || size.Messages != 0 {
			t.Errorf("Size = %+v, %v", size, err)
		}
	})
}

// TestRunDeletesOnOneNode: while another process deletes, Run only counts; when this one is to, it does so at once.
func TestRunDeletesOnOneNode(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		now := noon
		s := history.NewStore(d.Writer, d.Reader, func() time.Time { return now })
		put(t, s, d, event("1", 1, "org.example.prod.git.receive", nil, nil))
		now = now.Add(time.Hour)
		asked := 0
		s.Elsewhere(func() bool {
			if asked++; asked < 3 {
				s.Recount()
				return true
			}
			if size, err := s.Size(t.Context()); asked == 3 && (err != nil || size.Messages != 1) {
				t.Errorf("before it is to: Size = %+v, %v", size, err)
			}
			return false
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		log := slog.New(slog.NewTextHandler(cancelOnWrite(cancel), nil))
		if err := s.Run(ctx, history.Keep{Age: time.Minute}, 10*time.Millisecond, log); err != nil {
			t.Error(err)
		}
		if size, err := s.Size(t.Context()); err != nil || size.Messages != 0 || asked < 3 {
			t.Errorf("asked %d times; Size = %+v, %v", asked, size, err)
		}
	})
}

type cancelOnWrite func()

func (c cancelOnWrite) Write(p []byte) (int, error) {
	c()
	return len(p), nil
}

// TestAppendAtOnce appends the same messages by several nodes in different orders: each message is new to one of
// them.
func TestAppendAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		const nodes, messages = 4, 60
		var mu sync.Mutex
		seen := make(map[string]int)
		var wg sync.WaitGroup
		for node := range nodes {
			wg.Go(func() {
				var events []*catalogue.Event
				for i := range messages {
					n := (i*[]int{1, 7, 11, 13}[node] + node*17) % messages
					events = append(events, event(fmt.Sprintf("m-%d", n), n, "org.example.prod.git.receive",
						[]string{"alice"}, nil))
				}
				for part := range slices.Chunk(events, 20) {
					var outcomes []history.Outcome
					err := d.Writer.Transaction(func(tx *gorm.DB) (err error) {
						outcomes, err = s.Append(tx, part)
						return err
					})
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					for i, e := range part {
						if outcomes[i].New() {
							seen[e.ID]++
						}
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		for i := range messages {
			if n := seen[fmt.Sprintf("m-%d", i)]; n != 1 {
				t.Errorf("m-%d is new %d times", i, n)
			}
		}
	})
}
