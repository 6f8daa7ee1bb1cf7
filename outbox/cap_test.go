package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"
	"pgregory.net/rapid"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestCapSaysSo: what goes over the cap says how much that is, and its parcel says why its notices come together.
func TestCapSaysSo(t *testing.T) {
	d := migratest.Open(t, migratest.SQLite(t))
	c := newClock()
	o := open(d, Config{CapCount: 2, CapWindow: 10 * time.Minute}, c.now, 1)
	for i := range 5 {
		add(t, o, delivery(fmt.Sprint("m", i), "1", c.now()))
	}
	for i, r := range all(t, o) {
		want := map[bool]string{false: "", true: "cap 2 10m0s"}[i >= 2]
		if r.Hold != want || r.Together != (i >= 2) {
			t.Errorf("%s is held by %q, together %v", r.Message, r.Hold, r.Together)
		}
	}
	var notes []string
	o.cfg.Note = func(holds []string, dues []time.Time, _ *time.Location) string {
		if len(dues) != len(holds) || dues[0].After(c.now()) {
			t.Errorf("holds %q were due at %v", holds, dues)
		}
		return strings.Join(holds, ", ")
	}
	c.pass(10 * time.Minute)
	p := newPool(o, "mail", &fakeBackend{answer: func(_ context.Context, p backends.Parcel) error {
		notes = append(notes, p.Note)
		return nil
	}})
	for cl := take(t, o); cl != nil; cl = take(t, o) {
		complete(t, o, cl, p.send(t.Context(), *cl))
	}
	if want := []string{"", "", "cap 2 10m0s, cap 2 10m0s, cap 2 10m0s"}; !slices.Equal(notes, want) {
		t.Errorf("parcels say %q, want %q", notes, want)
	}
	if n := o.Counts()[0].Held["cap"]; n != 3 {
		t.Errorf("%d are counted as held by the cap, want 3", n)
	}
}

// TestOwnCap: a destination's own cap holds instead of the site's, up to what the site allows.
func TestOwnCap(t *testing.T) {
	d := migratest.Open(t, migratest.SQLite(t))
	c := newClock()
	o := open(d, Config{CapCount: 3, CapMost: 5}, c.now, 1)
	tests := []struct {
		own  Cap
		want int
	}{
		{Cap{}, 3}, {Cap{1, time.Hour}, 1}, {Cap{4, time.Hour}, 4}, {Cap{100, time.Hour}, 5}, {Cap{0, time.Hour}, 3},
		{Cap{-1, time.Hour}, 3}, {Cap{2, -time.Hour}, 3}, {Cap{2, 1 << 62}, 2},
	}
	for i, test := range tests {
		for n := range 9 {
			one := delivery(fmt.Sprint("m", n), fmt.Sprint("to", i), c.now())
			one.Cap = test.own
			add(t, o, one)
		}
		held := 0
		for _, r := range all(t, o) {
			if r.Destination == fmt.Sprint("to", i) && r.Together {
				held++
			}
		}
		if held != 9-test.want {
			t.Errorf("%+v lets %d go at once, want %d", test.own, 9-held, test.want)
		}
	}
}

// TestDoubtedIsNotUrgent: a message that anybody could have forged does not pass the cap by calling itself critical.
func TestDoubtedIsNotUrgent(t *testing.T) {
	d := migratest.Open(t, migratest.SQLite(t))
	c := newClock()
	o := open(d, Config{CapCount: 1}, c.now, 1)
	for i, standing := range []string{"", "unsigned", "unsigned", ""} {
		one := delivery(fmt.Sprint("m", i), "1", c.now())
		one.Notice.Severity, one.Notice.Standing = "critical", standing
		add(t, o, one)
	}
	var held []string
	for _, r := range all(t, o) {
		if r.Together {
			held = append(held, r.Message)
		}
	}
	if !slices.Equal(held, []string{"m2"}) {
		t.Errorf("held are %v, want m2: the first unsigned one is within the cap, and what is proved passes", held)
	}
}

