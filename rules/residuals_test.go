package rules_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
)

// TestManyResiduals posts filters with hundreds of second rules under few packages: at first each second rule is a
// topic or an application, then some are more than that, then these go again.
func TestManyResiduals(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	for _, most := range []int{60, 1_000, 8_000} {
		x := rules.NewIndexOf(rulespec.Env{}, 2)
		plain := map[rulespec.FilterID]looped{}
		topic := func() string { return fmt.Sprint("org.x.thing", random.IntN(min(most, 300))) }
		for round := range 6 {
			var changes []rules.Change
			for range most / 2 {
				f := rulespec.Filter{ID: rulespec.FilterID(random.IntN(most)), Owner: personName(random.IntN(500))}
				f.Rules = []rulespec.Rule{rule("package", "name", things[random.IntN(3)]), rule("topic", "pattern", topic())}
				switch n := random.IntN(40); {
				case n < 20:
					f.Rules[1] = rule("app", "name", []string{"git", "wiki"}[n%2])
				case n < 22:
					f.Rules = f.Rules[:1]
				case n < 24 && round/2 == 1:
					f.Rules[1].Not = true
				case n < 26 && round/2 == 1:
					f.Rules = append(f.Rules, rule("severity", "least", "info"), not(rule("user", "name", "alice")))
				}
				gone := round > 2 && random.IntN(3) == 0
				if delete(plain, f.ID); !gone {
					plain[f.ID] = newLooped(f)
				}
				changes = append(changes, rules.Change{Filter: f, Gone: gone})
			}
			x.Apply(changes...)
			for range 10 {
				e := newChooser([]byte(fmt.Sprint(random.Uint64()))).event()
				e.Message.Topic = topic()
				var want []rulespec.FilterID
				for id, f := range plain {
					if f.match(&rulespec.Subject{Event: e}) {
						want = append(want, id)
					}
				}
				slices.Sort(want)
				if got := found(x, e, nil); !slices.Equal(got, want) {
					t.Fatalf("of %d filters, round %d: found %d, want %d", len(plain), round, len(got), len(want))
				}
			}
		}
	}
}
