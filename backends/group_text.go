package backends

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

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
	if ofOneKind(ns) || !slices.ContainsFunc(ns, func(n Notice) bool {
		return n.App != oldest.App || !slices.Equal(n.Grouping.Template, oldest.Grouping.Template)
	}) {
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
	if s := told(ns); s != "" {
		return s
	}
	if !ofOneKind(ns) || isNameless(ns[0]) {
		return ofSeveralKinds(ns)
	}
	s := kindOf(ns[0])
	if actors := series(valuesOf("actors", ns)); actors != "" {
		s += " by " + actors
	}
	packages := series(valuesOf("packages", ns))
	thing := thingOf(ns, packages == "")
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

// thingOf names the objects that notices are first of all about: infra#231 of "ticket/infra/231", tea-1.0-1 of
// "build/tea-1.0-1"; of several only where many is true.
func thingOf(ns []Notice, many bool) string {
	var things []string
	for _, n := range ns {
		if len(n.Objects) == 0 || !many && n.Objects[0] != ns[0].Objects[0] {
			return ""
		}
		if thing := thingName(n.Objects[0]); thing != "" {
			things = append(things, thing)
		}
	}
	return series(things)
}

func thingName(object string) string {
	sort, rest, divided := strings.Cut(object, "/")
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

// ofSeveralKinds gives the sentences of the kinds, those of the worst and latest first, and names the kinds for which
// there is no room: "2 tests of tea-1.0-1, 1 failed; bob asked for changes; also Comments on updates (2)".
func ofSeveralKinds(ns []Notice) string {
	kinds := alike(ns)
	s, room := "", maxSentence*3/4
	var others []string
	more := 0
	for i, kind := range kinds {
		told := strings.TrimSuffix(text.ElideRunes(oneKind(kind), maxSentence/2), ".")
		size := utf8.RuneCountInString(told)
		switch {
		case i == 0:
			s = told
		case size <= room && !isNameless(kind[0]):
			s += "; " + told
		case isNameless(kind[0]):
			more += len(kind)
			continue
		case len(kind) == 1:
			others = append(others, kindOf(kind[0]))
			continue
		default:
			others = append(others, fmt.Sprintf("%s (%d)", kindOf(kind[0]), len(kind)))
			continue
		}
		if room -= size; isNameless(kind[0]) {
			more += len(kind) - 1
		}
	}
	if len(others) > 0 {
		s += "; also " + series(others)
	}
	if more > 0 {
		s += fmt.Sprintf("; %d more", more)
	}
	return s
}

// alike divides notices into those of one kind, or with one sentence for several; the worst and latest come first.
func alike(ns []Notice) [][]Notice {
	var kinds [][]Notice
	for _, n := range ns {
		i := slices.IndexFunc(kinds, func(k []Notice) bool {
			return k[0].App == n.App && (k[0].Kind == n.Kind ||
				len(n.Grouping.Template) > 0 && slices.Equal(k[0].Grouping.Template, n.Grouping.Template))
		})
		if i < 0 {
			i = len(kinds)
			kinds = append(kinds, nil)
		}
		kinds[i] = append(kinds[i], n)
	}
	for _, k := range kinds {
		slices.SortStableFunc(k, latest)
	}
	slices.SortStableFunc(kinds, func(a, b []Notice) int { return latest(a[0], b[0]) })
	return kinds
}

// latest orders the worst notices first, of equals the latest.
func latest(a, b Notice) int {
	return cmp.Or(cmp.Compare(rank(b.Severity), rank(a.Severity)), b.Time.Compare(a.Time))
}

// oneKind is the sentence about notices of one kind.
func oneKind(ns []Notice) string {
	if len(ns) == 1 || isNameless(ns[0]) {
		return firstLine(ns[0])
	}
	if ofOneKind(ns) {
		return sentence(ns)
	}
	return cmp.Or(strings.TrimSpace(fillIn(ns[len(ns)-1].Grouping.Template, ns)), firstLine(ns[0]))
}

// isNameless reports a kind whose name says nothing about its messages: the rest of an application.
func isNameless(n Notice) bool {
	return strings.HasSuffix(n.Kind, ".unknown") || strings.HasSuffix(n.Kind, ".other")
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
