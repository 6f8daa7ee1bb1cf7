package rules_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A worstCase is filters made to be slow.
type worstCase struct {
	name  string
	most  int // filters; 0: as many as asked for
	rules func(i int) []rulespec.Rule
}

func worstCases(w *world) []worstCase {
	hot := rule("app", "name", w.apps[0])
	everything := rulespec.Rule{Kind: "everything"}
	unindexed := func(i int) rulespec.Rule { return rule("regex", "pattern", fmt.Sprintf("[a-z]%%[0-9]{%d}", 2+i%400)) }
	return []worstCase{
		{"everything", 0, func(int) []rulespec.Rule { return []rulespec.Rule{everything} }},
		{"hot-app", 0, func(int) []rulespec.Rule { return []rulespec.Rule{hot} }},
		{"topics-under-not", 0, func(i int) []rulespec.Rule {
			topic := fmt.Sprintf("org.example.prod.%s.thing%d.*", w.apps[0], i%220)
			return []rulespec.Rule{hot, not(rule("topic", "pattern", topic))}
		}},
		{"texts-under-not", 0, func(i int) []rulespec.Rule {
			return []rulespec.Rule{everything, not(rule("regex", "pattern", w.words[i%1000]+"[0-9]"))}
		}},
		{"people-under-not", 0, func(i int) []rulespec.Rule {
			return []rulespec.Rule{hot, not(rule("user", "name", personName(i)))}
		}},
		{"popular-under-not", 0, func(int) []rulespec.Rule {
			return []rulespec.Rule{hot, not(rule("user", "name", personName(0)))}
		}},
		{"no-literal-residual", 400, func(i int) []rulespec.Rule { return []rulespec.Rule{hot, unindexed(i)} }},
	}
}

// BenchmarkWorst is one message against n filters made to be slow, each sort for itself.
func BenchmarkWorst(b *testing.B) {
	w := newWorld(1000)
	events := w.events(64)
	for _, e := range events {
		e.App = w.apps[0]
	}
	for _, c := range worstCases(w) {
		for _, n := range sizes() {
			b.Run(c.name+"/"+strconv.Itoa(n), func(b *testing.B) {
				if c.most > 0 {
					n = min(n, c.most)
				}
				x := indexOf(b, n, c.rules)
				warm(x, events)
				b.Run("find", func(b *testing.B) { benchFind(b, x, events) })
				b.Run("choice", func(b *testing.B) { benchChoice(b, x, events) })
			})
		}
	}
}

func indexOf(b *testing.B, n int, rulesOf func(i int) []rulespec.Rule) *rules.Index {
	x := rules.NewIndex(rulespec.Env{})
	broken, err := x.Load(func(yield func(rulespec.Filter, error) bool) {
		for i := range n {
			f := rulespec.Filter{ID: rulespec.FilterID(i + 1), Owner: personName(i / perPerson), Rules: rulesOf(i)}
			if !yield(f, nil) {
				return
			}
		}
	})
	if err != nil || len(broken) > 0 {
		b.Fatal(broken, err)
	}
	return x
}

// BenchmarkNames is messages about packages that were never seen before, and about ones that were, against n filters of
// the default mix.
func BenchmarkNames(b *testing.B) {
	for _, n := range sizes() {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			w := newWorld(n)
			x := w.index(n, mixes[2].mix)
			warm(x, w.events(2048, 1))
			var r rules.Result
			i := 0
			event := func(i int) *catalogue.Event {
				name := w.packages[i%len(w.packages)] + strconv.Itoa(i)
				return &catalogue.Event{Message: &bus.Message{}, Packages: []string{name}}
			}
			b.Run("new", func(b *testing.B) {
				for b.Loop() {
					x.Find(&r, event(i), nil)
					i++
				}
			})
			b.Run("known", func(b *testing.B) {
				last := max(0, i-64)
				for b.Loop() {
					x.Find(&r, event(last+i%64), nil)
					i++
				}
			})
		})
	}
}

// BenchmarkHugeText is a message with a body of a megabyte against n filters of the default mix: words as they occur,
// and every word that there is.
func BenchmarkHugeText(b *testing.B) {
	for _, n := range sizes() {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			w := newWorld(n)
			x := w.index(n, mixes[2].mix)
			usual := w.events(1024, 3)
			for name, next := range map[string]func(i int) string{
				"words":     func(i int) string { return usual[i%len(usual)].BodyText() },
				"all-words": func(i int) string { return w.words[i%len(w.words)] },
			} {
				var text strings.Builder
				for i := 0; text.Len() < 1<<20; i++ {
					text.WriteString(next(i) + " ")
				}
				e := &catalogue.Event{Message: &bus.Message{Body: map[string]any{"text": text.String()}}}
				e.BodyText()
				warm(x, []*catalogue.Event{e})
				b.Run(name, func(b *testing.B) { benchFind(b, x, []*catalogue.Event{e}) })
			}
		})
	}
}
