package carrier

import (
	"context"
	"errors"
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
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/internal/metric"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }

// A far is the other bus, in memory.
type far struct {
	mu     sync.Mutex
	got    []bus.Load
	down   error
	never  string // an id that it never takes
	most   int    // at a time; 0: all
	closed bool
}

func (f *far) Carry(ctx context.Context, loads []bus.Load) (int, []bus.Refused, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var refused []bus.Refused
	for i, l := range loads {
		switch {
		case f.down != nil:
			return i, refused, f.down
		case f.most > 0 && i == f.most:
			return i, refused, errors.New("enough")
		case l.ID == f.never:
			refused = append(refused, bus.Refused{Index: i, Reason: "never", Err: errors.New("never")})
			continue
		}
		f.got = append(f.got, l)
	}
	return len(loads), refused, nil
}

func (f *far) Close() error        { f.closed = true; return nil }
func (f *far) Collect(metric.Emit) {}

func (f *far) set(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

func (f *far) ids() (ids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.got {
		ids = append(ids, l.ID)
	}
	return ids
}

// A fixture is a database with a bridge.
type fixture struct {
	t     *testing.T
	db    *migrations.DB
	store *history.Store
	log   *exectest.Log
	all   []*Carrier
}

func each(t *testing.T, f func(t *testing.T, x *fixture)) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		f(t, &fixture{t: t, db: d, store: history.NewStore(d.Writer, d.Reader, time.Now), log: &exectest.Log{}})
	})
}

func (x *fixture) carrier(to *far, choice bus.Choice, holder string) *Carrier {
	choice.RetryMin, choice.RetryMax = time.Millisecond, 5*time.Millisecond
	c := New(Config{
		Name: "to_far.main", Open: bus.OpenBridge{Name: "main", To: "far", Bridge: to, Choice: choice},
		History: x.store, Holder: holder, Database: "here", Now: time.Now, Log: slog.New(slog.NewTextHandler(x.log, nil)),
		Describe: func(m *bus.Message) *catalogue.Event {
			return &catalogue.Event{Message: m, Severity: catalogue.Warning, Users: []string{"zoe"}}
		},
	})
	x.all = append(x.all, c)
	return c
}

// run prepares and runs a carrier, until stop.
func (x *fixture) run(c *Carrier) (stop func()) {
	x.t.Helper()
	if err := c.Prepare(x.t.Context()); err != nil {
		x.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(x.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			x.t.Errorf("Run = %v", err)
		}
	})
	x.t.Cleanup(stop)
	return stop
}

// put stores messages of these ids; change may alter each.
func (x *fixture) put(change func(m *bus.Message), ids ...string) {
	x.t.Helper()
	var events []*catalogue.Event
	for _, id := range ids {
		topic := "org.example.prod.ferry.crossing"
		m, err := bus.Decode(bus.Frame{Source: "zmq", Topic: topic, Payload: fmt.Appendf(nil,
			`{"topic":%q,"msg":{"id":%q},"msg_id":%q,"timestamp":1780000000,"i":1}`, topic, id, id)}, time.Now())
		if err != nil {
			x.t.Fatal(err)
		}
		if change != nil {
			change(m)
		}
		events = append(events, &catalogue.Event{Message: m, Kind: "ferry"})
	}
	err := x.db.Writer.WithContext(x.t.Context()).Transaction(func(tx *gorm.DB) error {
		_, err := x.store.Append(tx, events)
		return err
	})
	if err != nil {
		x.t.Fatal(err)
	}
	for _, c := range x.all {
		c.Wake()
	}
}

func names(from, to int) (ids []string) {
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprintf("2026-%05d", i))
	}
	return ids
}

func (x *fixture) want(to *far, ids []string) {
	x.t.Helper()
	exectest.Eventually(x.t, 20*time.Second, fmt.Sprintf("%d messages come", len(ids)), func() bool {
		return len(to.ids()) >= len(ids)
	})
	if got := to.ids(); !slices.Equal(got, ids) {
		x.t.Errorf("%d came: %.300v\nwant %d: %.300v", len(got), got, len(ids), ids)
	}
}

func value(c *Carrier, name, reason string) (sum float64) {
	c.Collect(func(d *metric.Desc, v float64, labels ...string) {
		if d.Name == name && (reason == "" || labels[len(labels)-1] == reason) {
			sum += v
		}
	})
	return sum
}

