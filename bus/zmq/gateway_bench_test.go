package zmq

import (
	"bufio"
	"context"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/bustest"
)

// BenchmarkGateway hands b.N messages to 1000 subscribers over loopback, 5000 a second at most, and says how many each
// subscriber got in a second, and which part was dropped. The subscribers are in the same process.
func BenchmarkGateway(b *testing.B) {
	const subscribers, rate = 1000, 5000
	g := must[*Gateway](b)(NewGateway(GatewayConfig{Listen: "tcp://127.0.0.1:0"}, quiet()))
	if err := g.Bind(b.Context()); err != nil {
		b.Fatal(err)
	}
	stop := runOutlet(b, g.outlet)
	var bytes atomic.Int64
	var all sync.WaitGroup
	var conns []io.Closer
	for range subscribers {
		c := dialIn(b, g.publisher, join(greeting(), readyAs("SUB"), part(0, []byte{1})))
		conns = append(conns, c)
		all.Go(func() {
			r, buffer := bufio.NewReader(c), make([]byte, 64<<10)
			for n, err := r.Read(buffer); err == nil; n, err = r.Read(buffer) {
				bytes.Add(int64(n))
			}
		})
	}
	eventually(b, "all have subscribed", func() bool {
		g.publisher.mu.Lock()
		defer g.publisher.mu.Unlock()
		return len(g.publisher.wanted.byPrefix[""]) == subscribers
	})
	f := bustest.Sample(100)
	wire := int64(len(encodeMessage(f.Topic, f.Payload)))
	bytes.Store(0)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	b.ResetTimer()
	began := time.Now()
	for sent := 0; sent < b.N; <-tick.C {
		for due := min(b.N, int(time.Since(began).Seconds()*rate)); sent < due; sent++ {
			g.Publish(f)
		}
	}
	dropped := func() int64 { d := g.figures().Dropped; return int64(d[bus.DroppedFull]) }
	for bytes.Load()/wire+dropped() < int64(b.N)*subscribers && time.Since(began) < time.Minute {
		<-tick.C
	}
	took := time.Since(began).Seconds()
	b.StopTimer()
	b.ReportMetric(float64(bytes.Load()/wire)/subscribers/took, "messages/s/subscriber")
	b.ReportMetric(float64(dropped())/float64(b.N*subscribers)*100, "%dropped")
	b.ReportMetric(float64(wire), "bytes")
	stop()
	for _, c := range conns {
		c.Close()
	}
	all.Wait()
}

// runOutlet runs an outlet until stop is called.
func runOutlet(t testing.TB, o *outlet) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	eventually(t, "it runs", func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.running
	})
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
