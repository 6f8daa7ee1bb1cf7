package suggest

import (
	"cmp"
	"slices"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A candidate is an expression that may stand in a field of an entry, and what it gives for each message.
type candidate struct {
	path  *path
	f     string // the function that reads the path
	rank  int    // how well its name fits: lower is better
	turn  int    // the place of f among the functions that fit
	when  string // a condition under which it counts, "" for none
	names [][]string
}

func (c *candidate) expression() string {
	if c.when != "" {
		return "(" + c.when + ") ? " + c.path.with(c.f) + " : nil"
	}
	return c.path.with(c.f)
}

// first gives the one name for a message, "" for none.
func (c *candidate) first(message int) string { return values.First(slices.Clone(c.names[message])) }

// chain chooses candidates that together give what is wanted of each message, where the first that says something
// counts: a decision list (Rivest, Learning Decision Lists, 1987). In each step it takes the one that is wrong least
// and right most often.
func chain(wanted []string, among []*candidate, most int) (chosen []*candidate) {
	left := map[int]bool{}
	for i, want := range wanted {
		if want != "" {
			left[i] = true
		}
	}
	count := func(c *candidate) (right, wrong int) {
		for i := range left {
			switch c.first(i) {
			case "":
			case wanted[i]:
				right++
			default:
				wrong++
			}
		}
		return right, wrong
	}
	for len(left) > 0 && len(chosen) < most {
		best := bestOf(among, count)
		if best == nil {
			break
		}
		chosen = append(chosen, best)
		for i := range left {
			if best.first(i) != "" {
				delete(left, i)
			}
		}
	}
	return chosen
}

// bestOf gives the candidate that goes first of those that are right more often than wrong, nil where none is.
func bestOf(among []*candidate, count func(*candidate) (right, wrong int)) *candidate {
	var best *candidate
	bestRight, bestWrong := 0, 0
	for _, c := range among {
		right, wrong := count(c)
		if right > wrong && (best == nil || order(c, best, right-bestRight, wrong-bestWrong) < 0) {
			best, bestRight, bestWrong = c, right, wrong
		}
	}
	return best
}

// missedBy lists the messages of which a chain does not find what is wanted.
func missedBy(chain []*candidate, wanted []string) (missed []int) {
	for i, want := range wanted {
		if want != "" && firstOf(chain, i) != want {
			missed = append(missed, i)
		}
	}
	return missed
}

// unnamed is the rank of a candidate that only its values speak for.
const unnamed = 2000

// order says which of two goes first, negative for a: the one that is wrong less often, has a name that says what it
// is, is right more often, has the better name, stands nearer the top.
func order(a, b *candidate, moreRight, moreWrong int) int {
	nameless := func(c *candidate) int {
		if c.rank >= unnamed {
			return 1
		}
		return 0
	}
	return cmp.Or(moreWrong, nameless(a)-nameless(b), -moreRight, cmp.Compare(a.rank, b.rank),
		cmp.Compare(a.turn, b.turn), cmp.Compare(len(a.path.keys), len(b.path.keys)),
		cmp.Compare(a.path.numbered, b.path.numbered))
}

// firstOf gives what a chain gives for a message.
func firstOf(chain []*candidate, message int) string {
	for _, c := range chain {
		if name := c.first(message); name != "" {
			return name
		}
	}
	return ""
}

// cover chooses candidates that together give all the names wanted of each message and as few others as possible. It
// also gives the messages of which one is missing still.
func cover(wanted [][]string, among []*candidate, most int) (chosen []*candidate, missed []int) {
	have := make([]map[string]bool, len(wanted))
	for i := range have {
		have[i] = map[string]bool{}
	}
	gain := func(c *candidate) (right, wrong int) {
		for i, names := range c.names {
			for _, name := range values.Set(slices.Clone(names)) {
				switch {
				case !slices.Contains(wanted[i], name):
					if len(wanted[i]) > 0 || c.rank >= unnamed {
						wrong++
					}
				case !have[i][name]:
					right++
				}
			}
		}
		return right, wrong
	}
	for len(chosen) < most {
		best := bestOf(among, gain)
		if best == nil {
			break
		}
		chosen = append(chosen, best)
		for i, names := range best.names {
			for _, name := range names {
				have[i][values.Name(name)] = true
			}
		}
	}
	for i, names := range wanted {
		if slices.ContainsFunc(names, func(name string) bool { return !have[i][name] }) {
			missed = append(missed, i)
		}
	}
	return chosen, missed
}

// isWrong says whether a candidate finds another name than the one wanted.
func (c *candidate) isWrong(wanted []string) bool {
	for i, want := range wanted {
		if name := c.first(i); name != "" && want != "" && name != want {
			return true
		}
	}
	return false
}

// within says whether a candidate finds something, and only what is wanted.
func (c *candidate) within(wanted [][]string) bool {
	some := false
	for i, names := range c.names {
		for _, name := range names {
			if !slices.Contains(wanted[i], values.Name(name)) {
				return false
			}
			some = true
		}
	}
	return some
}

// sameAs says whether a candidate reads what one of others reads: the same field, or the same object's name.
func sameAs(others []*candidate, c *candidate) bool {
	return slices.ContainsFunc(others, func(o *candidate) bool { return o.path.object() == c.path.object() })
}