func TestCarriesWhatIsStoredFromNowOn(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		x.put(nil, names(0, 3)...)
		to := &far{never: "2026-00010"}
		c := x.carrier(to, bus.Choice{}, "one")
		stop := x.run(c)
		x.put(nil, names(3, 700)...)
		c.Wake()
		want := slices.DeleteFunc(names(3, 700), func(id string) bool { return id == to.never })
		x.want(to, want)
		if l := to.got[0]; l.Severity != "warning" || l.Users[0] != "zoe" || !slices.Equal(l.Via, []string{"here"}) {
			t.Errorf("%+v", l)
		}
		if err := metric.Check(c.Collect); err != nil {
			t.Error(err)
		}
		exectest.Eventually(t, 10*time.Second, "it has caught up", func() bool { return value(c, BehindMetric, "") == 0 })
		if value(c, SentMetric, "") != 696 || value(c, UpMetric, "") != 1 ||
			value(c, "notifyd_bridge_refused_total", "never") != 1 {
			t.Errorf("sent %v, up %v", value(c, SentMetric, ""), value(c, UpMetric, ""))
		}
		stop()
		if !to.closed {
			t.Error("the bridge was not closed")
		}
	})
}

// TestOutageLosesNothing: the other bus is away, takes some, and the carrier starts anew in between.
func TestOutageLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		to := &far{down: errors.New("no route")}
		c := x.carrier(to, bus.Choice{}, "one")
		stop := x.run(c)
		x.put(nil, names(0, 20)...)
		exectest.Eventually(t, 10*time.Second, "it is tried again", func() bool {
			return value(c, "notifyd_bridge_failures_total", "") > 3
		})
		if value(c, UpMetric, "") != 0 || value(c, BehindMetric, "") != 20 || value(c, SentMetric, "") != 0 {
			t.Errorf("up %v, behind %v", value(c, UpMetric, ""), value(c, BehindMetric, ""))
		}
		if n := strings.Count(x.log.String(), "no route"); n != 1 {
			t.Errorf("the log says it %d times:\n%s", n, x.log)
		}
		to.set(func() { to.down, to.most = nil, 3 })
		x.want(to, names(0, 20))
		exectest.Eventually(t, 10*time.Second, "it says so", func() bool {
			return strings.Contains(x.log.String(), "handed on again")
		})
		stop()
		x.put(nil, names(20, 30)...)
		x.run(x.carrier(to, bus.Choice{}, "one"))
		x.want(to, names(0, 30))
	})
}

// TestOneWorksAtATime: of two processes one works, and the other goes on where it ends.
func TestOneWorksAtATime(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		first, second := &far{}, &far{}
		stop := x.run(x.carrier(first, bus.Choice{}, "one"))
		other := x.carrier(second, bus.Choice{}, "two")
		x.run(other)
		x.put(nil, names(0, 5)...)
		x.want(first, names(0, 5))
		exectest.Eventually(t, 10*time.Second, "the other stands by", func() bool {
			return value(other, "notifyd_bridge_standby", "") == 1
		})
		stop()
		x.put(nil, names(5, 10)...)
		x.want(second, names(5, 10))
	})
}

func TestSaysWhatIsLost(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		to := &far{down: errors.New("no route")}
		c := x.carrier(to, bus.Choice{}, "one")
		now := time.Now()
		var mu sync.Mutex
		c.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		}
		x.run(c)
		x.put(nil, names(0, 7)...)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- x.store.Run(ctx, history.Keep{Bytes: 1}, time.Hour, slog.New(slog.DiscardHandler))
		}()
		exectest.Eventually(t, 10*time.Second, "the history is pruned", func() bool {
			size, err := x.store.Size(t.Context())
			return err == nil && size.Messages == 0
		})
		mu.Lock()
		now = now.Add(time.Minute)
		mu.Unlock()
		exectest.Eventually(t, 10*time.Second, "the loss is known", func() bool { return value(c, LostMetric, "") == 7 })
		if !strings.Contains(x.log.String(), "deleted from the history before they were handed on") {
			t.Errorf("the log says\n%s", x.log)
		}
		cancel()
		<-ended
	})
}

