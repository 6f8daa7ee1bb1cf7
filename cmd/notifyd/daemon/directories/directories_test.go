package directories

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }

// A scripted source says what a test tells it to.
type scripted struct {
	mu    sync.Mutex
	facts *directory.Facts
	err   error
	asked int
	last  *directory.Facts
	done  chan struct{} // gets something for each fetch; nil: nobody waits
}

func (s *scripted) Fetch(_ context.Context, last *directory.Facts) (*directory.Facts, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	s.last = last
	if s.done != nil {
		defer func() { s.done <- struct{}{} }()
	}
	if s.facts == nil && s.err == nil {
		panic("a source with a bug")
	}
	return s.facts, s.err
}

func (s *scripted) say(f *directory.Facts, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.facts, s.err = f, err
}

// A world is some daemons on one database, with a clock of theirs.
type world struct {
	*testing.T
	db  *migrations.DB
	now time.Time
	log strings.Builder
}

func newWorld(t *testing.T, db *migrations.DB) *world {
	return &world{T: t, db: db, now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
}

// daemon opens the directories of a daemon with one source.
func (w *world) daemon(name string, s directory.Source, set Settings) *Directories {
	w.Helper()
	d, err := Open(w.Context(), Config{
		Settings: set, DB: w.db.Writer, Now: func() time.Time { return w.now }, Random: func() float64 { return 0.5 },
		Log:     slog.New(slog.NewTextHandler(&w.log, nil)),
		Sources: map[string]directory.Config{name: {Source: s, Every: time.Hour, Within: time.Minute, Shrink: 0.7}},
		Once:    func(run func(context.Context) error) func(context.Context) error { return run },
	})
	if err != nil {
		w.Fatal(err)
	}
	return d
}

// fetch lets the daemon ask its source, as the one that fetches for all.
func (w *world) fetch(d *Directories, name string) string {
	w.now = w.now.Add(time.Hour)
	d.fetching.Store(true)
	d.fetch(w.Context(), d.entry(name))
	d.fetching.Store(false)
	return d.entry(name).load().problem
}

// many makes facts with so many packages of alice's and groups.
func many(packages, groups int) *directory.Facts {
	f := &directory.Facts{Packages: map[string][]directory.Owner{}, Groups: map[string][]string{}}
	for i := range packages {
		f.Packages[fmt.Sprint("p", i)] = []directory.Owner{{Name: "alice", Role: "owner"}}
	}
	for i := range groups {
		f.Groups[fmt.Sprint("g", i)] = []string{"alice"}
	}
	return f
}

func owns(d *Directories, name string) int { return len(d.Load().Packages(name)) }

// TestLastGoodValueStays: whatever a server does, nobody owns less because of it.
func TestLastGoodValueStays(t *testing.T) {
	migratest.Each(t, func(t *testing.T, db *migrations.DB) {
		w, s := newWorld(t, db), &scripted{facts: many(100, 10)}
		d := w.daemon("list", s, Defaults())
		if got := d.Load().Lacks(); !slices.Equal(got, []string{"list"}) {
			t.Errorf("before the first fetch the directory lacks %q", got)
		}
		if problem := w.fetch(d, "list"); problem != "" || owns(d, "alice") != 100 {
			t.Fatalf("after the first fetch: %q, %d packages", problem, owns(d, "alice"))
		}
		empty := many(0, 0)
		nobody := many(100, 10)
		for pkg := range nobody.Packages {
			nobody.Packages[pkg] = []directory.Owner{{Role: "owner"}}
		}
		for _, bad := range []struct {
			name  string
			facts *directory.Facts
			err   error
			want  string
		}{
			{"an error", nil, errors.New("status 500"), "status 500"},
			{"not there", nil, fmt.Errorf("x: %w", directory.ErrGone), "not there"},
			{"empty", empty, nil, "0 groups"},
			{"90 % smaller", many(10, 10), nil, "10 packages, and had 100"},
			{"fewer groups", many(100, 6), nil, "6 groups, and had 10"},
			{"without groups", &directory.Facts{Packages: many(100, 0).Packages}, nil, "0 groups"},
			{"owned by nobody", nobody, nil, "0 owners of packages"},
			{"a bug", nil, nil, "bug"},
		} {
			s.say(bad.facts, bad.err)
			if problem := w.fetch(d, "list"); !strings.Contains(problem, bad.want) || owns(d, "alice") != 100 {
				t.Errorf("%s: problem %.100q, %d packages", bad.name, problem, owns(d, "alice"))
			}
			if len(d.Warnings()) != 1 || len(d.Load().Lacks()) != 0 {
				t.Errorf("%s: warnings %q, lacks %q", bad.name, d.Warnings(), d.Load().Lacks())
			}
			again := w.daemon("list", s, Defaults()) // a restart
			if owns(again, "alice") != 100 || len(again.Warnings()) != 1 {
				t.Errorf("%s: after a restart %d packages, warnings %q", bad.name, owns(again, "alice"), again.Warnings())
			}
		}
		s.say(many(90, 9), nil)
		if problem := w.fetch(d, "list"); problem != "" || owns(d, "alice") != 90 || len(d.Warnings()) != 0 {
			t.Errorf("a little less: %q, %d packages, warnings %q", problem, owns(d, "alice"), d.Warnings())
		}
	})
}

// TestSameAgainIsNoChange: a source that always gives everything is logged and merged when something has changed.
func TestSameAgainIsNoChange(t *testing.T) {
	migratest.Each(t, func(t *testing.T, db *migrations.DB) {
		w := newWorld(t, db)
		source := &scripted{facts: many(10, 3)}
		d := w.daemon("list", source, Defaults())
		var before *directory.Snapshot
		for i, step := range []struct {
			facts *directory.Facts
			said  int
		}{{many(10, 3), 1}, {many(10, 3), 1}, {many(11, 3), 2}} {
			source.say(step.facts, nil)
			w.fetch(d, "list")
			if now := d.Confirmed(); (now == before) != (i == 1) {
				t.Errorf("step %d: whether there is a new snapshot: %v", i, now != before)
			}
			before = d.Confirmed()
			if got := strings.Count(w.log.String(), "directory fetched"); got != step.said {
				t.Errorf("it was said %d times, want %d:\n%s", got, step.said, w.log.String())
			}
		}
	})
}

// TestOperatorAccepts: what an operator says is right is taken, once.
func TestOperatorAccepts(t *testing.T) {
	migratest.Each(t, func(t *testing.T, db *migrations.DB) {
		w, s := newWorld(t, db), &scripted{facts: many(100, 0)}
		d := w.daemon("list", s, Defaults())
		w.fetch(d, "list")
		s.say(many(10, 0), nil)
		w.fetch(d, "list")
		if err := Accept(t.Context(), db.Writer, "lists"); err == nil {
			t.Error("a source that is not there is accepted")
		}
		if err := Accept(t.Context(), db.Writer, "list"); err != nil {
			t.Fatal(err)
		}
		all, err := Stored(t.Context(), db.Reader)
		if err != nil || len(all) != 1 || all[0].Counts.Packages != 100 || !strings.HasPrefix(all[0].Problem, "refused") {
			t.Errorf("stored is %+v, %v", all, err)
		}
		d.fetching.Store(true)
		if err := d.follow(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case <-d.entry("list").wake:
		default:
			t.Error("the source is not asked at once")
		}
		if problem := w.fetch(d, "list"); problem != "" || owns(d, "alice") != 10 {
			t.Errorf("accepted: %q, %d packages", problem, owns(d, "alice"))
		}
		s.say(many(1, 0), nil)
		if problem := w.fetch(d, "list"); !strings.HasPrefix(problem, "refused") || owns(d, "alice") != 10 {
			t.Errorf("the next one: %q, %d packages", problem, owns(d, "alice"))
		}
	})
}

// TestNodesShareOneValue: a node that does not fetch has what the other one has stored, and its problem.
func TestNodesShareOneValue(t *testing.T) {
	migratest.Each(t, func(t *testing.T, db *migrations.DB) {
		w, s := newWorld(t, db), &scripted{facts: many(5, 0)}
		other := &scripted{facts: many(7, 0)}
		a, b := w.daemon("list", s, Defaults()), w.daemon("list", other, Defaults())
		w.fetch(a, "list")
		follow := func(d *Directories) {
			t.Helper()
			if err := d.follow(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		follow(b)
		before := b.Load()
		if owns(b, "alice") != 5 || other.asked != 0 {
			t.Errorf("the other node has %d packages, and asked %d times", owns(b, "alice"), other.asked)
		}
		if follow(b); b.Load() != before {
			t.Error("a snapshot is made although nothing has changed")
		}
		s.say(nil, errors.New("gone"))
		w.fetch(a, "list")
		if follow(b); len(b.Warnings()) != 1 || b.Load() != before {
			t.Errorf("the other node warns of %q", b.Warnings())
		}
		w.fetch(b, "list") // it has the lease now
		if follow(a); owns(a, "alice") != 7 || len(a.Warnings()) != 0 {
			t.Errorf("the first node has %d packages, warnings %q", owns(a, "alice"), a.Warnings())
		}
		if got, want := a.entry("list").load().digest, b.entry("list").load().digest; got != want || got == "" {
			t.Errorf("digests %q and %q", got, want)
		}
	})
}

// TestDatabaseThatDoesNotTakeIt: a value counts all the same, and is stored with the next fetch.
func TestDatabaseThatDoesNotTakeIt(t *testing.T) {
	migratest.Each(t, func(t *testing.T, db *migrations.DB) {
		w, s := newWorld(t, db), &scripted{facts: many(5, 0)}
		d := w.daemon("list", s, Defaults())
		if err := db.Writer.Exec("ALTER TABLE directory_values RENAME TO gone").Error; err != nil {
			t.Fatal(err)
		}
		w.fetch(d, "list")
		if owns(d, "alice") != 5 {
			t.Errorf("%d packages", owns(d, "alice"))
		}
		if err := db.Writer.Exec("ALTER TABLE gone RENAME TO directory_values").Error; err != nil {
			t.Fatal(err)
		}
		s.say(d.entry("list").load().facts, nil) // unchanged
		w.fetch(d, "list")
		if again := w.daemon("list", s, Defaults()); owns(again, "alice") != 5 {
			t.Errorf("after a restart %d packages", owns(again, "alice"))
		}
	})
}

// TestRunFetches: what Run starts ends with it, and Wait ends when there is a value or a failure.
func TestRunFetches(t *testing.T) {
	db := migratest.Open(t, migratest.SQLite(t))
	w := newWorld(t, db)
	for _, s := range []*scripted{{facts: many(3, 0)}, {err: errors.New("no")}} {
		s.done = make(chan struct{}, 10)
		d := w.daemon(fmt.Sprint("list", s.err == nil), s, Defaults())
		d.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
		d.Local = map[string]directory.Config{}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		<-s.done
		d.Wait(ctx)
		if got := owns(d, "alice"); s.err == nil && got != 3 {
			t.Errorf("%d packages", got)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	}
}

func TestDue(t *testing.T) {
	e := newEntry("x", directory.Config{Every: time.Hour}, false)
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		what string
		k    known
		want time.Duration
	}{
		{"never tried", known{}, 0},
		{"just tried", known{tried: now}, 57 * time.Minute},
		{"long ago", known{tried: now.Add(-2 * time.Hour)}, 0},
		{"failed once", known{tried: now, failed: 1}, 45 * time.Second},
		{"failed five times", known{tried: now, failed: 5}, 12 * time.Minute},
		{"failed for days", known{tried: now, failed: 1000}, 45 * time.Minute},
		{"by a clock that was ahead", known{tried: now.Add(1000 * time.Hour)}, time.Hour},
	} {
		e.set(test.k)
		if got := e.due(now, func() float64 { return 0.5 }); got != test.want {
			t.Errorf("%s: due in %v, want %v", test.what, got, test.want)
		}
	}
}

// TestPrecedence: the file is first where nothing else is said, and a reload may say so.
func TestPrecedence(t *testing.T) {
	w := newWorld(t, migratest.Open(t, migratest.SQLite(t)))
	set := Defaults()
	set.File = filepath.Join(t.TempDir(), "people.yaml")
	text := "packages: {p0: {owner: [bob, \"@g0\"]}}\n" // the group is the other source's
	if err := os.WriteFile(set.File, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d := w.daemon("list", &scripted{facts: many(2, 1)}, set)
	w.fetch(d, "list")
	if owns(d, "bob") != 1 || owns(d, "alice") != 1 || owns(d, "@g0") != 1 {
		t.Errorf("bob owns %d, alice %d, the group %d", owns(d, "bob"), owns(d, "alice"), owns(d, "@g0"))
	}
	set.Precedence, set.Bots = []string{"list"}, []string{"*bot"}
	if err := d.Reload(set, false); err != nil {
		t.Fatal(err)
	}
	if owns(d, "bob") != 0 || owns(d, "alice") != 2 || !d.Load().IsBot("robot") {
		t.Errorf("after a reload bob owns %d, alice %d", owns(d, "bob"), owns(d, "alice"))
	}
	if got := d.Status(); len(got) != 2 || got[0].Name != "list" || got[0].Counts.Packages != 2 {
		t.Errorf("status %+v", got)
	}
	if err := os.WriteFile(set.File, []byte("packages: [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Reload(set, false); err == nil || owns(d, "alice") != 2 {
		t.Errorf("a broken file: %v, alice owns %d", err, owns(d, "alice"))
	}
}
