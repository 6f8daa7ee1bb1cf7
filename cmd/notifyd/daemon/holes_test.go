package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/holes"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	dto "github.com/prometheus/client_model/go"
)

// numbered returns a frame of a publisher, with the fields given behind its envelope.
func numbered(id, fields string) bus.Frame {
	const topic = "org.example.test.git.receive"
	return bus.Frame{Source: "relay", Topic: topic, Whole: true, Payload: fmt.Appendf(nil,
		`{"topic":%q,"msg_id":%q,"timestamp":1795262400,"username":"git","msg":{},%s}`, topic, id, fields)}
}

// withCounter returns a frame with the counter i.
func withCounter(i int) bus.Frame { return numbered(fmt.Sprintf("m%d", i), fmt.Sprintf(`"i":%d`, i)) }

// follow makes the router follow where its sources stand, from what is stored.
func (r *router) follow(t *testing.T, d *migrations.DB, fillable ...string) {
	t.Helper()
	r.holes = holes.New(holes.Config{
		Store: r.history, Metrics: r.metrics.holes, Now: r.now, Log: r.log,
		Fillable: func(source string) bool { return slices.Contains(fillable, source) },
	})
	if err := r.holes.Restore(t.Context(), d.Writer, func(string) bool { return true }, fillable); err != nil {
		t.Fatal(err)
	}
}

// missing returns the holes that were found, and the messages in them.
func (r *router) missing(t *testing.T, source string) (found, messages float64) {
	t.Helper()
	var value dto.Metric
	if err := r.metrics.holes.Gaps.WithLabelValues(source).Write(&value); err != nil {
		t.Fatal(err)
	}
	found = value.GetCounter().GetValue()
	if err := r.metrics.holes.Missing.WithLabelValues(source).Write(&value); err != nil {
		t.Fatal(err)
	}
	return found, value.GetCounter().GetValue()
}

func (r *router) carryAll(t *testing.T, frames ...bus.Frame) {
	t.Helper()
	for _, f := range frames {
		if err := r.persist(t.Context(), []bus.Frame{f}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestARestartShowsAHole: what was sent between the runs of two routers is missing, and the log says how much, since
// when and from whom.
func TestARestartShowsAHole(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		before, _, _, _ := aRouter(t, d)
		before.follow(t, d)
		before.carryAll(t, withCounter(1), withCounter(2), withCounter(3))

		r, log := anotherRouter(t, d)
		r.follow(t, d)
		r.carryAll(t, withCounter(9))
		if holes, _ := r.missing(t, "relay"); holes != 0 {
			t.Error("a hole is found before the second message makes it sure")
		}
		r.carryAll(t, withCounter(10), withCounter(11))
		if holes, messages := r.missing(t, "relay"); holes != 1 || messages != 5 {
			t.Errorf("%v holes with %v messages, want 1 with 5", holes, messages)
		}
		if !strings.Contains(log.String(), "5 messages missing since 12:00:00 from user git org.example.test.git") {
			t.Errorf("the log does not say it: %s", log)
		}
	})
}

// TestAFailedBatchMovesNothing: the positions are stored by the transaction that stores the messages.
func TestAFailedBatchMovesNothing(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		r, _, _, _ := aRouter(t, d)
		r.follow(t, d)
		r.carryAll(t, withCounter(1))
		events := r.describe([]bus.Frame{withCounter(2)})
		if err := d.Writer.Exec("ALTER TABLE positions RENAME TO elsewhere").Error; err != nil {
			t.Fatal(err)
		}
		left, err := r.route(t.Context(), events)
		if err == nil || len(left) != 1 {
			t.Fatalf("route = %d left, %v, want an error", len(left), err)
		}
		if size, err := r.history.Size(t.Context()); err != nil || size.Messages != 1 {
			t.Errorf("%d messages, %v, want 1: the second waits for its position", size.Messages, err)
		}
		if err := d.Writer.Exec("ALTER TABLE elsewhere RENAME TO positions").Error; err != nil {
			t.Fatal(err)
		}
		if _, err := r.route(t.Context(), events); err != nil {
			t.Fatal(err)
		}
		if places, err := r.history.Places(t.Context()); err != nil || places[0].Positions[1].Numbers[0] != 2 {
			t.Errorf("places %+v, %v, want the counter at 2", places, err)
		}
	})
}

