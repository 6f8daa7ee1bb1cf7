package outbox

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// each runs f on a fresh database of each dialect. SQLite flushes each commit to the disk, as in earnest; the
// test's PostgreSQL does not.
func each(b *testing.B, f func(b *testing.B, o *Outbox)) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": migratest.SQLite,
		"postgres": migratest.Postgres} {
		b.Run(name, func(b *testing.B) {
			d, err := migrations.Open(b.Context(), dsn(b))
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			f(b, open(d, Config{}, time.Now, 1))
		})
	}
}

// fill adds n deliveries for so many destinations, in batches.
func fill(b *testing.B, o *Outbox, n, destinations, batch int) {
	for from := 0; from < n; from += batch {
		var ds []Delivery
		for i := from; i < min(from+batch, n); i++ {
			d := delivery(fmt.Sprint("m", i/destinations), fmt.Sprint(i%destinations), time.Now())
			d.Notice.Text = "alice updated the package golang-example to 1.2.3 and wrote a sentence or two on what " +
				"has changed in it"
			ds = append(ds, d)
		}
		if err := o.writer.Transaction(func(tx *gorm.DB) error { _, err := o.Add(tx, ds); return err }); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAdd: one operation is one delivery.
func BenchmarkAdd(b *testing.B) {
	for _, batch := range []int{1, 10, 200} {
		b.Run(fmt.Sprint("batch", batch), func(b *testing.B) {
			each(b, func(b *testing.B, o *Outbox) {
				fill(b, o, b.N, 5000, batch)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
			})
		})
	}
}

// BenchmarkSend: one operation is one delivery that Run claims, sends to a backend that takes it at once, and
// completes.
func BenchmarkSend(b *testing.B) {
	each(b, func(b *testing.B, o *Outbox) {
		o.cfg.Workers = 64
		fill(b, o, b.N, max(b.N/4, 1), 200)
		sink := &fakeBackend{answer: takes}
		b.ResetTimer()
		ended := make(chan error, 1)
		ctx, cancel := context.WithCancel(b.Context())
		go func() { ended <- o.Run(ctx, map[string]backends.Backend{"mail": sink}) }()
		until(b, "everything is sent", func() bool { return len(sink.got()) == b.N })
		cancel()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
	})
}

// BenchmarkNodes: one operation is one delivery that one of the nodes on one PostgreSQL database sends to a backend
// that takes a millisecond. Nodes share this machine.
func BenchmarkNodes(b *testing.B) {
	for _, nodes := range []int{1, 3} {
		b.Run(fmt.Sprint(nodes), func(b *testing.B) {
			d, err := migrations.Open(b.Context(), migratest.Postgres(b))
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			sink := &fakeBackend{answer: func(context.Context, backends.Parcel) error {
				<-time.After(time.Millisecond)
				return nil
			}}
			fill(b, open(d, Config{}, time.Now, 1), b.N, b.N, 200)
			b.ResetTimer()
			ctx, cancel := context.WithCancel(b.Context())
			var running sync.WaitGroup
			for i := range nodes {
				o := open(d, Config{Workers: 32, DatabaseClock: true}, time.Now, byte(2+i))
				running.Go(func() { _ = o.Run(ctx, map[string]backends.Backend{"mail": sink}) })
			}
			until(b, "everything is sent", func() bool { return len(sink.got()) >= b.N })
			b.StopTimer()
			cancel()
			running.Wait()
			if got := len(sink.got()); got != b.N || sink.twice != nil {
				b.Errorf("%d sent of %d: %v", got, b.N, sink.twice)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}
