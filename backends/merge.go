package backends

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A Group is notices that belong together: one line of a digest.
type Group struct {
	Notices  []Notice // never empty; failures first, then the oldest first; all of one Standing
	Title    string   // the notice's own title, or the sentence about all of them; not cleaned
	Severity string   // the worst
	First    time.Time
	Last     time.Time
}

// Merge puts notices that belong together into groups. Every notice is in one group, most in one of their own. The
// worst groups come first, of equals the one that began first. Marked notices (Provenance) are never in one group with
// others, and come last whatever they claim to be, so that a stranger displaces nobody. What takes back an earlier
// notice comes first: that is ours.
//
// It works like fedmsg's conglomerators: levels are tried from the most particular to the most general, each over all
// notices that are still alone, neighbours or not. The levels are the notices' own keys (without keys, the same
// objects), then the same object in several applications, and then the same kind and actor. Who has a key of its own is
// not joined with others for having no actor either. Account mail stays alone.
func Merge(notices []Notice) []Group {
	keys := make([][]string, len(notices))
	levels := 0
	for i, n := range notices {
		keys[i] = keysOf(n)
		levels = max(levels, len(keys[i]))
	}
	taken := make([]bool, len(notices))
	var groups [][]int
	for level := range levels {
		if level == maxKeys {
			groups = joined(groups, notices, taken)
		}
		for _, members := range together(keys, taken, level) {
			groups = append(groups, members)
			for _, at := range members {
				taken[at] = true
			}
		}
	}
	for i := range notices {
		if !taken[i] {
			groups = append(groups, []int{i})
		}
	}
	lines := make([]Group, len(groups))
	for i, members := range groups {
		group := make([]Notice, len(members))
		for j, at := range members {
			group[j] = notices[at]
		}
		lines[i] = groupOf(group)
	}
	slices.SortStableFunc(lines, func(a, b Group) int {
		return cmp.Or(a.place()-b.place(), cmp.Compare(rank(b.Severity), rank(a.Severity)), a.First.Compare(b.First))
	})
	return lines
}

// joined puts what is still alone, and what was put together by keys of its own, into one group where all of it is
// about the same build, update or commit: a build, its tests and its signatures are one thing.
func joined(groups [][]int, notices []Notice, taken []bool) [][]int {
	units := slices.Clone(groups)
	for i := range notices {
		if !taken[i] {
			units = append(units, []int{i})
		}
	}
	var all [][]int
	index := map[string]int{}
	for _, unit := range units {
		names := namesOf(unit, notices)
		into := len(all)
		if i := slices.IndexFunc(names, func(name string) bool { _, known := index[name]; return known }); i >= 0 {
			into = index[names[i]]
		} else {
			all = append(all, nil)
		}
		for _, name := range names {
			if _, known := index[name]; !known {
				index[name] = into
			}
		}
		all[into] = append(all[into], unit...)
	}
	all = slices.DeleteFunc(all, func(members []int) bool { return len(members) < 2 })
	for _, members := range all {
		for _, at := range members {
			taken[at] = true
		}
	}
	return all
}

// namesOf gives the shared objects that every notice of a unit is about, under their standing.
func namesOf(unit []int, notices []Notice) []string {
	var names []string
	for i, at := range unit {
		var mine []string
		for _, object := range sharedObjects(notices[at]) {
			mine = append(mine, notices[at].Standing+"\x00"+object)
		}
		if i == 0 {
			names = mine
		} else {
			names = slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(mine, name) })
		}
	}
	return names
}

// together gives the sets of notices that are still alone and share their key of a level, each set by positions.
func together(keys [][]string, taken []bool, level int) [][]int {
	var found [][]int
	index := map[string]int{}
	for i, k := range keys {
		if taken[i] || level >= len(k) || k[level] == "" {
			continue
		}
		at, ok := index[k[level]]
		if !ok {
			at = len(found)
			index[k[level]] = at
			found = append(found, nil)
		}
		found[at] = append(found[at], i)
	}
	return slices.DeleteFunc(found, func(members []int) bool { return len(members) < 2 })
}

// maxKeys bounds the keys of a notice that are tried.
const maxKeys = 5

