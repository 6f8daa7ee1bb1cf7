package report

import "time"

// Heavy counts names with a tally that holds at most so many, and gives the first ones with their counts, how many
// messages of others were forgotten, and how many groups it holds.
func Heavy(most int, names []string) (first map[string]int, lost, held int) {
	left := mostValues
	t := newTally(most, &left)
	for _, name := range names {
		t.addValue(t.add(name, time.Time{}), 0, 1, name)
	}
	first = map[string]int{}
	for _, name := range top(t.groups, func(g *group) int { return g.count }, false, 3) {
		first[name] = t.groups[name].count
	}
	return first, t.lost, len(t.groups)
}

// Over gives a title as it is said of a window that is over.
func Over(title string) string { return over(title) }
