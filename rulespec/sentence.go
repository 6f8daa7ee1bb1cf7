package rulespec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/notifyd/notifyd/internal/text"
)

// Sentence puts a filter into words, on one line: "when a package is bash or zsh and alice is not the one who did it".
// The filter may be broken. Kinds of message have the names that env.KindName gives them.
func Sentence(env Env, f Filter) string {
	if len(f.Rules) == 0 {
		return "never: it has no rules"
	}
	words := make([]string, len(f.Rules))
	for i, r := range f.Rules {
		words[i] = RuleSentence(env, r)
	}
	return "when " + strings.Join(words, " and ")
}

// RuleSentence puts one rule into words as Sentence does, without the "when".
func RuleSentence(env Env, r Rule) string {
	r = env.readable(r)
	kind := LookupRuleKind(r.Kind)
	switch {
	case kind != nil && kind.Sentence != nil:
		return kind.Sentence(r.Args, r.Not)
	case kind != nil:
		return r.String()
	case r.Not:
		return "the unknown rule " + word(r.Kind) + " does not hold"
	}
	return "the unknown rule " + word(r.Kind) + " holds"
}

// readable returns r with kinds of message called what people call them.
func (env Env) readable(r Rule) Rule {
	if env.KindName == nil || r.Kind != kindKind.Name {
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

// shown is how many values a sentence or an explanation lists.
const shown = 5

// word returns a value for a sentence: as it is where that reads well, else in quotes.
func word(s string) string {
	unclear := func(r rune) bool { return !unicode.IsPrint(r) || strings.ContainsRune(` ,"`, r) }
	if s == "" || len(s) > MaxValue || !utf8.ValidString(s) || strings.ContainsFunc(s, unclear) {
		return quoted(s)
	}
	return s
}

// quoted returns s in quotes, on one line, cut to 80 characters.
func quoted(s string) string {
	if start := text.CutRunes(s, 80); start != s {
		return fmt.Sprintf("%q", start) + " and so on"
	}
	return fmt.Sprintf("%q", s)
}

// printable returns s for one line of text: as it is, or quoted and cut where it could break the line or is too long.
func printable(s string) string {
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	if len(s) <= MaxValue+2 && utf8.ValidString(s) && !strings.ContainsFunc(s, hidden) {
		return s
	}
	return quoted(s)
}

// either joins values: "bash, zsh or fish".
func either(values []string) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = word(v)
	}
	return or(words)
}

// or joins words. Of many it lists the first and counts the others.
func or(words []string) string { return joined(words, "or") }

func joined(words []string, last string) string {
	if len(words) > shown {
		words = append(append([]string{}, words[:shown]...), fmt.Sprintf("%d more", len(words)-shown))
	}
	return cmp.Or(text.Series(words, last), "none")
}

// you returns names as words, @me as "you".
func you(names []string) []string {
	words := make([]string, len(names))
	for i, name := range names {
		if words[i] = word(name); name == Me {
			words[i] = "you"
		}
	}
	return words
}

// who joins persons and the verb: "alice is", "you are not", "neither alice nor bob is".
func who(names []string, not bool) string {
	words := you(names)
	verb := " is"
	if n := len(words); n > 0 && words[n-1] == "you" && n <= shown {
		verb = " are"
	}
	switch {
	case not && len(words) > 1:
		return "neither " + joined(words, "nor") + verb
	case not:
		return or(words) + verb + " not"
	}
	return or(words) + verb
}

func is(not bool) string {
	if not {
		return "is not "
	}
	return "is "
}

// slashed joins patterns: "/CVE-\d+/ or /urgent/".
func slashed(patterns []string) string {
	words := make([]string, len(patterns))
	for i, p := range patterns {
		words[i] = printable("/" + p + "/")
	}
	return or(words)
}

// listing names the values of a field: "no package", "package bash", "packages bash and zsh".
func listing(field string, values []string) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = word(v)
	}
	switch len(words) {
	case 0:
		return "no " + field
	case 1:
		return field + " " + words[0]
	}
	return field + "s " + joined(words, "and")
}
