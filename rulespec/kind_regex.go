package rulespec

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
)

var kindRegex = &RuleKind{
	Name:  "regex",
	Title: "Text (regular expression)",
	Doc:   "The sentence or the data of the message has a place that a regular expression matches.",
	Params: []Param{
		{Name: "pattern", Title: "Expression", Many: true, Searched: InTexts,
			Doc: "RE2 syntax, searched anywhere in the text."},
		{Name: "in", Title: "Where", Many: true, Optional: true, Choices: []string{"summary", "body", "link"},
			Doc: "summary: the sentence about the message; body: its data, as compact JSON with sorted keys; " +
				"link: the address it leads to. Without it: summary and body, one after the other."},
		paramCase,
	},
	Compile:  compileRegex,
	Sentence: sentenceRegex,
}

// A search is a compiled regex rule.
type search struct {
	regexes             regexes
	summary, body, link bool
}

func compileRegex(_ Env, args Args) (Predicate, error) {
	regexes, err := compileRegexes(args)
	if err != nil {
		return Predicate{}, err
	}
	all := len(args["in"]) == 0
	r := search{
		regexes: regexes,
		summary: all || slices.Contains(args["in"], "summary"),
		body:    all || slices.Contains(args["in"], "body"),
		link:    slices.Contains(args["in"], "link"),
	}
	search := regexes.search(r.places()...)
	if len(search.Literals) == 0 { // what has a literal does not match the empty text
		if i := slices.IndexFunc(regexes, matchesAll); i >= 0 {
			return Predicate{}, problem("pattern",
				"%q: matches every text, an empty one too; for every message write `everything: true`", args["pattern"][i])
		}
	}
	return Predicate{
		Match: r.match, Why: r.why, Search: search, Selectivity: selectivityOfSearch(search), Cost: CostText,
	}, nil
}

// matchesAll reports whether an expression matches every text. A filter for the whole bus must say so, by `everything`.
func matchesAll(one *regex) bool { return one.get().MatchString("") && one.get().MatchString("\x00") }

func (r *search) match(s *Subject) (bool, error) {
	if r.summary && r.regexes.match(searched(s.Prose().Summary)) {
		return true, nil
	}
	if r.link && r.regexes.match(searched(s.Prose().Link)) {
		return true, nil
	}
	return r.body && r.regexes.match(searched(s.BodyText())), nil
}

func (r *search) why(s *Subject) string {
	if r.summary {
		if found, ok := r.regexes.find(searched(s.Prose().Summary)); ok {
			return "summary has " + quoted(found)
		}
	}
	if r.link {
		if found, ok := r.regexes.find(searched(s.Prose().Link)); ok {
			return "link has " + quoted(found)
		}
	}
	if r.body {
		if found, ok := r.regexes.find(searched(s.BodyText())); ok {
			return "body has " + quoted(found)
		}
	}
	return "no match in " + strings.Join(r.places(), " or ")
}

func (r *search) places() []string {
	var places []string
	if r.summary {
		places = append(places, "summary")
	}
	if r.body {
		places = append(places, "body")
	}
	if r.link {
		places = append(places, "link")
	}
	return places
}

// searched is the part of a text that a regular expression may look at.
func searched(s string) string { return text.CutBytes(s, MaxSearch) }

func sentenceRegex(args Args, not bool) string {
	places := args["in"]
	if len(places) == 0 {
		places = []string{"summary", "body"}
	}
	verb := " matches "
	if not {
		verb = " does not match "
		if len(places) > 1 {
			return "neither the " + strings.Join(places, " nor the ") + " matches " + slashed(args["pattern"])
		}
	}
	return "the " + strings.Join(places, " or the ") + verb + slashed(args["pattern"])
}
