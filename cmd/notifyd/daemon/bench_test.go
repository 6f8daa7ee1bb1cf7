package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/notifyd/notifyd/bus/zmq"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
)

// BenchmarkStream reads all filters from the store, and BenchmarkLoad puts them into an index as well.
func BenchmarkStream(b *testing.B) {
	benchmarkStore(b, func(b *testing.B, s *prefs.Store) int {
		n := 0
		for _, err := range s.Subscriptions.Stream(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		return n
	})
}

func BenchmarkLoad(b *testing.B) {
	benchmarkStore(b, func(b *testing.B, s *prefs.Store) int {
		x := rules.NewIndex(rulespec.Env{})
		if broken, err := x.Load(s.Subscriptions.Stream(b.Context())); err != nil || len(broken) > 0 {
			b.Fatal(broken, err)
		}
		return x.Len()
	})
}

func benchmarkStore(b *testing.B, read func(b *testing.B, s *prefs.Store) int) {
	t := newTown(townFilters(b))
	d, err := migrations.Open(b.Context(), townDatabase(b, t))
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	store := openPrefs(d)
	runtime.GC()
	for b.Loop() {
		if n := read(b, store); n != t.filters {
			b.Fatalf("%d filters, want %d", n, t.filters)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*t.filters), "ns/filter")
}

// inFlight bounds the messages that are published and not yet committed: a socket must not drop any.
const inFlight = 700

// BenchmarkEndToEnd sends b.N messages over a ZeroMQ socket and waits until all are committed to SQLite together with
// their deliveries. The history is on. NOTIFYD_FILTERS is the number of filters. The benchmark reports messages a
// second and the share of the router's time that each step takes.
func BenchmarkEndToEnd(b *testing.B) {
	t := newTown(townFilters(b))
	endToEnd(b, townDatabase(b, t), t.drafts())
}

// endToEnd measures a daemon on the database that is sent these messages, with these lines of configuration below
// "bus:". It returns the messages a second.
func endToEnd(b *testing.B, database string, messages func(i int) (topic string, payload []byte),
	bus ...string) float64 {
	publisher, err := zmq.Bind(b.Context(), "tcp://127.0.0.1:0", zmq.PublisherConfig{}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 2)
	go func() { ended <- publisher.Run(ctx) }()
	path := writeFile(b, b.TempDir(), "notifyd.yaml", "database: {dsn: '"+database+"'}", "web: {listen: ''}",
		"metrics: {listen: ''}",
		"outbox: {cap: 0}", "bus:", "  zmq: {endpoints: {town: '"+publisher.Addr()+"'}}", strings.Join(bus, "\n"))
	f, err := config.Read(path, nil)
	if err != nil {
		b.Fatal(err)
	}
	log := &exectest.Log{} // not on standard error: it would stand within the figures
	b.Cleanup(func() {
		if b.Failed() {
			b.Log(log)
		}
	})
	s, err := Open(ctx, f, Env{Now: time.Now, Stderr: log, Version: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	go func() { ended <- s.Run(ctx) }()
	if err := publisher.WaitSubscribed(ctx, "org.example.prod.git.receive"); err != nil {
		b.Fatal(err)
	}
	send := sender(b, messages, publisher, s)
	send(200) // the filters are read with the first message
	before := benchFigures(s)
	b.ResetTimer()
	send(b.N)
	b.StopTimer()
	after := benchFigures(s)
	reportSteps(b, before, after)
	stop()
	for range 2 {
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Error(err)
	}
	return (after["messages"] - before["messages"]) / b.Elapsed().Seconds()
}

// drafts returns a function that makes messages, each with an id of its own.
func (t *town) drafts() func(i int) (topic string, payload []byte) {
	random := rand.New(rand.NewPCG(31, 32))
	type draft struct{ topic, before, after string }
	drafts := make([]draft, 3000)
	for i := range drafts {
		d := &drafts[i]
		d.topic, d.before, d.after = t.message(random)
	}
	return func(i int) (string, []byte) {
		d := drafts[i%len(drafts)]
		return d.topic, fmt.Appendf(nil, "%s2026-%09d%s", d.before, i, d.after)
	}
}

// sender returns a function that publishes n messages and waits until they are committed.
func sender(b *testing.B, messages func(int) (string, []byte), publisher *zmq.Publisher, s *Service) func(n int) {
	sent := 0
	tick := time.NewTicker(time.Millisecond)
	return func(n int) {
		deadline := time.Now().Add(10 * time.Minute)
		for goal := sent + n; ; {
			done := int(counted(s.metrics.messages))
			for sent < goal && sent-done < inFlight {
				topic, payload := messages(sent)
				sent++
				if _, err := publisher.Publish(topic, payload); err != nil {
					b.Fatal(err)
				}
			}
			if done == goal {
				return
			}
			if time.Now().After(deadline) {
				b.Fatalf("%d of %d messages are committed", done, goal)
			}
			<-tick.C
		}
	}
}

// benchFigures are the seconds of each step, and the counters.
func benchFigures(s *Service) map[string]float64 {
	figures := map[string]float64{"messages": counted(s.metrics.messages), "owed": counted(s.metrics.matches)}
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) == nil {
		figures["cpu"] = float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
	}
	for _, step := range routePhases {
		var m dto.Metric
		if err := s.metrics.routeSeconds.WithLabelValues(step).(interface{ Write(*dto.Metric) error }).Write(&m); err == nil {
			figures[step] = m.GetHistogram().GetSampleSum()
		}
	}
	return figures
}

func counted(c interface{ Write(*dto.Metric) error }) float64 {
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		return 0
	}
	return m.GetCounter().GetValue()
}

func reportSteps(b *testing.B, before, after map[string]float64) {
	spent := func(what string) float64 { return after[what] - before[what] }
	messages, sum := spent("messages"), 0.0
	for _, step := range routePhases {
		sum += spent(step)
	}
	b.ReportMetric(messages/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(1e6*spent("cpu")/messages, "cpu-µs/msg") // the benchmark's own sending is in it
	b.ReportMetric(spent("owed")/messages, "owed/msg")
	b.ReportMetric(100*sum/b.Elapsed().Seconds(), "%router-busy")
	steps := slices.Clone(routePhases)
	slices.SortFunc(steps, func(x, y string) int { return int(1e9 * (spent(y) - spent(x))) })
	text := ""
	for _, step := range steps {
		text += fmt.Sprintf("\n%-14s %8.1f us a message %5.1f %%", step, 1e6*spent(step)/messages, 100*spent(step)/sum)
	}
	if b.N > 1 { // the testing package begins with one
		b.Log(text)
	}
}
