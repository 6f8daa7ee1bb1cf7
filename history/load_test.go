package history_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// archived are messages of an archive: most once, some twice, one under two ids that are one, one with an id that
// another has, one whose copy proves more.
func archived(t *testing.T, first, last int) (all []*catalogue.Event) {
	t.Helper()
	add := func(id string, n int, verdict bus.Verdict) {
		topic := fmt.Sprintf("org.example.prod.app%d.thing", n%3)
		m, err := bus.Decode(bus.Frame{Source: "import", Topic: topic, Late: true, Payload: fmt.Appendf(nil,
			`{"topic":%q,"msg_id":%q,"timestamp":%d,"msg":{"n":%d}}`, topic, id, 1380000000+n, n)}, noon)
		if err != nil {
			t.Fatal(err)
		}
		m.Standing = bus.Standing{Verdict: verdict, Signer: "someone"}
		all = append(all, &catalogue.Event{
			Message: m, App: fmt.Sprint("app", n%3), Kind: "thing", Title: "a thing", Actor: fmt.Sprint("user", n%5),
			Users: []string{fmt.Sprint("user", n%7)}, Packages: []string{"bash"},
		})
	}
	for n := first; n < last; n++ {
		id := "2026-" + someUUID(n)
		add(id, n, bus.Unsigned)
		switch n % 50 {
		case 10:
			add(id, n, bus.Unsigned)
		case 20:
			add(id[5:], n, bus.Unsigned)
		case 30:
			add(id, n+1, bus.Unsigned)
		case 40:
			add(id, n, bus.Signed)
		}
	}
	return all
}

// load loads events in batches, the way that is given.
func load(t *testing.T, s *history.Store, l *history.Loader, all []*catalogue.Event) (sum history.Loaded) {
	t.Helper()
	for part := range slices.Chunk(all, 90) {
		var ready []*history.Ready
		for _, e := range part {
			ready = append(ready, s.MakeReady(e))
		}
		got, err := l.Append(t.Context(), ready)
		if err != nil {
			t.Fatal(err)
		}
		sum.Added, sum.Known, sum.Conflicts = sum.Added+got.Added, sum.Known+got.Known, sum.Conflicts+got.Conflicts
		sum.Upgraded += got.Upgraded
	}
	return sum
}

// stored is all that is kept, without the order in which it came.
func stored(t *testing.T, d *migrations.DB) (all []string) {
	t.Helper()
	for _, query := range []string{
		"SELECT msg_id || ' ' || common_id || ' ' || claimed_id || ' ' || verdict || ' ' || sent_at || ' ' || size ||" +
			" ' ' || category || ' ' || late || ' ' || content_hash FROM messages",
		"SELECT m.msg_id || ' ' || n.name || ' ' || n.sent_at || ' ' || n.is_user || ' ' || n.is_actor || ' ' || n.category" +
			" FROM message_users n JOIN messages m ON m.id = n.message_id",
		"SELECT m.msg_id || ' ' || n.name || ' ' || n.sent_at || ' ' || n.category FROM message_packages n" +
			" JOIN messages m ON m.id = n.message_id",
		"SELECT m.msg_id || ' ' || length(n.facts) FROM message_facts n JOIN messages m ON m.id = n.message_id",
	} {
		var rows []string
		if err := d.Reader.Raw(query).Scan(&rows).Error; err != nil {
			t.Fatal(err)
		}
		all = append(all, rows...)
	}
	for i, row := range all { // as SQLite writes them
		all[i] = strings.NewReplacer(" true", " 1", " false", " 0").Replace(row)
	}
	slices.Sort(all)
	return all
}

// TestLoadKeepsWhatAppendKeeps: by each way, also when it is begun again in the middle, the same is stored.
func TestLoadKeepsWhatAppendKeeps(t *testing.T) {
	all := archived(t, 0, 1000)
	history.SetWorthTwo(50)
	t.Cleanup(func() { history.SetWorthTwo(2000) })
	var want []string
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		sum := load(t, s, s.NewLoader(), all)
		if sum.Added != 1020 || sum.Conflicts != 20 || sum.Known+sum.Upgraded != len(all)-sum.Added {
			t.Errorf("loaded %+v", sum)
		}
		if again := load(t, s, s.NewLoader(), all); again.Added != 0 || again.Upgraded != 0 || again.Known != len(all) {
			t.Errorf("again %+v", again)
		}
		got := stored(t, d)
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d rows, and %d in the other dialect", len(got), len(want))
		}
		var order []int64 // of those that have the id they came with
		if err := d.Reader.Raw("SELECT sent_at FROM messages WHERE claimed_id = '' ORDER BY id").Scan(&order).Error; err != nil {
			t.Fatal(err)
		}
		if !slices.IsSorted(order) {
			t.Error("the ids do not go up as the messages came")
		}
	})
	d := migratest.Open(t, migratest.SQLite(t))
	s := history.NewStore(d.Writer, d.Reader, func() time.Time { return noon.Add(time.Hour) })
	bare := func() *history.Loader {
		if err := d.SetAside(t.Context(), "messages", "message_users", "message_packages"); err != nil {
			t.Fatal(err)
		}
		l, err := s.NewBareLoader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	end := func(l *history.Loader) {
		_, err := l.End(t.Context(), func(ctx context.Context) error { return d.Restore(ctx, nil) })
		if err != nil {
			t.Fatal(err)
		}
	}
	killed := bare()
	load(t, s, killed, all[:len(all)/2])
	if err := killed.Abandon(); err != nil { // what waits in memory is lost
		t.Fatal(err)
	}
	l := bare()
	sum := load(t, s, l, all)
	if sum.Known < 400 || l.Waiting() != 40 {
		t.Errorf("after a kill %+v, %d wait", sum, l.Waiting())
	}
	end(l)
	if got := stored(t, d); !slices.Equal(got, want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Fatalf("first difference:\n%s\n%s", got[i], want[i])
			}
		}
	}
	if left, err := s.Size(t.Context()); err != nil || left.Messages != 1020 {
		t.Errorf("%+v, %v", left, err)
	}
	var broken []string // tables whose rows refer to nothing
	err := d.Writer.Raw(`SELECT "table" FROM pragma_foreign_key_check`).Scan(&broken).Error
	if err != nil || len(broken) > 0 {
		t.Error(broken, err)
	}
	end(bare()) // nothing came
}

// TestRefreshMakesCountsCheap: after a loading PostgreSQL knows that the rows of an index need not be read.
func TestRefreshMakesCountsCheap(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		fill(t, s, d, 500)
		if err := s.Refresh(t.Context()); err != nil || !d.Postgres {
			if err != nil {
				t.Error(err)
			}
			return
		}
		var pages, visible int
		err := d.Reader.Raw("SELECT sum(relpages) AS pages, sum(relallvisible) AS visible FROM pg_class WHERE relkind = 'r'"+
			" AND (relname LIKE 'message_users%' OR relname LIKE 'messages%')").Row().Scan(&pages, &visible)
		if err != nil || pages == 0 || visible != pages {
			t.Errorf("of %d pages %d are known to be visible, %v", pages, visible, err)
		}
	})
}