// TestForgedMessagesShowNoHoles: where the site verifies, only what is proved does.
func TestForgedMessagesShowNoHoles(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		r, _, _, _ := aRouter(t, d)
		believed := map[string]trust.Source{"relay": {Trusted: true}}
		r.verifier = judging(t, trust.Config{Sources: believed, CA: vector(t, "pki-ca.crt")})
		r.follow(t, d)
		for _, source := range []string{"relay", "stranger"} {
			for _, i := range []int{1, 2, 9, 10, 11} {
				f := numbered(fmt.Sprintf("%s-%d", source, i), fmt.Sprintf(`"i":%d`, i))
				f.Source = source
				r.carryAll(t, f)
			}
		}
		for source, want := range map[string]float64{"relay": 6, "stranger": 0} {
			if _, messages := r.missing(t, source); messages != want {
				t.Errorf("%s: %v missing, want %v", source, messages, want)
			}
		}
	})
}

// vector returns the path of a file of reference vectors, which are not part of this repository; without it the test is
// skipped.
func vector(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "..", "shared", "fedmsg-vectors", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs ../shared/fedmsg-vectors/%s", name)
	}
	return path
}

// TestAnInterruptionOpensAHole where something can fill it, and a kill before the next batch keeps it.
func TestAnInterruptionOpensAHole(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		r, _, _, _ := aRouter(t, d)
		r.follow(t, d, "relay")
		r.carryAll(t, numbered("a", `"seq_id":3`))
		again := numbered("b", `"seq_id":9`)
		again.Resumed = true
		r.carryAll(t, again)
		if _, messages := r.missing(t, "relay"); messages != 5 {
			t.Errorf("%v missing at once, want 5", messages)
		}
		after, _ := anotherRouter(t, d)
		after.follow(t, d, "relay")
		open := after.holes.Of("relay").Open()
		if len(open) != 2 || open[0].First != 4 || open[0].Last != 8 || !open[1].Unbounded() || open[1].First != 10 {
			t.Errorf("open holes %+v, want one from 4 to 8, and one since 10", open)
		}
	})
}

// TestLateMessagesNotifyWithinATime: what came later than that goes into the history alone, and uses up no one-shot.
func TestLateMessagesNotifyWithinATime(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		r, _, _, _ := aRouter(t, d, about("bash", false), about("zsh", true))
		r.follow(t, d, "test")
		r.holes.NotifyWithin = time.Hour
		r.holes.Of("test").Filling("replay")
		late := func(id, pkg string, age time.Duration) bus.Frame {
			f := push(id, pkg)
			f.Late = true
			f.Payload = bytes.Replace(f.Payload, []byte("1795262400"), fmt.Append(nil, r.now().Add(-age).Unix()), 1)
			return f
		}
		r.carryAll(t, late("old", "bash", 2*time.Hour), late("older", "zsh", 2*time.Hour), late("young", "bash", time.Minute),
			late("first", "zsh", time.Minute), late("again", "bash", 3*time.Hour),
			late("undated", "bash", time.Duration(r.now().UnixNano())))
		if got := owedTo(t, d); got != "young first" {
			t.Errorf("owed are %q, want the young ones", got)
		}
		var marked int
		if err := d.Reader.Raw("SELECT count(*) FROM messages WHERE late").Scan(&marked).Error; err != nil || marked != 6 {
			t.Errorf("%d are stored as late, %v, want 6", marked, err)
		}
		var silent, filled dto.Metric
		if err := errors.Join(r.metrics.holes.TooLate.WithLabelValues("test").Write(&silent),
			r.metrics.holes.Filled.WithLabelValues("test", "replay").Write(&filled)); err != nil {
			t.Fatal(err)
		}
		if silent.GetCounter().GetValue() != 4 || filled.GetCounter().GetValue() != 6 {
			t.Errorf("counted are %v filled, %v of them silently; want 6 and 4", filled.GetCounter(), silent.GetCounter())
		}
	})
}