// keysOf gives what a notice may share with others, the most particular first; "" is shared with none.
func keysOf(n Notice) []string {
	if n.Topic == "" {
		return nil
	}
	var keys []string
	declared := false
	for _, k := range n.Grouping.Keys[:min(len(n.Grouping.Keys), maxKeys)] {
		if k != "" {
			k, declared = "declared\x00"+n.App+"\x00"+k, true
		}
		keys = append(keys, k)
	}
	if !declared && len(n.Objects) > 0 && !slices.ContainsFunc(n.Objects, isGap) {
		keys = append(keys[:0], "objects\x00"+n.App+"\x00"+strings.Join(n.Objects, "\x00"))
	}
	for len(keys) < maxKeys { // the last level of all: every particular key is tried before it
		keys = append(keys, "")
	}
	kind := ""
	if n.Kind != "" && (n.Actor != "" || !declared) { // nobody has nothing in common with nobody
		kind = "kind\x00" + n.App + "\x00" + n.Kind + "\x00" + n.Actor
	}
	keys = append(keys, kind)
	if n.Standing != "" {
		for i, k := range keys {
			if k != "" {
				keys[i] = n.Standing + "\x00" + k
			}
		}
	}
	return keys
}

// shared are the sorts of objects that applications call by one name: a build is the same in the build system, its
// tests and its signatures.
var shared = []string{"build/", "update/", "commit/"}

// sharedObjects gives what a notice is about where other applications may tell of it too: the first of its objects, and
// the only build of an update.
func sharedObjects(n Notice) []string {
	var found, builds []string
	for i, o := range n.Objects {
		switch {
		case isGap(o):
		case i == 0 && slices.ContainsFunc(shared, func(sort string) bool { return strings.HasPrefix(o, sort) }):
			found = append(found, o)
		case strings.HasPrefix(o, shared[0]):
			builds = append(builds, o)
		}
	}
	if len(builds) == 1 && len(found) == 1 && strings.HasPrefix(found[0], shared[1]) {
		found = append(found, builds[0])
	}
	return found
}

// isGap reports an object without a name, such as "update/" of a message that does not say which update.
func isGap(object string) bool { return object == "" || strings.HasSuffix(object, "/") }

func groupOf(ns []Notice) Group {
	g := Group{Notices: ns, First: ns[0].Time, Last: ns[0].Time}
	for _, n := range ns {
		if n.Time.Before(g.First) {
			g.First = n.Time
		}
		if n.Time.After(g.Last) {
			g.Last = n.Time
		}
	}
	slices.SortStableFunc(ns, func(a, b Notice) int {
		return cmp.Or(cmp.Compare(rank(b.Severity), rank(a.Severity)), a.Time.Compare(b.Time))
	})
	g.Severity = ns[0].Severity
	g.Title = sentence(ns)
	if len(ns) > 1 {
		g.Title = ns[0].Shown(g.Title) // names are in it
	}
	return g
}

// place orders groups before their severity does.
func (g Group) place() int {
	switch n := g.Notices[0]; {
	case n.Unconfirmed:
		return 0
	case n.Standing != "":
		return 2
	}
	return 1
}

// Links gives the notices' links in the notices' order, each once, at most limit of them.
func (g Group) Links(limit int) []string {
	var links []string
	for _, n := range g.Notices {
		if len(links) < limit && n.Link != "" && !slices.Contains(links, n.Link) {
			links = append(links, n.Link)
		}
	}
	return links
}

// Span is the time from the first to the last notice, in the zone of the first, to the minute:
// "2026-03-04 05:06–05:57 UTC"; "" where no
// notice has a time.
func (g Group) Span() string {
	const day, clock = "2006-01-02", "15:04"
	first, last := g.First, g.Last.In(g.First.Location())
	switch {
	case g.First.IsZero():
		return ""
	case first.Format(day+clock) == last.Format(day+clock):
		return first.Format(day + " " + clock + " MST")
	case first.Format(day) == last.Format(day):
		return first.Format(day+" "+clock) + "–" + last.Format(clock+" MST")
	}
	return first.Format(day+" "+clock) + " – " + last.Format(day+" "+clock+" MST")
}

// rank orders severities; an unknown one is info.
func rank(severity string) int {
	if i := slices.Index([]string{"debug", "info", "warning", "error", "critical"}, severity); i >= 0 {
		return i
	}
	return 1
}

// failure is the least rank of a failure: that of error.
const failure = 3
