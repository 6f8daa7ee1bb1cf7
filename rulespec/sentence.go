package rulespec

import "strings"

// Sentence gives a filter in words, on one line: "when a package is bash or zsh and alice is not the one who did it". It
// takes filters that are broken too.
func Sentence(f Filter) string {
	if len(f.Rules) == 0 {
		return "never: it has no rules"
	}
	words := make([]string, len(f.Rules))
	for i, r := range f.Rules {
		words[i] = sentenceRule(r)
	}
	return "when " + strings.Join(words, " and ")
}

func sentenceRule(r Rule) string {
	if kind := Lookup(r.Kind); kind != nil {
		return kind.Sentence(r.Args, r.Not)
	}
	if r.Not {
		return "the unknown rule " + word(r.Kind) + " does not hold"
	}
	return "the unknown rule " + word(r.Kind) + " holds"
}
