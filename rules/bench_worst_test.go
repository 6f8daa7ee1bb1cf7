package rules_test

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// BenchmarkWorst is one message against n filters made to be slow, each sort for itself.
func BenchmarkWorst(b *testing.B) {
	w := newWorld(1000)
	git := rule("app", "name", w.apps[0])
	everything := rulespec.Rule{Kind: "everything"}
	for _, sort := range []struct {
		name  string
		rules func(i int) []rulespec.Rule
	}{
		{"everything", func(int) []rulespec.Rule { return []rulespec.Rule{everything} }},
		{"hot-app", func(int) []rulespec.Rule { return []rulespec.Rule{git} }},
		{"topics-under-not", func(i int) []rulespec.Rule {
			return []rulespec.Rule{git, not(rule("topic", "pattern", fmt.Sprintf("org.example.prod.%s.thing%d.*", w.apps[0], i%220)))}
		}},
		{"texts-under-not", func(i int) []rulespec.Rule {
			return []rulespec.Rule{everything, not(rule("regex", "pattern", w.words[i%1000]+"[0-9]"))}
		}},
		{"people-under-not", func(i int) []rulespec.Rule {
			return []rulespec.Rule{git, not(rule("user", "name", personName(i)))}
		}},
		{"popular-under-not", func(int) []rulespec.Rule {
			return []rulespec.Rule{git, not(rule("user", "name", personName(0)))}
		}},
		{"no-literal", func(i int) []rulespec.Rule {
			return []rulespec.Rule{rule("regex", "pattern", fmt.Sprintf("[a-z]%%[0-9]{%d}", 2+i%400))}
		}},
	} {
		for _, n := range sizes() {
			b.Run(sort.name+"/"+strconv.Itoa(n), func(b *testing.B) {
				if sort.name == "no-literal" {
					n = min(n, 400)
				}
				x := indexOf(n, sort.rules)
				events := w.events(64)
				for _, e := range events {
					e.App = w.apps[0]
				}
				benchFind(b, x, events)
			})
		}
	}
}

func indexOf(n int, rulesOf func(i int) []rulespec.Rule) *rules.Index {
	x := rules.NewIndex(rulespec.Env{})
	changes := make([]rules.Change, n)
	for i := range changes {
		changes[i].Filter = rulespec.Filter{ID: rulespec.FilterID(i + 1), Owner: personName(i / perPerson), Rules: rulesOf(i)}
	}
	x.Apply(changes...)
	return x
}

// benchFind measures finding, and beside it choosing one filter for each owner.
func benchFind(b *testing.B, x *rules.Index, events []*catalogue.Event) {
	b.Helper()
	var r rules.Result
	for _, e := range events {
		x.Find(&r, e, nil)
	}
	runtime.GC()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		x.Find(&r, events[i%len(events)], nil)
	}
	matches, chosen := 0, 0
	var spent time.Duration
	for _, e := range events[:min(256, len(events))] {
		x.Find(&r, e, nil)
		start := time.Now()
		for range r.OneEach {
			chosen++
		}
		spent += time.Since(start)
		matches += r.Len()
	}
	b.ReportMetric(float64(matches)/float64(min(256, len(events))), "matches/op")
	b.ReportMetric(float64(spent.Nanoseconds())/float64(max(1, matches)), "ns/choice")
}

// BenchmarkNewName is a package that was never seen, against n filters of the default mix.
func BenchmarkNewName(b *testing.B) {
	for _, n := range sizes() {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			w := newWorld(n)
			x := w.index(n, mix{60, 20, 10, 10})
			var r rules.Result
			for i := 0; b.Loop(); i++ {
				name := w.packages[i%len(w.packages)]
				e := &catalogue.Event{Message: &bus.Message{}, Packages: []string{name + strconv.Itoa(i)}}
				x.Find(&r, e, nil)
			}
		})
	}
}

// BenchmarkHugeText is a message with a body of a megabyte, against n filters of the default mix.
func BenchmarkHugeText(b *testing.B) {
	for _, n := range sizes() {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			w := newWorld(n)
			x := w.index(n, mixes[2].mix)
			var text strings.Builder
			for i := 0; text.Len() < 1<<20; i++ {
				text.WriteString(w.words[i%len(w.words)] + " ")
			}
			e := &catalogue.Event{Message: &bus.Message{Body: map[string]any{"text": text.String()}}}
			e.BodyText()
			benchFind(b, x, []*catalogue.Event{e})
		})
	}
}

// BenchmarkChange is one Apply of one change, and of ten, while another goroutine matches all the time. A change is
// visible when Apply returns.
func BenchmarkChange(b *testing.B) {
	for _, n := range sizes() {
		for _, batch := range []int{1, 10} {
			b.Run(fmt.Sprintf("%d/batch-%d", n, batch), func(b *testing.B) { benchChange(b, n, batch) })
		}
	}
}

func benchChange(b *testing.B, n, batch int) {
	w := newWorld(n)
	x := w.index(n, mixes[2].mix)
	events := w.events(512)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		var r rules.Result
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				x.Find(&r, events[i%len(events)], nil)
			}
		}
	}()
	var fresh []rulespec.Filter
	w.filters(10_000, mixes[2].mix, func(f rulespec.Filter) { fresh = append(fresh, f) })
	changes := make([]rules.Change, batch)
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		for j := range changes {
			f := fresh[(i*batch+j)%len(fresh)]
			f.ID = rulespec.FilterID((i*batch+j)*7919%n + 1)
			changes[j].Filter = f
		}
		start := time.Now()
		x.Apply(changes...)
		took = append(took, time.Since(start))
	}
	close(stop)
	<-stopped
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-median")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs-p99")
}
