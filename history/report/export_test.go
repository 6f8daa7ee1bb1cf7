package report

import (
	"fmt"
	"time"
)

// Heavy counts names with a tally that holds at most so many, and gives the first ones with their counts, how many
// messages of others were forgotten, and how many groups it holds.
func Heavy(most int, names []string) (first map[string]int, lost, held int) {
	left := mostValues
	t := newTally(most, &left)
	for _, name := range names {
		t.addValue(t.add(name, time.Time{}), 0, 1, name)
	}
	first = map[string]int{}
	for _, name := range top(t.groups, func(g *group) int { return g.count }, nil, 3) {
		first[name] = t.groups[name].count
	}
	return first, t.lost, len(t.groups)
}

// Over gives a title as it is said of a window that is over.
func Over(title string) string { return over(title) }

// Changes gives what is said of the change of each name, by tallies that hold at most so many.
func Changes(most int, before, now []string) map[string]string {
	parts := make([]*part, 2)
	for i, names := range [][]string{before, now} {
		left := mostValues
		p := &part{section: &section{group: &value{field: "actor"}, top: most}, tally: newTally(most, &left)}
		for _, name := range names {
			p.tally.add(name, time.Time{})
		}
		parts[i] = p
	}
	r := Result{Compared: true, Finished: true, zone: time.UTC}
	r.Sections = []Section{new(maker).section(parts[1], parts[0])}
	said := map[string]string{}
	for _, row := range r.view().Sections[0].Rows {
		said[row.Name] = row.Change
	}
	return said
}

// CellOf gives the words of a column in which one group has so many values.
func CellOf(values int) string {
	left := mostValues
	t := newTally(1, &left)
	g := t.add("group", time.Time{})
	for i := range values {
		t.addValue(g, 0, 1, fmt.Sprintf("v%03d", i))
	}
	return new(maker).cell(&column{top: 1}, g, 0).words()
}