// TestWhatIsNotHandedOn has one message of each kind beside one that is handed on.
func TestWhatIsNotHandedOn(t *testing.T) {
	marked := func(m *bus.Message) { m.Standing = bus.Standing{Verdict: bus.Unsigned, Marked: true} }
	via := func(text string) func(m *bus.Message) {
		return func(m *bus.Message) {
			m.Payload = []byte(strings.Replace(string(m.Payload), "{", `{"headers":{"notifyd_via":"`+text+`"},`, 1))
		}
	}
	for _, test := range []struct {
		reason string
		choice bus.Choice
		change func(m *bus.Message)
		not    bus.Choice // by which it is handed on
	}{
		{"topic", bus.Choice{Topics: []string{"org.*.prod.ferry.#"}}, func(m *bus.Message) {
			m.Topic = "org.example.prod.wiki"
			m.Payload = []byte(strings.Replace(string(m.Payload), "prod.ferry.crossing", "prod.wiki", 1))
		}, bus.Choice{}},
		{"source", bus.Choice{NotFrom: []string{"there"}}, func(m *bus.Message) { m.Source = "there" }, bus.Choice{}},
		{"unproved", bus.Choice{}, marked, bus.Choice{Unproved: true}},
		{"late", bus.Choice{LiveOnly: true}, func(m *bus.Message) { m.Late = true }, bus.Choice{}},
		{"bridged", bus.Choice{NotBridged: true}, func(m *bus.Message) {
			m.Payload = []byte(strings.Replace(string(m.Payload), "{", `{"username":"amqp-bridge",`, 1))
		}, bus.Choice{}},
		{"seen", bus.Choice{}, via("there here"), bus.Choice{}},
		{"seen", bus.Choice{}, via("1 2 3 4 5 6 7 8"), bus.Choice{}},
	} {
		t.Run(test.reason, func(t *testing.T) {
			each(t, func(t *testing.T, x *fixture) {
				to := &far{}
				c := x.carrier(to, test.choice, "one")
				x.run(c)
				x.put(nil, "2026-a")
				x.put(test.change, "2026-b")
				x.put(nil, "2026-c")
				x.want(to, []string{"2026-a", "2026-c"})
				if value(c, "notifyd_bridge_skipped_total", test.reason) != 1 {
					t.Error("it is not counted")
				}
				if test.reason == "seen" {
					return
				}
				all := &far{}
				second := x.carrier(all, test.not, "one")
				second.Name = "to_far.second"
				x.run(second)
				x.put(nil, "2026-d")
				x.put(test.change, "2026-e")
				x.want(all, []string{"2026-d", "2026-e"})
			})
		})
	}
}

// TestRefutedIsNotHandedOn: a forgery must not become better proved on the other bus.
func TestRefutedIsNotHandedOn(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		to := &far{}
		c := x.carrier(to, bus.Choice{Unproved: true}, "one")
		x.run(c)
		x.put(func(m *bus.Message) { m.Standing = bus.Standing{Verdict: bus.Signed, Signer: "zoe"} }, "2026-a")
		x.put(func(m *bus.Message) {
			m.Payload = []byte(strings.Replace(string(m.Payload), `"msg":{`, `"msg":{"forged":1,`, 1))
			forged, err := bus.Decode(bus.Frame{Source: "zmq", Topic: m.Topic, Payload: m.Payload}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			*m = *forged
		}, "2026-a")
		x.put(nil, "2026-c")
		x.want(to, []string{"2026-a", "2026-c"})
		if value(c, "notifyd_bridge_skipped_total", "refuted") != 1 {
			t.Error("it is not counted")
		}
	})
}

// TestProvedLaterIsHandedOn: whoever sends a copy first that proves nothing keeps nothing from the other bus.
func TestProvedLaterIsHandedOn(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		to := &far{}
		x.run(x.carrier(to, bus.Choice{}, "one"))
		x.put(func(m *bus.Message) { m.Standing = bus.Standing{Verdict: bus.Unsigned, Marked: true} }, "2026-a")
		x.put(nil, "2026-b")
		x.want(to, []string{"2026-b"})
		x.put(func(m *bus.Message) { m.Standing = bus.Standing{Verdict: bus.Signed, Signer: "zoe"} }, "2026-a")
		x.want(to, []string{"2026-b", "2026-a"})
		x.put(func(m *bus.Message) { m.Standing = bus.Standing{Verdict: bus.Signed, Signer: "zoe"} }, "2026-a", "2026-b")
		x.put(nil, "2026-c")
		x.want(to, []string{"2026-b", "2026-a", "2026-c"})
	})
}

// TestUndecidedIsHandedOn: where nothing is proved, of two messages with one id both may be true.
func TestUndecidedIsHandedOn(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		to := &far{}
		x.run(x.carrier(to, bus.Choice{}, "one"))
		x.put(nil, "2026-a")
		x.put(func(m *bus.Message) {
			other, err := bus.Decode(bus.Frame{Source: "zmq", Topic: m.Topic, Payload: []byte(
				`{"msg":{"other":1},"msg_id":"2026-a","timestamp":1780000000}`)}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			*m = *other
		}, "2026-a")
		x.want(to, []string{"2026-a", "2026-a"})
	})
}
