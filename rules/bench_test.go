package rules_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// BenchmarkMatch is the loop on a mix as people have it: most filters name a package, a person or an ownership, some a
// kind, a pattern or a text. One operation is one message.
func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, uint64(n)))
			filters := make([]rulespec.Filter, n)
			for i := range filters {
				filters[i] = mixedFilter(random, i)
			}
			m, broken := rules.Compile(filters)
			if len(broken) > 0 {
				b.Fatal(broken[0].Err)
			}
			dir := parseDirectoryB(b)
			hits := 0
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				hits += len(m.Match(mixedEvent(random, i), dir))
			}
			b.ReportMetric(float64(hits)/float64(b.N), "hits/op")
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	filters := make([]rulespec.Filter, 10_000)
	for i := range filters {
		filters[i] = mixedFilter(random, i)
	}
	b.ReportAllocs()
	for b.Loop() {
		rules.Compile(filters)
	}
}

func mixedFilter(random *rand.Rand, i int) rulespec.Filter {
	pkg := fmt.Sprintf("package%05d", random.IntN(20_000))
	person := fmt.Sprintf("person%d", random.IntN(5_000))
	f := rulespec.Filter{ID: rulespec.FilterID(i + 1), Owner: person}
	switch random.IntN(10) {
	case 0, 1, 2:
		f.Rules = []rulespec.Rule{rule("package", "name", pkg), not(rule("actor", "name", "@me"))}
	case 3, 4:
		f.Rules = []rulespec.Rule{rule("user", "name", "@me"), not(rule("actor", "name", "@me"))}
	case 5, 6:
		f.Rules = []rulespec.Rule{rule("owner", "user", "@me"), rule("app", "name", fmt.Sprintf("app%d", random.IntN(40)))}
	case 7:
		f.Rules = []rulespec.Rule{rule("kind", "name", fmt.Sprintf("app%d.done", random.IntN(40))), rule("severity", "least", "error")}
	case 8:
		f.Rules = []rulespec.Rule{rule("package", "name", pkg[:10]+"*")}
	case 9:
		f.Rules = []rulespec.Rule{rule("regex", "pattern", `word`+pkg+`\b`)}
	}
	return f
}

func mixedEvent(random *rand.Rand, i int) *catalogue.Event {
	app := random.IntN(40)
	person := fmt.Sprintf("person%d", random.IntN(5_000))
	e := &catalogue.Event{
		Message: &bus.Message{Topic: fmt.Sprintf("org.example.prod.app%d.done", app), Body: map[string]any{"n": i, "text": benchText}},
		App:     fmt.Sprintf("app%d", app), Kind: fmt.Sprintf("app%d.done", app),
		Actor: person, Users: []string{person}, Packages: []string{fmt.Sprintf("package%05d", random.IntN(20_000))},
		Severity: catalogue.Info,
	}
	e.SetProse(catalogue.Prose{Summary: person + " did something with a package"})
	return e
}

var benchText = func() string {
	random := rand.New(rand.NewPCG(3, 4))
	text := ""
	for len(text) < 2_500 {
		text += fmt.Sprintf("word%d ", random.IntN(1000))
	}
	return text
}()
