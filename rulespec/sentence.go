package rulespec

import (
	"slices"
	"strings"
)

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

// SentenceIn is Sentence for a page or a notice: kinds of message are called what env.KindName calls them.
func SentenceIn(env Env, f Filter) string {
	f.Rules = slices.Clone(f.Rules)
	for i, r := range f.Rules {
		f.Rules[i] = env.readable(r)
	}
	return Sentence(f)
}

// RuleSentenceIn gives one rule in words as SentenceIn does, without the "when".
func RuleSentenceIn(env Env, r Rule) string { return sentenceRule(env.readable(r)) }

// readable gives the rule that r would be if kinds of message bore the names that people know them by.
func (env Env) readable(r Rule) Rule {
	if env.KindName == nil || r.Kind != "kind" {
		return r
	}
	names := slices.Clone(r.Args["name"])
	for i, kind := range names {
		if name := env.KindName(kind); name != "" {
			names[i] = name
		}
	}
	r.Args = Args{"name": names}
	return r
}

func sentenceRule(r Rule) string {
	if kind := LookupRuleKind(r.Kind); kind != nil && kind.Sentence != nil {
		return kind.Sentence(r.Args, r.Not)
	} else if kind != nil {
		return r.String()
	}
	if r.Not {
		return "the unknown rule " + word(r.Kind) + " does not hold"
	}
	return "the unknown rule " + word(r.Kind) + " holds"
}
