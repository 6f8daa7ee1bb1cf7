package zmq

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/bustest"
)

// subscribeAt is the variable by which BenchmarkGateway tells another process of this test where to subscribe, and how
// often.
const subscribeAt = "NOTIFYD_BENCH_SUBSCRIBE"

// BenchmarkGateway hands b.N messages to 1000 subscribers over loopback, 5000 a second at most, and says how many each
// subscriber got in a second, and which part was dropped. The subscribers are another process, which only counts bytes.
func BenchmarkGateway(b *testing.B) {
	const subscribers, rate = 1000, 5000
	g := must[*Gateway](b)(NewGateway(GatewayConfig{Listen: "tcp://127.0.0.1:0"}, quiet()))
	if err := g.Bind(b.Context()); err != nil {
		b.Fatal(err)
	}
	stop := runOutlet(b, g.outlet)
	others := exec.Command(os.Args[0], "-test.run", "^TestSubscribersOfBenchmark$")
	others.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", subscribeAt, subscribers, g.Addr()))
	ask, answers := must[io.WriteCloser](b)(others.StdinPipe()), must[io.ReadCloser](b)(others.StdoutPipe())
	if err := others.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(answers)
	received := func() (bytes int64) {
		fmt.Fprintln(ask)
		if lines.Scan() {
			bytes, _ = strconv.ParseInt(lines.Text(), 10, 64)
		}
		return bytes
	}
	eventually(b, "all have subscribed", func() bool {
		g.publisher.mu.Lock()
		defer g.publisher.mu.Unlock()
		return len(g.publisher.wanted.byPrefix[""]) == subscribers
	})
	f := bustest.Sample(100)
	wire := int64(len(encodeMessage(f.Topic, f.Payload)))
	before := received()
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
	got := received() - before
	for got/wire+dropped() < int64(b.N)*subscribers && time.Since(began) < time.Minute {
		<-tick.C
		got = received() - before
	}
	took := time.Since(began).Seconds()
	b.StopTimer()
	b.ReportMetric(float64(got/wire)/subscribers/took, "messages/s/subscriber")
	b.ReportMetric(float64(dropped())/float64(b.N*subscribers)*100, "%dropped")
	b.ReportMetric(float64(wire), "bytes")
	stop()
	ask.Close()
	if err := others.Wait(); err != nil {
		b.Error(err)
	}
}

// TestSubscribersOfBenchmark is the other process of BenchmarkGateway: for each line of its input it says how many
// bytes all subscribers have read. Otherwise it is no test.
func TestSubscribersOfBenchmark(t *testing.T) {
	number, addr, ok := strings.Cut(os.Getenv(subscribeAt), " ")
	if !ok {
		t.Skip("it is a part of BenchmarkGateway")
	}
	n := must[int](t)(strconv.Atoi(number))
	a := must[address](t)(parseAddress(addr))
	var bytes atomic.Int64
	for range n {
		c, err := a.dial(t.Context(), 20*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.Write(join(greeting(), readyAs("SUB"), part(0, []byte{1})))
		go func() {
			buffer := make([]byte, 64<<10)
			for n, err := c.Read(buffer); err == nil; n, err = c.Read(buffer) {
				bytes.Add(int64(n))
			}
		}()
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Println(bytes.Load())
	}
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
