package backends

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
)

// The bounds on what is told of several notices in their own words.
const (
	maxTold   = 100 // notices
	maxWords  = 40  // words of a sentence that are looked at
	maxBeside = 4   // words between a thing and its title, and sentences with such
	maxRest   = 2   // words of what became of a thing
)

// told says of notices about one object, in the order of time and in their own words, who did what to it: "alice opened
// and pushed to, bob commented twice on and merged acme/tool#8: Boil softly"; or what became of it: "build 7 of tea
// started and failed". It is "" where their sentences do not name the object in the same words.
func told(ns []Notice) string {
	if len(ns) > maxTold || len(ns[0].Objects) == 0 || isGap(ns[0].Objects[0]) ||
		slices.ContainsFunc(ns, func(n Notice) bool { return len(n.Objects) == 0 || n.Objects[0] != ns[0].Objects[0] }) {
		return ""
	}
	ns = slices.Clone(ns)
	slices.SortStableFunc(ns, func(a, b Notice) int { return a.Time.Compare(b.Time) })
	id := ns[0].Objects[0][strings.LastIndexByte(ns[0].Objects[0], '/')+1:]
	sentences := make([][]string, len(ns))
	for i, n := range ns {
		words := strings.Fields(firstLine(n))
		sentences[i] = words[:min(len(words), maxWords)]
	}
	if s := toldOfPeople(ns, sentences, id); s != "" {
		return s
	}
	return toldOfThing(sentences)
}

// A deed is what one person did: words of a sentence.
type deed struct {
	who  string
	what []string
}

func toldOfPeople(ns []Notice, sentences [][]string, id string) string {
	thing, starts := commonThing(sentences, id)
	if thing == nil {
		return ""
	}
	var deeds, beside []deed
	var titles, spoken []string
	for i, words := range sentences {
		who := doerOf(ns[i], words)
		after := starts[i] + len(thing)
		title, rest := titleAfter(words, after)
		if who == "" || starts[i] < 2 || len(strings.Fields(rest)) > maxBeside {
			return ""
		}
		titles = append(titles, title)
		if rest != "" { // assigned it to bob
			beside = append(beside, deed{who: who, what: append(slices.Clone(words[1:starts[i]]), "it", rest)})
			continue
		}
		deeds = append(deeds, deed{who: who, what: words[1:starts[i]]})
		spoken = append(spoken, strings.Join(words[1:starts[i]], " "))
	}
	if len(deeds) == 0 || len(beside) > maxBeside {
		return ""
	}
	s := strings.Join(inTurn(deeds), ", ") + " " + bare(strings.Join(thing, " "))
	if title := mostFrequent(titles, len(unique(spoken)) == 1); title != "" {
		s += ": " + title
	}
	if len(beside) > 0 {
		s += "; " + strings.Join(inTurn(beside), ", ")
	}
	return s
}

// commonThing gives the words around an id that all sentences have in common, and where they begin in each.
func commonThing(sentences [][]string, id string) (thing []string, starts []int) {
	first := sentences[0]
	for at, word := range first {
		if at < 2 || !strings.Contains(word, id) {
			continue
		}
		starts = starts[:0]
		left, right := at-2, len(first)-at-1
		for _, words := range sentences {
			here := slices.IndexFunc(words, func(w string) bool { return bare(w) == bare(word) })
			if here < 2 {
				break
			}
			left = min(left, same(first[:at], words[:here], true), here-2)
			right = min(right, same(first[at+1:], words[here+1:], false))
			starts = append(starts, here)
		}
		if len(starts) < len(sentences) {
			continue
		}
		end := at
		for end < at+right && !strings.HasSuffix(first[end], ":") && !strings.HasPrefix(first[end+1], "(") {
			end++
		}
		for i := range starts {
			starts[i] -= left
		}
		return first[at-left : end+1], starts
	}
	return nil, nil
}

// same counts the words at the beginning, or at the end, that two lists have in common.
func same(a, b []string, atEnd bool) int {
	n := 0
	for n < len(a) && n < len(b) {
		x, y := a[n], b[n]
		if atEnd {
			x, y = a[len(a)-1-n], b[len(b)-1-n]
		}
		if bare(x) != bare(y) {
			break
		}
		n++
	}
	return n
}

