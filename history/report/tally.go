package report

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A tally counts groups. It holds at most a number of them: beyond it the smaller half is forgotten, so that the counts
// of the groups that stay are lower bounds (lossy counting).
type tally struct {
	most    int
	groups  map[string]*group
	lost    int  // messages of groups that were forgotten
	inexact bool // some were forgotten
	values  *int // how many values the columns of all tallies may still hold
}

// A group is what is known of the messages with one value.
type group struct {
	count       int
	first, last time.Time
	columns     []map[string]int
	unkept      bool // some values of the columns were not kept
}

func newTally(most int, values *int) *tally {
	return &tally{most: most, groups: map[string]*group{}, values: values}
}

// add counts a message for a group, and gives it.
func (t *tally) add(key string, at time.Time) *group {
	g := t.groups[key]
	if g == nil {
		if len(t.groups) >= t.most {
			t.forget()
		}
		g = &group{first: at, last: at}
		t.groups[strings.Clone(key)] = g
	}
	g.count++
	if at.Before(g.first) {
		g.first = at
	}
	if at.After(g.last) {
		g.last = at
	}
	return g
}

// forget deletes the smaller half of the groups.
func (t *tally) forget() {
	counts := make([]int, 0, len(t.groups))
	for _, g := range t.groups {
		counts = append(counts, g.count)
	}
	slices.Sort(counts)
	middle := counts[len(counts)/2]
	for key, g := range t.groups {
		if g.count <= middle {
			t.lost += g.count
			for _, c := range g.columns {
				*t.values += len(c)
			}
			delete(t.groups, key)
		}
	}
	t.inexact = true
}

// addValue counts a value in a column of a group.
func (t *tally) addValue(g *group, column, columns int, value string) {
	if g.columns == nil {
		g.columns = make([]map[string]int, columns)
	}
	c := g.columns[column]
	if c == nil {
		c = map[string]int{}
		g.columns[column] = c
	}
	if _, have := c[value]; !have {
		if len(c) >= mostPerCell || *t.values <= 0 {
			g.unkept = true
			return
		}
		*t.values--
		value = strings.Clone(value)
	}
	c[value]++
}

// top gives the first names of a map, in an order, or by count where that is nil.
func top[V any](m map[string]V, count func(V) int, order func(a, b string) int, most int) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if order != nil {
			return cmp.Or(order(a, b), strings.Compare(a, b))
		}
		return cmp.Or(cmp.Compare(count(m[b]), count(m[a])), strings.Compare(a, b))
	})
	return names[:min(len(names), most)]
}
