package daemon

import (
	"context"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// keepSnapshots makes a router keep its index at path, as after a start, and starts it again.
func (r *router) keepSnapshots(t *testing.T, path string) {
	t.Helper()
	database, err := openPrefs(&migrations.DB{Writer: r.db, Reader: r.db}).Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.state, r.found, r.loadedOnce, r.dedup = nil, nil, false, bus.NewDedupWindow(100)
	r.snapshots = &snapshots{path: path, program: "test", database: database, subscriptions: r.subscriptions, now: r.now,
		log: r.log}
}

// runOnce runs a router from its start to an orderly stop, with the messages given.
func (r *router) runOnce(t *testing.T, messages ...bus.Frame) {
	t.Helper()
	in := bus.NewIntake(bus.IntakeConfig{})
	for _, f := range messages {
		in.TryPut(f)
	}
	in.Close()
	if err := r.run(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

const (
	fromSnapshot = "read the snapshot of the filters"
	fromStore    = "read all filters"
)

// TestSnapshotIsReadAndFollowed stops and starts a router. The changes in between are only in the log of changes.
func TestSnapshotIsReadAndFollowed(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		r, alice, filters, log := aRouter(t, d, about("bash", false), about("zsh", false))
		path := filepath.Join(t.TempDir(), "rules")
		r.keepSnapshots(t, path)
		r.runOnce(t, push("m1", "bash"))
		if !strings.Contains(log.String(), fromStore) || strings.Contains(log.String(), fromSnapshot) {
			t.Errorf("the first start did not read the store:\n%s", log)
		}
		log.Reset()
		if err := openPrefs(d).Filters.SetOn(t.Context(), alice.ID, filters[0].ID, false); err != nil {
			t.Fatal(err)
		}
		if _, err := openPrefs(d).Filters.Save(t.Context(), alice.ID, about("fish", false)); err != nil {
			t.Fatal(err)
		}
		r.keepSnapshots(t, path)
		r.runOnce(t, push("m2", "bash"), push("m3", "zsh"), push("m4", "fish"))
		if strings.Contains(log.String(), fromStore) || !strings.Contains(log.String(), fromSnapshot) {
			t.Errorf("the second start did not read the snapshot:\n%s", log)
		}
		if got := owedTo(t, d); got != "m1 m3 m4" {
			t.Errorf("owed %q, want m1 m3 m4", got)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the snapshot is %v, %v; want one for its owner alone", info, err)
		}
	})
}

// TestSnapshotThatDoesNotFit: a start reads the store instead and logs the reason.
func TestSnapshotThatDoesNotFit(t *testing.T) {
	damage := func(change func([]byte) []byte) func(*testing.T, *router, *migrations.DB, string) {
		return func(t *testing.T, _ *router, _ *migrations.DB, path string) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, change(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	exec := func(statement string) func(*testing.T, *router, *migrations.DB, string) {
		return func(t *testing.T, _ *router, d *migrations.DB, _ string) {
			if err := d.Writer.Exec(statement).Error; err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name   string
		change func(*testing.T, *router, *migrations.DB, string)
		says   string
	}{
		{"missing", func(t *testing.T, _ *router, _ *migrations.DB, path string) { os.Remove(path) }, "there is no snapshot"},
		{"empty", damage(func([]byte) []byte { return nil }), "cannot be read"},
		{"cut", damage(func(b []byte) []byte { return b[:len(b)-5] }), "cannot be read"},
		{"a bit turned", damage(func(b []byte) []byte { b[len(b)-30] ^= 4; return b }), "cannot be read"},
		{"heading changed", damage(func(b []byte) []byte {
			return []byte(strings.Replace(string(b), `"Broken":null`,
				`"Broken":[7]`, 1))
		}), "is not used"},
		{"no heading", damage(func(b []byte) []byte { return []byte(strings.Repeat("x", 20<<20)) }), "cannot be read"},
		{"other program", func(_ *testing.T, r *router, _ *migrations.DB, _ string) { r.snapshots.program = "newer" },
			"is not used"},
		{"other database", func(_ *testing.T, r *router, _ *migrations.DB, _ string) { r.snapshots.database = "other" },
			"is not used"},
		{"changed by hand", exec("UPDATE revisions SET value = value + 1"), "is too old"},
		{"a backup of another time", exec("UPDATE changes SET changed_at = changed_at - 1"), "is not used"},
		{"a log that was cut", exec("DELETE FROM changes"), "is not used"},
		{"other kinds", func(t *testing.T, r *router, _ *migrations.DB, _ string) {
			r.describer.watcher = aMeaning(t, teaApp, r.directory).watcher
		}, "is not used"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := migratest.Open(t, migratest.SQLite(t))
			r, _, _, log := aRouter(t, d, about("bash", false))
			path := filepath.Join(t.TempDir(), "rules")
			r.keepSnapshots(t, path)
			r.runOnce(t, push("m1", "bash"))
			log.Reset()
			r.keepSnapshots(t, path)
			c.change(t, r, d, path)
			r.runOnce(t, push("m2", "bash"))
			if !strings.Contains(log.String(), c.says) || !strings.Contains(log.String(), fromStore) ||
				strings.Contains(log.String(), fromSnapshot) {
				t.Errorf("the log does not say %q and that the store was read:\n%s", c.says, log)
			}
			if got := owedTo(t, d); got != "m1 m2" {
				t.Errorf("owed %q, want m1 m2", got)
			}
		})
	}
}

// TestSnapshotKeepsBrokenFiltersInMind: a filter that cannot be compiled is not in the index, but is counted.
func TestSnapshotKeepsBrokenFiltersInMind(t *testing.T) {
	d := migratest.Open(t, migratest.SQLite(t))
	r, _, filters, _ := aRouter(t, d, about("bash", false))
	if err := d.Writer.Exec(`UPDATE filters SET rules = '[{"kind":{"name":["no.such.kind"]}}]'`).Error; err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rules")
	for range 2 {
		r.keepSnapshots(t, path)
		r.runOnce(t, push("m1", "bash"))
		if !r.state.broken[filters[0].ID] || len(r.state.broken) != 1 {
			t.Errorf("broken filters: %v", r.state.broken)
		}
	}
}

// TestSnapshotThatCannotBeWritten: the old snapshot stays, and no half of a new one is left.
func TestSnapshotThatCannotBeWritten(t *testing.T) {
	d := migratest.Open(t, migratest.SQLite(t))
	r, alice, filters, log := aRouter(t, d, about("bash", false))
	path := filepath.Join(t.TempDir(), "rules")
	r.keepSnapshots(t, path)
	r.runOnce(t, push("m1", "bash"))
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the snapshot is %v, %v", info, err)
	}
	if files, _ := filepath.Glob(path + "*"); len(files) != 1 {
		t.Errorf("there are %v", files)
	}
	if err := openPrefs(d).Filters.SetOn(t.Context(), alice.ID, filters[0].ID, false); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // there is no time left
	r.snapshots.writeFile(ctx, heading{}, r.state.index)
	if now, err := os.ReadFile(path); err != nil || string(now) != string(old) {
		t.Errorf("the old snapshot is gone: %v", err)
	}
	if _, err := os.Stat(path + ".new"); !os.IsNotExist(err) {
		t.Errorf("half a snapshot is left: %v", err)
	}
	r.keepSnapshots(t, filepath.Join(path, "below a file"))
	r.runOnce(t, push("m2", "bash"))
	if !strings.Contains(log.String(), "cannot write the snapshot") {
		t.Errorf("the log does not tell:\n%s", log)
	}
}

// TestKilledWhileWritingASnapshot kills daemons that write one after the other; the last good snapshot always exists.
func TestKilledWhileWritingASnapshot(t *testing.T) {
	const mark = "NOTIFYD_WRITE_SNAPSHOTS"
	if path := os.Getenv(mark); path != "" {
		d := migratest.Open(t, path)
		r, _, _, _ := aRouter(t, d, about("bash", false))
		r.keepSnapshots(t, path+".rules")
		for {
			r.runOnce(t)
			r.snapshots.saved = origin{}
		}
	}
	database := filepath.Join(t.TempDir(), "notifyd.db")
	path := database + ".rules"
	for range 5 {
		os.Remove(database) // aRouter needs a database that does not exist yet
		os.Remove(path)
		writer := exec.Command(os.Args[0], "-test.run", "^TestKilledWhileWritingASnapshot$")
		writer.Env = append(os.Environ(), mark+"="+database)
		c := exectest.Start(t, writer)
		exectest.Eventually(t, 30*time.Second, "there is a snapshot",
			func() bool { _, err := os.Stat(path); return err == nil })
		<-time.After(mathrand.N(50 * time.Millisecond)) // the test is about the moment of the kill
		c.Kill()
		if n := filtersInSnapshot(t, database, path); n != 1 {
			t.Errorf("the snapshot has %d filters, want 1", n)
		}
	}
}

// filtersInSnapshot reads the snapshot of a database as the next start would.
func filtersInSnapshot(t *testing.T, database, path string) int {
	t.Helper()
	d, err := migrations.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	store := openPrefs(d)
	name, err := store.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	built, err := catalogue.Watch(nil, time.Minute, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	kept := &snapshots{path: path, program: "test", database: name, subscriptions: store.Subscriptions, now: time.Now}
	index, _, err := kept.read(t.Context(), rulespec.Env{}, built.Load())
	if err != nil {
		t.Fatal(err)
	}
	return index.Len()
}
