package suggest

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
)

// levels are the severities of results, the worst first.
var levels = []string{"error", "warning", "debug", "info"}

// harmOf gives the severity that a word for a result means, "" for none.
func (d *draftEntry) harmOf(word string) string {
	if level := convention.Level(word); level != "broken" {
		return level
	}
	return convention.Broken(d.nouns)
}

// resultFields are the names of fields that say how something came out, the clearest first.
var resultFields = []string{"result", "conclusion", "outcome", "status", "state", "build_status", "new_state", "new",
	"test_result", "verdict"}

// resultOf gives the field that says in most messages how something came out, nil for none.
func (d *draftEntry) resultOf() *path {
	var best *path
	most, bestRank := 0, 0
	for _, p := range d.paths {
		rank := slices.Index(resultFields, p.key())
		if rank < 0 || p.list != "" {
			continue
		}
		rank += 20 * len(p.keys)
		n := 0
		for i, e := range d.events {
			switch d.harmOf(p.text(i)) {
			case "":
			case e.Severity.String():
				n += 2
			default:
				n++
			}
		}
		if n > most || n == most && n > 0 && rank < bestRank {
			best, most, bestRank = p, n, rank
		}
	}
	return best
}

// numberedResult gives a field that has the name of a result, and only numbers; nil for none.
func (f *fields) numberedResult() *path {
	for _, p := range f.paths {
		if slices.Contains([]string{"result", "status", "state", "conclusion"}, p.key()) && p.list == "" &&
			len(p.keys) <= 2 && f.isNumber(p) && !long(p) {
			return p
		}
	}
	return nil
}

// resultWords gives the words that a field says, in small letters, sorted.
func (f *fields) resultWords(p *path) []string {
	var words []string
	for i := range f.messages {
		if word := strings.ToLower(p.text(i)); word != "" {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// topicHarm gives the severity that the topic speaks for, where the convention gives all its messages that one and no
// field says it; "" for the usual one.
func (d *draftEntry) topicHarm() string {
	harm := ""
	for _, e := range d.events {
		if harm != "" && harm != e.Severity.String() {
			return ""
		}
		harm = e.Severity.String()
	}
	if harm == "info" {
		return ""
	}
	return harm
}
