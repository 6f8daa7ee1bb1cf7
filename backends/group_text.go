package backends

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
)

// The bounds on the sentence about a group.
const (
	maxSentence = 300      // runes
	maxName     = 80       // runes of one value
	maxSeries   = 3        // values shown
	maxNumber   = 1 << 40  // of one value that is added up
	maxLine     = 16 << 10 // bytes of a text that are looked at for its first line
)

// sentence says in one line what several notices say. A single one keeps its own title.
func sentence(ns []Notice) string {
	if len(ns) == 1 {
		return ns[0].Title
	}
	oldest := slices.MinFunc(ns, func(a, b Notice) int { return a.Time.Compare(b.Time) })
	if ofOneKind(ns) || !slices.ContainsFunc(ns, func(n Notice) bool { return len(n.Grouping.Keys) == 0 }) {
		if s := strings.TrimSpace(fillIn(oldest.Grouping.Template, ns)); s != "" {
			return text.ElideRunes(s, maxSentence)
		}
	}
	if !slices.ContainsFunc(ns, func(n Notice) bool { return n.Title != ns[0].Title }) {
		return ns[0].Title
	}
	return text.ElideRunes(conventional(ns), maxSentence)
}

func ofOneKind(ns []Notice) bool {
	return !slices.ContainsFunc(ns, func(n Notice) bool { return n.Kind != ns[0].Kind })
}

// valuesOf gives every value of a name, repeated ones too. count and failures have one value for each notice that
// counts.
func valuesOf(name string, ns []Notice) []string {
	var all []string
	for _, n := range ns {
		switch name {
		case "count":
			all = append(all, n.ID)
		case "failures":
			if rank(n.Severity) >= failure {
				all = append(all, n.ID)
			}
		case "actors":
			if n.Actor != "" {
				all = append(all, n.Actor)
			}
		case "users":
			all = append(all, n.Users...)
		case "packages":
			all = append(all, n.Packages...)
		case "objects":
			all = append(all, n.Objects...)
		default:
			all = append(all, n.Grouping.Values[name]...)
		}
	}
	return all
}

// number gives the number that a part shows: a sum, or how many different values there are.
func number(p DigestPart, values []string) int {
	if p.Name == "count" || p.Name == "failures" {
		return len(values)
	}
	if !p.Sum {
		return len(unique(values))
	}
	sum := 0
	for _, v := range values {
		if n, err := strconv.Atoi(v); err == nil {
			sum += min(max(n, -maxNumber), maxNumber)
		}
	}
	return sum
}

// series writes a set of names, sorted, each once: "a", "a and b", "a, b and c". Of more than three it writes the first
// two and how many others there are: "a, b and 4 others".
func series(names []string) string {
	names = unique(names)
	if more := len(names) - maxSeries + 1; more > 1 {
		names = append(names[:maxSeries-1:maxSeries-1], fmt.Sprintf("%d others", more))
	}
	for i, name := range names {
		names[i] = text.ElideRunes(name, maxName)
	}
	return text.Series(names, "and")
}

func unique(values []string) []string {
	values = slices.Clone(values)
	slices.Sort(values)
	return slices.Compact(values)
}

// conventional is the sentence about notices without a template: "Finished builds by carol: bash".
func conventional(ns []Notice) string {
	if !ofOneKind(ns) {
		return ofSeveralKinds(ns)
	}
	s := kindOf(ns[0])
	if actors := series(valuesOf("actors", ns)); actors != "" {
		s += " by " + actors
	}
	packages, thing := series(valuesOf("packages", ns)), thingOf(ns)
	switch {
	case packages == "":
		packages = thing
	case thing != "" && !strings.Contains(thing, packages):
		packages += " (" + thing + ")"
	case thing != "":
		packages = thing
	}
	if packages != "" {
		s += ": " + packages
	}
	return s
}

// thingOf names the object that all notices are first of all about: infra#231 of "ticket/infra/231", tea-1.0-1 of
// "build/tea-1.0-1"; "" where they are about several.
func thingOf(ns []Notice) string {
	if slices.ContainsFunc(ns, func(n Notice) bool { return len(n.Objects) == 0 || n.Objects[0] != ns[0].Objects[0] }) {
		return ""
	}
	sort, rest, divided := strings.Cut(ns[0].Objects[0], "/")
	if !divided || strings.Contains(rest, "://") {
		return ""
	}
	at := strings.LastIndexByte(rest, '/') + 1
	if _, err := strconv.Atoi(rest[at:]); err != nil {
		return text.ElideRunes(rest, maxName)
	}
	if at == 0 {
		return sort + " " + rest
	}
	return text.ElideRunes(rest[:at-1]+"#"+rest[at:], maxName)
}

// ofSeveralKinds gives the worst and latest of the notices, and what else there was: "bob asked for changes; also
// Comments on updates (2) by alice".
func ofSeveralKinds(ns []Notice) string {
	head := 0
	for i, n := range ns {
		if cmp.Or(cmp.Compare(rank(n.Severity), rank(ns[head].Severity)), n.Time.Compare(ns[head].Time)) >= 0 {
			head = i
		}
	}
	count := map[string]int{}
	rest := slices.Delete(slices.Clone(ns), head, head+1)
	for _, n := range rest {
		count[kindOf(n)]++
	}
	var others []string
	for kind, n := range count {
		others = append(others, fmt.Sprintf("%s (%d)", kind, n))
	}
	s := strings.TrimSuffix(text.ElideRunes(firstLine(ns[head]), maxSentence/2), ".") + "; also " + series(others)
	if actors := series(valuesOf("actors", rest)); actors != "" {
		s += " by " + actors
	}
	return s
}

func kindOf(n Notice) string { return text.ElideRunes(cmp.Or(n.KindName, n.Kind), maxName) }

// firstLine is the first line of the notice's text, or its title.
func firstLine(n Notice) string {
	for line := range strings.Lines(text.CutBytes(n.Text, maxLine)) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return n.Title
}