// TestCapProperty: whatever comes whenever, nothing is lost or doubled, nothing overtakes, and in no window go more
// notices at once than the cap allows; with what goes together that is one parcel more.
func TestCapProperty(t *testing.T) {
	d := migratest.Open(t, migratest.SQLite(t))
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		to := fmt.Sprint("destination", run)
		window := rapid.IntRange(1, 30).Draw(t, "window")
		limit := Cap{rapid.IntRange(1, 6).Draw(t, "count"), time.Duration(window) * time.Minute}
		c := newClock()
		o := open(d, Config{CapCount: limit.Count, CapWindow: limit.Window}, c.now, byte(run))
		type parcel struct {
			at   time.Time
			size int
		}
		var parcels []parcel
		var want, got []string
		serve := func() {
			for {
				claims, err := o.claim(t.Context(), "mail", 1, nil)
				if err != nil {
					t.Fatal(err)
				}
				if len(claims) == 0 {
					return
				}
				parcels = append(parcels, parcel{c.now(), len(claims[0].rows)})
				got = append(got, messages(&claims[0])...)
				if err := o.complete(t.Context(), []completion{o.classify(claims[0], nil, false)}); err != nil {
					t.Fatal(err)
				}
				c.pass(time.Millisecond)
			}
		}
		for i := range rapid.IntRange(1, 30).Draw(t, "steps") {
			for j := range rapid.IntRange(1, 5).Draw(t, "burst") {
				id := fmt.Sprintf("m%d-%d", i, j)
				want = append(want, id)
				err := o.writer.Transaction(func(tx *gorm.DB) error {
					_, err := o.Add(tx, []Delivery{delivery(id, to, c.now())})
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			serve()
			c.pass(time.Duration(rapid.IntRange(0, 600).Draw(t, "pause")) * time.Second)
			serve()
		}
		c.pass(2 * limit.Window)
		serve()
		if !slices.Equal(want, got) {
			t.Fatalf("went %v\nwant %v", got, want)
		}
		for i, first := range parcels {
			alone := 0
			for _, p := range parcels[i:] {
				if p.size == 1 && p.at.Sub(first.at) < limit.Window {
					alone++
				}
			}
			if alone > limit.Count+1 {
				t.Fatalf("%d parcels in %s, the cap is %d", alone, limit.Window, limit.Count)
			}
		}
	})
}

// TestCapOfTwoNodes: two nodes that add at the same time let no more through than one.
func TestCapOfTwoNodes(t *testing.T) {
	d := migratest.Open(t, migratest.Postgres(t))
	c := newClock()
	var both sync.WaitGroup
	errs := make([]error, 2)
	for node := range 2 {
		o := open(d, Config{CapCount: 10}, c.now, byte(node))
		both.Go(func() {
			for i := range 20 {
				err := o.writer.Transaction(func(tx *gorm.DB) error {
					_, err := o.Add(tx, []Delivery{delivery(fmt.Sprintf("m%d-%d", node, i), "1", c.now())})
					return err
				})
				errs[node] = errors.Join(errs[node], err)
			}
		})
	}
	both.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	held := 0
	for _, r := range all(t, open(d, Config{}, c.now, 9)) {
		if r.Together {
			held++
		}
	}
	if held != 30 {
		t.Errorf("%d of 40 are held, want 30", held)
	}
}

// TestTenThousandAtOnce: a burst ends as the notices of the cap and few parcels, in order.
func TestTenThousandAtOnce(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{CapCount: 60, MostWaiting: -1}, c.now, 1)
		var burst []Delivery
		for i := range 10_000 {
			burst = append(burst, delivery(fmt.Sprintf("m%05d", i), "1", c.now()))
		}
		add(t, o, burst...)
		c.pass(11 * time.Minute)
		parcels, last, went := 0, "", 0
		for p := take(t, o); p != nil; p = take(t, o) {
			for _, m := range messages(p) {
				if m <= last {
					t.Fatalf("%s went after %s", m, last)
				}
				last = m
				went++
			}
			parcels++
			complete(t, o, p, nil)
		}
		if went != 10_000 || parcels != 60+100 {
			t.Errorf("%d went in %d parcels, want 10000 in 160", went, parcels)
		}
	})
}
