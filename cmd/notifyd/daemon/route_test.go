package daemon

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	dto "github.com/prometheus/client_model/go"
	"gorm.io/gorm"
)

// judging returns a verifier for a router.
func judging(t *testing.T, c trust.Config) func() *trust.Verifier {
	t.Helper()
	v, err := trust.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return func() *trust.Verifier { return v }
}

// aRouter returns a router on a fresh database with the user alice, who has one address and the filters given.
func aRouter(t *testing.T, d *migrations.DB, filters ...prefs.Filter) (*router, prefs.User, []prefs.Filter,
	*bytes.Buffer) {
	t.Helper()
	r, log := anotherRouter(t, d)
	store := openPrefs(d)
	alice, err := store.Accounts.Register(t.Context(), "alice", "", "email", "alice@example.org")
	if err != nil {
		t.Fatal(err)
	}
	defaults, err := store.Filters.List(t.Context(), alice.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range defaults {
		if err := store.Filters.Delete(t.Context(), alice.ID, f.ID); err != nil {
			t.Fatal(err)
		}
	}
	for i, f := range filters {
		if filters[i], err = store.Filters.Save(t.Context(), alice.ID, f); err != nil {
			t.Fatal(err)
		}
	}
	return r, alice, filters, log
}

// anotherRouter returns a router on a database that has been filled.
func anotherRouter(t *testing.T, d *migrations.DB) (*router, *bytes.Buffer) {
	t.Helper()
	watcher, err := catalogue.Watch(nil, time.Minute, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	noDirectory := func() *directory.Snapshot { return nil }
	now := func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }
	log := &bytes.Buffer{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	store := openPrefs(d)
	explain := func(tx *gorm.DB, asked []outbox.Unexplained) ([]outbox.Explained, error) {
		return store.Reasons.Explain(tx, asked, nil)
	}
	return &router{
		db: d.Writer, subscriptions: store.Subscriptions, history: history.NewStore(d.Writer, d.Reader, now),
		outbox:    outbox.New(d.Writer, d.Reader, d.Postgres, outbox.Config{Explain: explain}, now, rand.Reader),
		describer: &describer{watcher: watcher, directory: noDirectory}, directory: noDirectory, metrics: newMetrics("test"),
		now: now, log: logger, seldom: newSeldom(now, logger), dedup: bus.NewDedupWindow(100),
		verifier: judging(t, trust.Config{}),
	}, log
}

// openPrefs returns the preferences in a database.
func openPrefs(d *migrations.DB) *prefs.Store {
	return prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: time.Now, Random: rand.Reader,
		ClaimedNames: func() bool { return true }})
}

func about(pkg string, oneShot bool) prefs.Filter {
	rule := rulespec.Rule{Kind: "package"}
	rule.Args = rulespec.Args{rulespec.LookupRuleKind("package").Params[0].Name: {pkg}}
	return prefs.Filter{Filter: rulespec.Filter{Name: "About " + pkg, Rules: []rulespec.Rule{rule}}, On: true,
		OneShot: oneShot}
}

// push returns a frame about a push to a package's sources.
func push(id, pkg string) bus.Frame {
	topic := "org.example.test.git.receive"
	return bus.Frame{Source: "test", Topic: topic, Payload: fmt.Appendf(nil,
		`{"topic":%q,"msg_id":%q,"timestamp":1795262400,"i":1,"username":"git","msg":{"commit":{"repo":%q,"branch":"main","rev":"abc","username":"bob","summary":"x","message":"x"}}}`,
		topic, id, pkg)}
}

// odd returns the frame of push about bash with a timestamp and an id of any kind.
func odd(timestamp, id string) bus.Frame {
	f := push("ID", "bash")
	f.Payload = bytes.Replace(f.Payload, []byte("1795262400"), []byte(timestamp), 1)
	f.Payload = bytes.Replace(f.Payload, []byte(`"ID"`), []byte(id), 1)
	return f
}

// owedTo returns the messages that have deliveries, in order.
func owedTo(t *testing.T, d *migrations.DB) string {
	t.Helper()
	var ids []string
	if err := d.Reader.Raw("SELECT c.message FROM deliveries d JOIN contents c ON c.id = d.content ORDER BY d.id").Scan(&ids).Error; err != nil {
		t.Fatal(err)
	}
	return strings.Join(ids, " ")
}

func TestRoute(t *testing.T) {
	for _, c := range []struct {
		name    string
		filter  prefs.Filter
		batches [][]bus.Frame
		want    string
	}{
		{"what matches is owed", about("bash", false), [][]bus.Frame{{push("m1", "bash"), push("m2", "zsh"),
			push("m3", "bash")}}, "m1 m3"},
		{"a message is owed once", about("bash", false), [][]bus.Frame{{push("m1", "bash"), push("m1", "bash")},
			{push("m1", "bash")}}, "m1"},
		{"a one-shot fires once in a batch", about("bash", true), [][]bus.Frame{{push("m1", "bash"), push("m2", "bash")}},
			"m1"},
		{"and not again", about("bash", true), [][]bus.Frame{{push("m1", "bash")}, {push("m2", "bash")}}, "m1"},
		{"odd metadata loses nothing", about("bash", false), [][]bus.Frame{{odd("1767225600000", `"m1"`),
			odd(`"soon"`, "2"), odd("1767225600", "{}"), push("m4", "bash")}}, "m1 2 sha256-ce95b7454a2edab1b4009df88d44a34b m4"},
		{"garbage hinders nothing", about("bash", false), [][]bus.Frame{{{Source: "test", Topic: "x", Payload: []byte("{")},
			push("m1", "bash")}}, "m1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			migratest.Each(t, func(t *testing.T, d *migrations.DB) {
				r, _, _, _ := aRouter(t, d, c.filter)
				for _, batch := range c.batches {
					if err := r.persist(t.Context(), batch); err != nil {
						t.Fatal(err)
					}
				}
				if got := owedTo(t, d); got != c.want {
					t.Errorf("owed %q, want %q", got, c.want)
				}
			})
		})
	}
}