func bare(word string) string { return strings.TrimRight(word, ":,;.") }

// doerOf gives the first word of a sentence, where that is who did it: the actor, somebody, or a login nobody knows.
func doerOf(n Notice, words []string) string {
	switch {
	case len(words) == 0:
	case strings.EqualFold(words[0], n.Actor), words[0] == "Somebody":
		return words[0]
	case n.Actor == "" && words[0] == strings.ToLower(words[0]) && words[0] != n.App && !isPassive(words):
		return words[0]
	}
	return ""
}

// isPassive reports a sentence that begins with a thing: "bsc#123 was carried over".
func isPassive(words []string) bool {
	return strings.ContainsAny(words[0], "#/:") ||
		len(words) > 1 && slices.Contains([]string{"was", "were", "is", "are", "has", "have"}, words[1])
}

// titleAfter gives what follows a colon after the thing, and what stands between them other than a remark in brackets.
func titleAfter(words []string, after int) (title, rest string) {
	for at := after - 1; at < len(words); at++ {
		if strings.HasSuffix(words[at], ":") {
			title, words = strings.Join(words[at+1:], " "), words[:at+1]
			break
		}
	}
	if after < len(words) && !strings.HasPrefix(words[after], "(") {
		rest = bare(strings.Join(words[after:], " "))
	}
	return title, rest
}

// mostFrequent gives the text that is there most often, of equals the first, or none where there must be no doubt.
func mostFrequent(texts []string, sure bool) string {
	best, most := "", 0
	for _, t := range texts {
		n := 0
		for _, u := range texts {
			if t == u {
				n++
			}
		}
		if t != "" && n > most {
			best, most = t, n
		}
	}
	if sure && most < len(texts) {
		return ""
	}
	return best
}

// inTurn says what each person did, in the order of their first deeds. Who did the same is named together.
func inTurn(deeds []deed) []string {
	var people, said []string
	did := map[string]string{}
	for _, d := range deeds {
		if did[d.who] == "" {
			people = append(people, d.who)
			did[d.who] = allOf(deeds, d.who)
		}
	}
	for len(people) > 0 {
		what := did[people[0]]
		var alike []string
		people = slices.DeleteFunc(people, func(who string) bool {
			if did[who] != what {
				return false
			}
			alike = append(alike, who)
			return true
		})
		said = append(said, series(alike)+" "+what)
	}
	return said
}

// allOf says what one person did, each deed once: "opened and commented twice on".
func allOf(deeds []deed, who string) string {
	var order []string
	times := map[string]int{}
	words := map[string][]string{}
	for _, d := range deeds {
		if d.who != who {
			continue
		}
		what := strings.Join(d.what, " ")
		if times[what] == 0 {
			order = append(order, what)
		}
		times[what]++
		words[what] = d.what
	}
	for i, what := range order {
		switch w, n := words[what], times[what]; {
		case n == 1:
		case n == 2:
			order[i] = strings.Join(slices.Insert(slices.Clone(w), 1, "twice"), " ")
		default:
			order[i] = strings.Join(slices.Insert(slices.Clone(w), 1, fmt.Sprintf("%d times", n)), " ")
		}
	}
	return text.Series(order, "and")
}

// toldOfThing says what became of a thing whose sentences begin with the same words.
func toldOfThing(sentences [][]string) string {
	begin := len(sentences[0])
	for _, words := range sentences {
		begin = min(begin, same(sentences[0], words, false))
	}
	if begin < 2 {
		return ""
	}
	var rests []string
	for _, words := range sentences {
		rest := words[begin:]
		if len(rest) == 0 || len(rest) > maxRest || strings.ContainsAny(strings.Join(rest, ""), "(:") {
			return ""
		}
		if s := strings.Join(rest, " "); !slices.Contains(rests, s) {
			rests = append(rests, s)
		}
	}
	notNow := func(s string) bool { return strings.HasPrefix(s, "is ") }
	if over := slices.DeleteFunc(slices.Clone(rests), notNow); len(over) > 0 {
		rests = over
	}
	if len(rests) > maxSeries+1 || strings.HasSuffix(sentences[0][begin-1], ":") {
		return ""
	}
	return strings.Join(sentences[0][:begin], " ") + " " + text.Series(rests, "and")
}
