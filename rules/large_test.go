package rules_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
)

// TestLargeNodes has so many filters under few predicates that nodes are divided, blocks are split and emptied, lists
// of excluded filters become full, and tables grow; and compares with the loop on the way up and down.
func TestLargeNodes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	dir := parseDirectory(t, worldDirectory)
	s := newStory(t, []byte("crowds"), new(tally))
	const most = 20_000
	for round := range 10 {
		var changes []rules.Change
		for range 4_000 {
			f := crowded(random, rulespec.FilterID(random.IntN(most)+1))
			gone := random.IntN(10) < round
			changes = append(changes, rules.Change{Filter: f, Gone: gone})
		}
		for range 5_000 { // cheap ones, enough of the same to fill several blocks
			c := put(most+random.IntN(30_000), fmt.Sprintf("p%d", random.IntN(9000)), rule("app", "name", "git"))
			c.Gone = random.IntN(10) < round-4
			changes = append(changes, c)
		}
		s.change(changes)
		for range 5 {
			s.check(s.event(), dir)
			s.check(s.event(), nil)
		}
	}
	if n := s.plain.Len(); n != len(s.table.by) {
		t.Errorf("Len = %d, want %d", n, len(s.table.by))
	}
}

// crowded draws one of few accesses and residuals and of many owners.
func crowded(random *rand.Rand, id rulespec.FilterID) rulespec.Filter {
	f := rulespec.Filter{ID: id, Owner: fmt.Sprintf("p%d", random.IntN(3000))}
	if random.IntN(3) == 0 {
		f.Owner = people[random.IntN(len(people))]
	}
	switch random.IntN(6) {
	case 0:
		f.Rules = []rulespec.Rule{rule("app", "name", "git"), not(rule("user", "name", rulespec.Me))}
	case 1:
		topic := []string{"*.git.*", "org.?.prod*", "org.x.prod.*"}[random.IntN(3)]
		f.Rules = []rulespec.Rule{
			{Kind: "everything"}, not(rule("user", "name", "alice")), not(rule("topic", "pattern", topic)),
		}
	case 2:
		expression := fmt.Sprintf("push%d|alice", random.IntN(500))
		f.Rules = []rulespec.Rule{rule("app", "name", "wiki"), not(rule("regex", "pattern", expression))}
	case 3:
		expression := fmt.Sprintf("kernel|word%d", random.IntN(4000))
		f.Rules = []rulespec.Rule{rule("regex", "pattern", expression), rule("severity", "least", "info")}
	case 4:
		end := []string{"el", "el-rt", fmt.Sprint(random.IntN(400))}[random.IntN(3)]
		f.Rules = []rulespec.Rule{rule("package", "name", "k*n"+end)}
	case 5:
		f.Rules = []rulespec.Rule{
			rule("owner", "user", rulespec.Me), not(rule("owner", "user", "bob", "dave")), not(rule("group", "name", "g2")),
		}
	}
	return f
}