// TestRouteAfterRestart sends a message again to a router that has forgotten it, as a relay may do after a crash.
func TestRouteAfterRestart(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		r, _, _, _ := aRouter(t, d, about("bash", false))
		for range 2 {
			if err := r.persist(t.Context(), []bus.Frame{push("m1", "bash")}); err != nil {
				t.Fatal(err)
			}
			r.dedup = bus.NewDedupWindow(100)
		}
		if got := owedTo(t, d); got != "m1" {
			t.Errorf("owed %q, want m1 once", got)
		}
	})
}

func TestSwitchedOffFilterIsSilentFromTheNextMessage(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		r, alice, filters, _ := aRouter(t, d, about("bash", false))
		for _, step := range []struct {
			message string
			on      bool
		}{{"m1", true}, {"m2", false}, {"m3", true}} {
			if err := openPrefs(d).Filters.SetOn(t.Context(), alice.ID, filters[0].ID, step.on); err != nil {
				t.Fatal(err)
			}
			if err := r.persist(t.Context(), []bus.Frame{push(step.message, "bash")}); err != nil {
				t.Fatal(err)
			}
		}
		if got := owedTo(t, d); got != "m1 m3" {
			t.Errorf("owed %q, want m1 m3", got)
		}
	})
}

// TestStoreFailureIsTriedAgain removes the tables for a while: nothing is lost, and the frames are acknowledged only
// when they are stored.
func TestStoreFailureIsTriedAgain(t *testing.T) {
	d := migratest.Open(t, migratest.SQLite(t))
	r, _, _, log := aRouter(t, d, about("bash", false))
	if err := d.Writer.Exec("ALTER TABLE messages RENAME TO gone").Error; err != nil {
		t.Fatal(err)
	}
	f := push("m1", "bash")
	done := make(chan struct{})
	f.Ack = func() { close(done) }
	ended := make(chan error, 1)
	go func() { ended <- r.persist(t.Context(), []bus.Frame{f}) }()
	exectest.Eventually(t, 10*time.Second, "the failure is told", func() bool { return r.metrics.failures() > 0 })
	select {
	case <-done:
		t.Error("the frame was done with before it was stored")
	default:
	}
	if err := d.Writer.Exec("ALTER TABLE gone RENAME TO messages").Error; err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	<-done
	if got := owedTo(t, d); got != "m1" {
		t.Errorf("owed %q, want m1", got)
	}
	if !strings.Contains(log.String(), "cannot store messages; trying again") {
		t.Errorf("the log does not tell of the failure: %s", log)
	}
}

func TestMalformedFramesAreCountedAndToldOnce(t *testing.T) {
	d := migratest.Open(t, migratest.SQLite(t))
	r, _, _, log := aRouter(t, d)
	for range 100 {
		r.describe([]bus.Frame{{Source: "test", Topic: "org.example.test.x", Payload: []byte("[]")}})
	}
	if n := strings.Count(log.String(), "dropped what is no message"); n != 1 {
		t.Errorf("%d lines for 100 malformed frames within a minute, want 1", n)
	}
}

// TestStopWithoutDatabaseTellsWhatIsLost stops a router while the database refuses everything.
func TestStopWithoutDatabaseTellsWhatIsLost(t *testing.T) {
	d := migratest.Open(t, migratest.SQLite(t))
	r, _, _, _ := aRouter(t, d, about("bash", false))
	if err := d.Writer.Exec("ALTER TABLE messages RENAME TO gone").Error; err != nil {
		t.Fatal(err)
	}
	const count = 300 // more than a batch
	in := bus.NewIntake(bus.IntakeConfig{})
	for i := range count {
		in.TryPut(push(fmt.Sprintf("m%d", i), "bash"))
	}
	in.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.run(ctx, in) }()
	exectest.Eventually(t, 10*time.Second, "the database has refused", func() bool { return r.metrics.failures() > 0 })
	cancel()
	want := fmt.Sprintf("%d received messages are not stored", count)
	if err := <-ended; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("run = %v, want an error with %q", err, want)
	}
}

// failures returns the number of batches that the database refused.
func (m *metrics) failures() float64 {
	var now dto.Metric
	if err := m.routeErrors.Write(&now); err != nil {
		return 0
	}
	return now.GetCounter().GetValue()
}

func TestMendedMessagesAreCounted(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		r, _, _, _ := aRouter(t, d)
		batch := []bus.Frame{odd("1767225600000", "5"), odd("NaN", `"m"`), push("n", "bash")}
		if err := r.persist(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		for field, want := range map[string]float64{"timestamp": 2, "msg_id": 1} {
			var got dto.Metric
			if err := r.metrics.mended.WithLabelValues("test", field).Write(&got); err != nil || got.Counter.GetValue() != want {
				t.Errorf("%g mended of %s, %v; want %g", got.Counter.GetValue(), field, err, want)
			}
		}
	})
}
