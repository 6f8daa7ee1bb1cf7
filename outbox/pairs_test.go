package outbox

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// begins is what says that a thing has begun, held for ten minutes; ends is what says that it has ended.
func begins(message, destination, thing string, at time.Time) Delivery {
	d := delivery(message, destination, at.Add(10*time.Minute))
	d.Hold, d.Pair, d.Notice.Time = "started 10m0s", Pair{Thing: thing}, at
	return d
}

func ends(message, destination, thing string, at time.Time) Delivery {
	d := delivery(message, destination, at)
	d.Pair, d.Notice.Time = Pair{Thing: thing, Ends: true, Keep: 10 * time.Minute}, at
	return d
}

// sentOf serves all that is due, and gives its messages.
func sentOf(t *testing.T, o *Outbox) (went []string) {
	t.Helper()
	for p := take(t, o); p != nil; p = take(t, o) {
		went = append(went, messages(p)...)
		complete(t, o, p, nil)
	}
	return went
}

// A pairStep adds deliveries after a while; sent are the messages that go then.
type pairStep struct {
	after time.Duration
	add   []Delivery
	sent  []string
}

// TestPairs: what has begun is dropped when its end follows before it is sent, in whatever order they come, and goes
// when it does not.
func TestPairs(t *testing.T) {
	const minute = time.Minute
	start := newClock().now()
	at := func(d time.Duration) time.Time { return start.Add(d) }
	tests := map[string][]pairStep{
		"the end follows": {
			{0, []Delivery{begins("b", "1", "x", at(0))}, nil},
			{5 * minute, []Delivery{ends("e", "1", "x", at(5*minute))}, []string{"e"}},
			{20 * minute, nil, nil},
		},
		"both at once":          {{0, []Delivery{begins("b", "1", "x", at(0)), ends("e", "1", "x", at(1))}, []string{"e"}}},
		"both at once, swapped": {{0, []Delivery{ends("e", "1", "x", at(1)), begins("b", "1", "x", at(0))}, []string{"e"}}},
		"the end is first": {
			{0, []Delivery{ends("e", "1", "x", at(0))}, []string{"e"}},
			{minute, []Delivery{begins("b", "1", "x", at(-minute))}, nil},
			{20 * minute, nil, nil},
		},
		"the end is first, long ago": {
			{0, []Delivery{ends("e", "1", "x", at(0))}, []string{"e"}},
			{11 * minute, []Delivery{begins("b", "1", "x", at(-minute))}, []string{"b"}}, // it is due at once
		},
		"too late": {
			{0, []Delivery{begins("b", "1", "x", at(0))}, nil},
			{10 * minute, nil, []string{"b"}},
			{minute, []Delivery{ends("e", "1", "x", at(11*minute))}, []string{"e"}},
		},
		"it begins again": {
			{0, []Delivery{begins("b1", "1", "x", at(0))}, nil},
			{minute, []Delivery{ends("e1", "1", "x", at(minute))}, []string{"e1"}},
			{minute, []Delivery{begins("b2", "1", "x", at(2*minute))}, nil},
			{10 * minute, nil, []string{"b2"}},
		},
		"an old end of something that began again": {
			{0, []Delivery{begins("b2", "1", "x", at(2*minute))}, nil},
			{minute, []Delivery{ends("e1", "1", "x", at(minute))}, []string{"e1"}},
			{12 * minute, nil, []string{"b2"}},
		},
		"it began twice": {
			{0, []Delivery{begins("b1", "1", "x", at(0)), begins("b2", "1", "x", at(minute))}, nil},
			{2 * minute, []Delivery{ends("e", "1", "x", at(2*minute))}, []string{"e"}},
			{20 * minute, nil, nil},
		},
		"another thing, another destination": {
			{0, []Delivery{begins("b", "1", "x", at(0)), begins("b", "2", "x", at(0)), begins("c", "1", "y", at(0))}, nil},
			{minute, []Delivery{ends("e", "1", "x", at(minute))}, []string{"e"}},
			{10 * minute, nil, []string{"c", "b"}},
		},
		"in order": {
			{0, []Delivery{begins("b1", "1", "x", at(0)), delivery("m", "1", at(0)), begins("b2", "1", "y", at(0))},
				[]string{"m"}},
			{10 * minute, nil, []string{"b1", "b2"}},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) { checkPairs(t, steps) })
	}
}

// checkPairs takes the steps with an outbox of their own, and wants no pair to be kept at the end.
func checkPairs(t *testing.T, steps []pairStep) {
	t.Helper()
	d := migratest.Open(t, migratest.SQLite(t))
	c := newClock()
	o := open(d, Config{}, c.now, 1)
	for i, s := range steps {
		c.pass(s.after)
		add(t, o, s.add...)
		got := sentOf(t, o)
		slices.Sort(got)
		slices.Sort(s.sent)
		if !slices.Equal(got, s.sent) {
			t.Fatalf("step %d sent %v, want %v", i, got, s.sent)
		}
	}
	for _, e := range must(o.Find(t.Context(), Query{State: Dead})) {
		if !e.Silenced() || e.LastError != "silenced: finished followed" {
			t.Errorf("%s is dead by %q", e.Message, e.LastError)
		}
	}
	c.pass(keepBeginning + time.Hour)
	if err := o.prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	var left int64
	o.reader.Raw("SELECT count(*) FROM pairs").Scan(&left)
	if left != 0 {
		t.Errorf("%d pairs are kept for ever", left)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestPairBeingSent: what is being sent, or was tried, is not taken back.
func TestPairBeingSent(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		add(t, o, begins("b", "1", "x", c.now()))
		c.pass(10 * time.Minute)
		hand := take(t, o)
		add(t, o, ends("e", "1", "x", c.now()))
		complete(t, o, hand, errors.New("busy"))
		c.pass(time.Hour)
		if got := sentOf(t, o); !slices.Equal(got, []string{"b", "e"}) && !slices.Equal(got, []string{"e", "b"}) {
			t.Errorf("sent %v, want both", got)
		}
	})
}

// TestPairsOfTwoNodes: one node adds the beginnings and another the ends, at the same time; nothing fails, every end is
// sent, and no beginning whose end was there in time.
func TestPairsOfTwoNodes(t *testing.T) {
	d := migratest.Open(t, migratest.Postgres(t))
	c := newClock()
	const things = 60
	var both sync.WaitGroup
	errs := make([]error, 2)
	for node := range 2 {
		o := open(d, Config{}, c.now, byte(node))
		both.Go(func() {
			for i := range things {
				one := begins(fmt.Sprint("b", i), "1", fmt.Sprint("thing", i), c.now())
				if node == 1 {
					one = ends(fmt.Sprint("e", i), "1", fmt.Sprint("thing", i), c.now())
				}
				errs[node] = errors.Join(errs[node], o.writer.Transaction(func(tx *gorm.DB) error {
					_, err := o.Add(tx, []Delivery{one})
					return err
				}))
			}
		})
	}
	both.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	o := open(d, Config{}, c.now, 9)
	c.pass(time.Hour)
	got := sentOf(t, o)
	for _, m := range got {
		if m[0] == 'b' {
			t.Errorf("%s was sent", m)
		}
	}
	if len(got) != things {
		t.Errorf("%d were sent, want the %d ends", len(got), things)
	}
}
