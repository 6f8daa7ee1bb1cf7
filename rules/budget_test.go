package rules_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// telling is an event with a summary and nothing else.
func telling(summary string) *catalogue.Event {
	e := &catalogue.Event{Message: &bus.Message{}}
	e.SetProse(catalogue.Prose{Summary: summary})
	return e
}

func matched(x *rules.Index, e *catalogue.Event) []rulespec.FilterID {
	var r rules.Result
	x.Find(&r, e, nil)
	ids := r.AppendTo(nil)
	slices.Sort(ids)
	return ids
}

// manyStates has more states than a machine has room for.
const costly = `kernel(?:[ab])*a[ab]{14}(?:c|$)`

func manyStatesText(random *rand.Rand) string {
	var b strings.Builder
	b.WriteString("kernel")
	for range 30_000 {
		b.WriteByte("ab"[random.IntN(2)])
	}
	return b.String() + "a" + strings.Repeat("b", 14)
}

// TestExpensive has one filter that costs more than all may, and others that are asked about the same message.
func TestExpensive(t *testing.T) {
	everything := rulespec.Rule{Kind: "everything"}
	filters := [][]rulespec.Rule{
		{rule("regex", "pattern", costly)},
		{everything, not(rule("regex", "pattern", costly))},
		{everything, rule("regex", "pattern", costly)},
		{rule("regex", "pattern", "kernel.*b")},
		{everything, not(rule("regex", "pattern", "kernel[xy].*b"))},
		{rule("regex", "pattern", "[ab]{40}"), everything},
		{everything},
	}
	x := rules.NewIndex(rulespec.Env{})
	put := func(at int) {
		x.Apply(rules.Change{Filter: rulespec.Filter{ID: rulespec.FilterID(at + 1), Owner: "alice", Rules: filters[at]}})
	}
	for i := range filters {
		put(i)
	}
	e := telling(manyStatesText(rand.New(rand.NewPCG(1, 2))))
	want := []rulespec.FilterID{1, 3, 4, 5, 6, 7}
	if got := matched(x, e); !slices.Equal(got, want) || x.Skipped() != 0 || x.TakeExpensive() != nil {
		t.Fatalf("with room: %v, want %v; %d skipped", got, want, x.Skipped())
	}
	x.SetSteps(600 << 10)
	want = []rulespec.FilterID{4, 5, 6, 7}
	if got := matched(x, e); !slices.Equal(got, want) || x.Skipped() == 0 {
		t.Fatalf("without room: %v, want %v; %d skipped", got, want, x.Skipped())
	}
	found := x.TakeExpensive()
	slices.SortFunc(found, func(a, b rules.Expensive) int { return int(a.Filter) - int(b.Filter) })
	if len(found) != 3 || found[0].Filter != 1 || found[1].Filter != 2 || found[2].Filter != 3 ||
		found[0].Steps < 600<<10 {
		t.Fatalf("expensive: %v", found)
	}
	if again := x.TakeExpensive(); again != nil {
		t.Errorf("given twice: %v", again)
	}
	skipped := x.Skipped()
	if got := matched(x, telling("kernelaaaaaaaaaaaaaaaac")); !slices.Equal(got, []rulespec.FilterID{5, 7}) {
		t.Errorf("refused: %v match", got)
	}
	if x.Skipped() != skipped {
		t.Errorf("a refused search counts as skipped")
	}
	x.SetSteps(rules.MessageSteps)
	put(0)
	if got := matched(x, e); !slices.Equal(got, []rulespec.FilterID{1, 3, 4, 5, 6, 7}) {
		t.Errorf("stored again: %v", got)
	}
}

// TestNobodyIsToBlame has a message that costs more than all searches may take, of which none takes much.
func TestNobodyIsToBlame(t *testing.T) {
	x := rules.NewIndex(rulespec.Env{})
	const many = 60
	for i := range many {
		x.Apply(put(i+1, "", rule("regex", "pattern", fmt.Sprintf("kernel.*[^a-z]{%d}z", i+2))))
	}
	x.SetSteps(1 << 20)
	e := telling("kernel" + strings.Repeat(" words", 10_000) + " 17")
	matched(x, e)
	if x.Skipped() == 0 || x.Skipped() >= many {
		t.Errorf("%d searches skipped", x.Skipped())
	}
	if found := x.TakeExpensive(); found != nil {
		t.Errorf("to blame: %v", found)
	}
}

// TestProgramsHaveRoom matches with so little room for programs that they are compiled again and again.
func TestProgramsHaveRoom(t *testing.T) {
	x := rules.NewIndexWithin(20 << 10)
	random := rand.New(rand.NewPCG(3, 4))
	const many = 600
	for i := range many {
		x.Apply(rules.Change{Filter: rulespec.Filter{
			ID: rulespec.FilterID(i + 1), Rules: []rulespec.Rule{rule("regex", "pattern", fmt.Sprintf("word%03d-+[xy]", i))},
		}})
	}
	for range 300 {
		var words []string
		var want []rulespec.FilterID
		for range 20 {
			i := random.IntN(many)
			word := fmt.Sprintf("word%03d--", i)
			if random.IntN(2) == 0 {
				word += "x"
				want = append(want, rulespec.FilterID(i+1))
			}
			words = append(words, word)
		}
		slices.Sort(want)
		want = slices.Compact(want)
		if got := matched(x, telling(strings.Join(words, " "))); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		if n := x.ProgramBytes(); n > 24<<10 || n < 1<<10 {
			t.Fatalf("the programs take %d bytes", n)
		}
	}
}
