package holes

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// aTracker makes a Tracker of sources whose holes can be filled, as a start does; there are those that are there.
func aTracker(t *testing.T, d *migrations.DB, there ...string) (*Tracker, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	counters := func(name string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name}, labels)
	}
	now := func() time.Time { return noon }
	h := New(Config{
		Store: history.NewStore(d.Writer, d.Reader, now), Now: now, Log: slog.New(slog.NewTextHandler(log, nil)),
		Fillable: func(string) bool { return true },
		Metrics: Metrics{
			Gaps: counters("gaps", "source"), Missing: counters("missing", "source"),
			Filled: counters("filled", "source", "by"), TooLate: counters("late", "source"),
		},
	})
	if err := h.Restore(t.Context(), d.Writer, every, there); err != nil {
		t.Fatal(err)
	}
	return h, log
}

func every(string) bool { return true }

// withCounter returns a frame with the counter i, numbered one with the fields given.
func withCounter(i int) bus.Frame { return numbered(fmt.Sprintf("m%d", i), fmt.Sprintf(`"i":%d`, i)) }

func numbered(id, fields string) bus.Frame {
	const topic = "org.example.test.git.receive"
	return bus.Frame{Source: "relay", Topic: topic, Whole: true, Payload: fmt.Appendf(nil,
		`{"topic":%q,"msg_id":%q,"timestamp":1795262400,"username":"git","msg":{},%s}`, topic, id, fields)}
}

func sight(t *testing.T, h *Tracker, f bus.Frame) {
	t.Helper()
	m, err := bus.Decode(f, noon)
	if err != nil {
		t.Fatal(err)
	}
	h.Sight(f, m, false, false)
}

// carry does with a batch of new messages what the router does.
func carry(t *testing.T, h *Tracker, d *migrations.DB, frames ...bus.Frame) {
	t.Helper()
	added := make([]bool, len(frames))
	for i, f := range frames {
		sight(t, h, f)
		added[i] = true
	}
	if err := d.Writer.Transaction(func(tx *gorm.DB) error { return h.Save(tx, added) }); err != nil {
		t.Fatal(err)
	}
	h.Committed()
	h.Routed()
}

// TestASourceThatComesLater is not there at the start: what it has sent since the last run is a hole when it comes, be
// it known by its connection or by its first message.
func TestASourceThatComesLater(t *testing.T) {
	for name, come := range map[string]func(*testing.T, *Tracker, *migrations.DB){
		"connection": func(_ *testing.T, h *Tracker, _ *migrations.DB) { h.Reconnected("relay") },
		"message": func(t *testing.T, h *Tracker, d *migrations.DB) {
			f := withCounter(8)
			f.Resumed = true
			carry(t, h, d, f)
		},
	} {
		t.Run(name, func(t *testing.T) {
			migratest.Each(t, func(t *testing.T, d *migrations.DB) {
				before, _ := aTracker(t, d)
				carry(t, before, d, numbered("a", `"seq_id":3`))
				h, _ := aTracker(t, d, "other")
				if open := h.Of("relay").Open(); len(open) != 0 {
					t.Errorf("open at the start are %+v, want none: nobody asks for them", open)
				}
				h.Now = func() time.Time { return noon.Add(time.Hour) }
				come(t, h, d)
				open := h.Of("relay").Open()
				if len(open) != 1 || !open[0].Unbounded() || !open[0].Since.Equal(noon) || open[0].First != 4 {
					t.Errorf("open after it came are %+v, want one since its last message", open)
				}
			})
		})
	}
}

// TestHolesThatChangeWhileABatchIsStored: what has changed between the look at the holes and the commit is stored with
// the next batch.
func TestHolesThatChangeWhileABatchIsStored(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		h, _ := aTracker(t, d)
		clock := noon
		h.Now = func() time.Time { return clock }
		carry(t, h, d, withCounter(1))
		h.Reconnected("relay")
		while := func(i int, change func()) []bus.Hole {
			t.Helper()
			sight(t, h, withCounter(i))
			seen := h.observe([]bool{true})
			change()
			err := d.Writer.Transaction(func(tx *gorm.DB) error { return h.Store.SavePlaces(tx, seen) })
			if err != nil {
				t.Fatal(err)
			}
			h.Committed()
			carry(t, h, d, withCounter(i+1))
			places, err := h.Store.Places(t.Context())
			if err != nil || len(places) != 1 {
				t.Fatalf("places %+v, %v", places, err)
			}
			return places[0].Holes
		}
		stored := while(2, func() {
			clock = clock.Add(time.Hour)
			h.Reconnected("relay")
		})
		if len(stored) != 1 || !stored[0].Until.Equal(clock) {
			t.Errorf("stored are %+v, want one hole until %s", stored, clock)
		}
		filler := h.Of("relay")
		closeAll := func() {
			for _, hole := range filler.Open() {
				if _, ok, err := filler.Close(t.Context(), hole); !ok || err != nil {
					t.Fatalf("Close = %t, %v", ok, err)
				}
			}
		}
		closeAll()
		clock = clock.Add(time.Hour)
		h.Reconnected("relay")
		if stored = while(4, closeAll); len(stored) > 0 {
			t.Errorf("stored are %+v, want none: it was closed", stored)
		}
	})
}

// TestManyHolesAreFewLines loses every other message: the log does not grow with them, and its sums are true.
func TestManyHolesAreFewLines(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		h, log := aTracker(t, d)
		clock := noon
		h.Now = func() time.Time { return clock }
		var frames []bus.Frame
		for n := 1; n < 400; n += 2 {
			frames = append(frames, numbered(fmt.Sprintf("m%d", n), fmt.Sprintf(`"seq_id":%d`, n)))
		}
		carry(t, h, d, frames...)
		clock = clock.Add(2 * holesSaid)
		h.sayRest(false)
		if n := strings.Count(log.String(), "missing"); n > 2*maxHolesSaid {
			t.Errorf("%d lines about 199 holes", n)
		}
		if want := fmt.Sprintf("%d more messages missing in %d holes", 199-maxHolesSaid, 199-maxHolesSaid); !strings.Contains(
			log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, log)
		}
		var missing dto.Metric
		if err := h.Metrics.Missing.WithLabelValues("relay").Write(&missing); err != nil ||
			missing.GetCounter().GetValue() != 199 {
			t.Errorf("%v missing, %v, want 199", missing.GetCounter(), err)
		}
	})
}

// TestPublisherIsNamed: the digest of a certificate alone tells an operator nothing.
func TestPublisherIsNamed(t *testing.T) {
	for _, c := range []struct{ publisher, signer, want string }{
		{"certificate 1f0c", "git01.example.org", "git01.example.org, certificate 1f0c"},
		{"certificate 1f0c", "", "certificate 1f0c"},
		{"user git org.example.prod.git", "git01.example.org", "user git org.example.prod.git"},
	} {
		if got := publisher(&bus.Hole{Publisher: c.publisher}, c.signer); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
