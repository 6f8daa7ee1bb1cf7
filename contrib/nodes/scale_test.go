package nodes_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// How the row "scale" is measured: nodes have a bounded share of a processor each, so that database, broker, mail
// server and publisher have what they need on a machine with two, and so many nodes work off so many messages each.

const (
	each       = 1000 // messages for each node that works
	packages   = 60
	mostAtOnce = 3
)

// TestScale measures what one, two and three nodes with one queue deliver.
func TestScale(t *testing.T) {
	if *chosen != "scale" {
		t.Skip("it is played by name only: make nodes ROW=scale")
	}
	if alone != "" {
		t.Skipf("no hosts of their own can be made here: %s", alone)
	}
	w := newWorld(t, mostAtOnce, 0, false)
	makeCrowd(t, w.db1.url("notifyd"))
	limits := make([]*slice, mostAtOnce)
	for i, n := range w.nodes {
		limits[i] = newSlice(t, n.name, *share)
	}
	rates := map[int][]float64{}
	first := 0
	for round := range *rounds {
		for turn := range mostAtOnce {
			k := 1 + turn
			if round%2 == 1 {
				k = mostAtOnce - turn
			}
			m := w.measure(k, first, limits)
			first += k * each
			rates[k] = append(rates[k], m.rate)
			fmt.Println(m)
		}
	}
	fmt.Print(summary(rates))
}

// A measurement is what so many nodes have done.
type measurement struct {
	nodes      int
	rate       float64 // mails a second
	twice      int
	took       time.Duration
	processors map[string]float64 // how much of one each part has used
	sessions   string             // what PostgreSQL's waited for
}

func (m measurement) String() string {
	var parts []string
	for _, name := range []string{"nodes", "PostgreSQL", "RabbitMQ", "test"} {
		parts = append(parts, fmt.Sprintf("%s %.2f (%.2f ms a mail)", name, m.processors[name],
			1000*m.processors[name]/m.rate))
	}
	return fmt.Sprintf("%d nodes: %.0f mails a second for %.1f s, %d twice; processors: %s; sessions of PostgreSQL: %s",
		m.nodes, m.rate, m.took.Seconds(), m.twice, strings.Join(parts, ", "), m.sessions)
}

// measure starts k nodes, publishes as much as fits them at once, and gives the rate between a tenth and nine tenths of
// the mails.
func (w *world) measure(k, first int, limits []*slice) measurement {
	w.t.Helper()
	pids := map[string][]int{"PostgreSQL": {w.db1.pid}, "RabbitMQ": {w.mq.pid}, "test": {1}}
	for i, n := range w.nodes[:k] {
		n.begin()
		n.waitReady()
		limits[i].hold(w.t, n.pid)
		pids["nodes"] = append(pids["nodes"], n.pid)
	}
	before := w.mail.Count()
	messages := k * each
	w.publishAll(first, messages)
	wait := func(mails int) time.Time {
		exectest.Eventually(w.t, 5*time.Minute, fmt.Sprint(mails, " mails"), func() bool {
			return w.mail.Count() >= before+mails
		})
		return time.Now()
	}
	owed := messages * *crowd
	began := wait(owed / 10)
	earlier, stop := usedByAll(pids), w.waits()
	ended := wait(owed - owed/10)
	m := measurement{nodes: k, took: ended.Sub(began), processors: map[string]float64{}, sessions: stop()}
	m.rate = float64(owed-2*(owed/10)) / m.took.Seconds()
	for name, now := range usedByAll(pids) {
		m.processors[name] = (now - earlier[name]).Seconds() / m.took.Seconds()
	}
	wait(owed)
	for _, n := range w.nodes[:k] {
		n.stop()
	}
	m.twice = w.mail.Count() - before - owed
	return m
}

// usedByAll is what each part has used of the processors. The test's own children are parts of their own.
func usedByAll(pids map[string][]int) map[string]time.Duration {
	sums := map[string]time.Duration{}
	all, _ := used()
	for name, roots := range pids {
		for _, pid := range roots {
			if pid == 1 {
				sums[name] += all[1]
			} else {
				sums[name] += usedBy(pid)
			}
		}
	}
	return sums
}

// publishAll publishes messages as fast as the broker takes them.
func (w *world) publishAll(first, count int) {
	w.t.Helper()
	conn, err := dialBroker(w.mq.url())
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	channel, err := conn.Channel()
	if err == nil {
		err = channel.Confirm(false)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	var last []*amqp091.DeferredConfirmation
	for n := first; n < first+count; n++ {
		m := message(n)
		m.Body = fmt.Appendf(nil, `{"n": %d, "subject": %q, "package": "p%d"}`, n, mark(n), n%packages)
		c, err := channel.PublishWithDeferredConfirmWithContext(ctx, "amq.topic", topic, true, false, m)
		if err != nil {
			w.t.Fatal(err)
		}
		last = append(last, c)
	}
	for _, c := range last {
		if ok, err := c.WaitContext(ctx); err != nil || !ok {
			w.t.Fatalf("not confirmed: %v", err)
		}
	}
}

// makeCrowd makes people who each want to hear of one package.
func makeCrowd(t testing.TB, dsn string) {
	t.Helper()
	withPrefs(t, dsn, func(s *prefs.Store) {
		for n := range packages * *crowd {
			user := register(t, s, fmt.Sprint("mia", n), "email", mailAddress(n))
			all, err := s.Filters.List(t.Context(), user)
			if err != nil {
				t.Fatal(err)
			}
			f := all[0]
			f.Rules = []rulespec.Rule{{Kind: "package", Args: rulespec.Args{"name": {fmt.Sprint("p", n%packages)}}}}
			if _, err := s.Filters.Save(t.Context(), user, f); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// summary compares the rates of several nodes with that of one, round by round.
func summary(rates map[int][]float64) string {
	var b strings.Builder
	for k := 1; k <= mostAtOnce; k++ {
		var ratios []float64
		for i, r := range rates[k] {
			ratios = append(ratios, r/rates[1][i])
		}
		fmt.Fprintf(&b, "%d nodes: median %.0f mails a second (%.0f to %.0f), %.2f times one (%.2f to %.2f)\n", k,
			median(rates[k]), slices.Min(rates[k]), slices.Max(rates[k]), median(ratios), slices.Min(ratios),
			slices.Max(ratios))
	}
	return b.String()
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
