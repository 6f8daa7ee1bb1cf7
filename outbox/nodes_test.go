package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestClocksOfNodesDiffer: an hour between the clocks of two nodes makes no parcel go twice, and none late.
func TestClocksOfNodesDiffer(t *testing.T) {
	d := migratest.Open(t, migratest.Postgres(t))
	config := Config{Poll: 50 * time.Millisecond, Lease: 5 * time.Second, DatabaseClock: true, Workers: 1}
	slow := &fakeBackend{answer: func(ctx context.Context, _ backends.Parcel) error {
		wait(ctx, 6*time.Second, nil) // longer than the lease, which is renewed meanwhile
		return ctx.Err()
	}}
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer func() { cancel(); all.Wait() }()
	for i, off := range []time.Duration{-time.Hour, 0, time.Hour} {
		o := open(d, config, func() time.Time { return time.Now().Add(off) }, byte(i))
		all.Go(func() {
			if err := o.Run(ctx, map[string]backends.Backend{"mail": slow}); err != nil {
				t.Error(err)
			}
		})
		until(t, "the node knows what time it is", func() bool {
			ahead := time.Duration(o.ahead.Load())
			return (ahead - off).Abs() < 2*time.Second
		})
		add(t, o, delivery(fmt.Sprint("of node ", i), fmt.Sprint(i), o.now()))
	}
	began := time.Now()
	until(t, "all are sent", func() bool { return len(slow.got()) == 3 })
	if took := time.Since(began); took > time.Minute {
		t.Errorf("what is due now was sent after %s", took)
	}
	until(t, "all is written down", func() bool { return depth(t, d, Done) == 3 })
	if n := slow.count(); n != 3 || slow.twice != nil {
		t.Errorf("3 parcels were sent %d times: %v", n, slow.twice)
	}
}

func depth(t *testing.T, d *migrations.DB, state State) (n int64) {
	t.Helper()
	if err := d.Reader.Model(&record{}).Where("state = ?", state).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// TestOnlyWhereItMay: a node that may not send by a backend claims nothing of it, and believes nothing of it. One that
// may no more gives back what it was sending, and another node sends it as the same parcel.
func TestOnlyWhereItMay(t *testing.T) {
	d := migratest.Open(t, migratest.Postgres(t))
	var holder atomic.Int64
	var connected [2]atomic.Bool
	connected[0].Store(true)
	var nodes [2]*Outbox
	var sinks [2]*fakeBackend
	parcels := make(chan string, 10)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer func() { cancel(); all.Wait() }()
	for i := range nodes {
		nodes[i] = open(d, Config{
			Poll: 50 * time.Millisecond, ProbeFirst: time.Hour, ProbeMost: time.Hour, DatabaseClock: true,
			May: func(backend string) bool { return backend != "mail" || holder.Load() == int64(i) },
		}, time.Now, byte(i))
		sinks[i] = &fakeBackend{answer: func(ctx context.Context, p backends.Parcel) error {
			up := connected[i].Load() // as it was when the send began: the test goes on with the parcel
			parcels <- p.ID
			if !up {
				wait(ctx, time.Second, nil)
				return backends.ErrUnavailable
			}
			return nil
		}}
		all.Go(func() { _ = nodes[i].Run(ctx, map[string]backends.Backend{"mail": sinks[i]}) })
	}
	for i := range 20 {
		add(t, nodes[1], delivery(fmt.Sprint("m", i), fmt.Sprint(i), time.Now()))
		<-parcels
	}
	if n := sinks[1].count(); n != 0 {
		t.Fatalf("a node that may not sent %d parcels", n)
	}
	connected[0].Store(false)
	add(t, nodes[0], delivery("handed over", "x", time.Now()))
	first := <-parcels
	holder.Store(1)
	connected[1].Store(true)
	if again := <-parcels; again != first {
		t.Errorf("the parcel %s was sent again as %s", first, again)
	}
	until(t, "it is sent", func() bool { return len(sinks[1].got()) == 1 })
	for _, c := range nodes[0].Counts() {
		if c.Down {
			t.Error("a node that may not send any more says that the backend is down")
		}
	}
	connected[1].Store(false)
	add(t, nodes[1], delivery("down", "y", time.Now())) // and now it is, until the other node may
	<-parcels
	down := func() bool {
		return slices.ContainsFunc(nodes[1].Counts(), func(c Count) bool { return c.Down })
	}
	until(t, "the breaker is open", down)
	holder.Store(0)
	connected[0].Store(true)
	until(t, "the other node sends it", func() bool { return len(sinks[0].got()) == 21 })
	until(t, "the breaker is forgotten", func() bool { return !down() })
}

// TestDigestOnceOfThreeNodes: what waits for a destination goes as one digest when it falls due, whichever of three
// nodes has added it and however many look.
func TestDigestOnceOfThreeNodes(t *testing.T) {
	const destinations, each = 20, 9
	d := migratest.Open(t, migratest.Postgres(t))
	sink := &fakeBackend{}
	var mu sync.Mutex
	parcels := map[string][]int{} // by address: how many notices each had
	sink.answer = func(_ context.Context, p backends.Parcel) error {
		mu.Lock()
		defer mu.Unlock()
		parcels[p.To] = append(parcels[p.To], len(p.Notices))
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer func() { cancel(); all.Wait() }()
	due := time.Now().Add(time.Hour)
	for i := range 3 {
		o := open(d, Config{Poll: 50 * time.Millisecond, DatabaseClock: true}, time.Now, byte(i))
		all.Go(func() { _ = o.Run(ctx, map[string]backends.Backend{"mail": sink}) })
		for k := range destinations {
			for n := range each / 3 {
				one := delivery(fmt.Sprint(i, "-", n), fmt.Sprint(k), due)
				one.Together = true
				add(t, o, one)
			}
		}
	}
	err := d.Writer.Transaction(func(tx *gorm.DB) error { // the hour is over, now that all is added
		now := stamp(time.Now())
		return errors.Join(tx.Exec("UPDATE deliveries SET due_at = ?", now).Error,
			tx.Exec("UPDATE lanes SET ready_at = ?", now).Error)
	})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "all is sent", func() bool { return depth(t, d, Done) == destinations*each })
	mu.Lock()
	defer mu.Unlock()
	for to, sizes := range parcels {
		if len(sizes) != 1 || sizes[0] != each {
			t.Errorf("%s got digests of %v notices, want one of %d", to, sizes, each)
		}
	}
	if len(parcels) != destinations || sink.twice != nil {
		t.Errorf("%d destinations of %d; %v", len(parcels), destinations, sink.twice)
	}
}
