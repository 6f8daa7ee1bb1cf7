package rulespec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Check is the gate that a filter passes on every way in: from a file, a page or an import, into the store and into an
// index. It returns all that is wrong; each error is an *Error. It uses the filter's owner, not that of env. A filter
// without an owner may say @me, because the owner is set when it is stored.
func Check(env Env, f Filter) []error {
	env.Owner = cmp.Or(f.Owner, Me)
	return CheckCompiled(f, func(i int) (Reach, error) {
		p, err := CompileRule(env, f.Rules[i])
		return p.Reach(), err
	})
}

// CheckCompiled is Check for a caller that compiles the rules itself, such as an index. It calls compile for each rule
// of f in turn, which returns the predicate's Reach or the error of CompileRule.
func CheckCompiled(f Filter, compile func(rule int) (Reach, error)) []error {
	errs := checkShape(f)
	narrow, searching := false, -1
	for i := range f.Rules {
		reach, err := compile(i)
		switch {
		case err != nil:
			errs = append(errs, ofRule(f, i, err)...)
		case reach == reachTexts:
			searching = i
		case reach == reachFew && !f.Rules[i].Not:
			narrow = true
		}
	}
	if len(errs) == 0 && searching >= 0 && !narrow {
		errs = ofRule(f, searching, searchesAll(f.Rules[searching]))
	}
	return errs
}

// searchesAll returns the mistake of a filter for which the text of every message would be searched; r is the rule that
// searches.
func searchesAll(r Rule) error {
	const advice = "add a rule that is about an application, a package or the like"
	if patterns := r.Args["pattern"]; len(patterns) > 0 {
		return &Error{Kind: r.Kind, Param: "pattern", Problem: fmt.Sprintf(
			"%s has no %d characters in a row that every match has, so every message would have to be searched; %s",
			slashed(patterns), MinLiteral, advice)}
	}
	return &Error{Kind: r.Kind, Problem: "every message would have to be searched for this rule; " + advice}
}

// checkShape returns what is wrong with a filter before its rules are looked at one by one: there are none, too many,
// none that is not negated, or too many regular expressions.
func checkShape(f Filter) []error {
	var problem string
	switch {
	case len(f.Rules) == 0:
		problem = "has no rules, so it would never match"
	case len(f.Rules) > MaxRules:
		problem = fmt.Sprintf("has %d rules; at most %d are allowed", len(f.Rules), MaxRules)
	case !slices.ContainsFunc(f.Rules, func(r Rule) bool { return !r.Not }):
		problem = "has only rules under `not`; add what it is about, or `everything: true`"
	case countRegexes(f) > MaxRegexes:
		problem = fmt.Sprintf("has %d regular expressions; at most %d are allowed", countRegexes(f), MaxRegexes)
	default:
		return nil
	}
	return []error{&Error{Filter: f.Name, Problem: problem}}
}

// Missing returns what a filter requires and dir lacks: a group, a role, or the directory itself (dir is nil). Each
// error is an *Error. The filter does not match until dir has it.
func Missing(f Filter, dir Directory) []error {
	var errs []error
	for i, r := range f.Rules {
		if kind := LookupRuleKind(r.Kind); kind != nil && kind.Missing != nil {
			if err := kind.Missing(r.Args, dir); err != nil {
				errs = append(errs, ofRule(f, i, about(kind, err))...)
			}
		}
	}
	return errs
}

// countRegexes counts the regular expressions of a filter. One may cost as much as all other rules together.
func countRegexes(f Filter) int {
	return countSearched(f.Rules, InNames) + countSearched(f.Rules, InTexts)
}

// CountTexts counts the regular expressions over texts in rules. A person may have MaxTexts in all filters together,
// because each is searched for in every message.
func CountTexts(rules []Rule) int { return countSearched(rules, InTexts) }

// CheckTexts returns an *Error when f and the other filters of its owner have more than MaxTexts regular expressions
// over texts together; others is how many the other filters have.
func CheckTexts(f Filter, others int) error {
	own := CountTexts(f.Rules)
	if own == 0 || own+others <= MaxTexts {
		return nil
	}
	return &Error{Filter: f.Name, Kind: kindRegex.Name, Param: "pattern", Problem: fmt.Sprintf(
		"with the %d regular expressions over texts of this filter you would have %d in all your filters; "+
			"at most %d are allowed, as each is looked for in every message", own, own+others, MaxTexts)}
}

func countSearched(rules []Rule, in Searched) int {
	n := 0
	for i := range rules {
		kind := LookupRuleKind(rules[i].Kind)
		if kind == nil {
			continue
		}
		for j := range kind.Params {
			if kind.Params[j].Searched == in {
				n += len(rules[i].Args[kind.Params[j].Name])
			}
		}
	}
	return n
}

// checkArgs checks what is the same for every kind: the names of the parameters, the number of their values, and the
// length of each.
func checkArgs(kind *RuleKind, args Args) []error {
	var errs []error
	known := 0
	for i := range kind.Params {
		if _, given := args[kind.Params[i].Name]; given {
			known++
		}
	}
	if known < len(args) {
		errs = unknownParams(kind, args)
	}
	for i := range kind.Params {
		p := &kind.Params[i]
		if wrong := p.check(args); wrong != "" {
			errs = append(errs, about(kind, problem(p.Name, "%s", wrong)))
		}
	}
	return errs
}

// unknownParams returns an error for each argument that is no parameter of kind.
func unknownParams(kind *RuleKind, args Args) []error {
	var errs []error
	for _, name := range sortedNames(args) {
		if !slices.ContainsFunc(kind.Params, func(p Param) bool { return p.Name == name }) {
			errs = append(errs, about(kind, problem(name, "%s", noSuch("parameter", name, paramNames(kind)))))
		}
	}
	return errs
}

// check describes what is wrong with the values of p, "" for nothing.
func (p *Param) check(args Args) string {
	values, given := args[p.Name]
	switch {
	case !given && p.Optional:
		return ""
	case len(values) == 0:
		return "a value is missing"
	case len(values) > 1 && !p.Many:
		return "takes one value only"
	case len(values) > MaxValues:
		return fmt.Sprintf("has %d values; at most %d are allowed", len(values), MaxValues)
	}
	for _, v := range values {
		if p.Choices != nil && !slices.Contains(p.Choices, v) {
			return noSuch("value", v, p.Choices)
		}
		if wrong := checkText(v); wrong != "" {
			return wrong
		}
	}
	return ""
}

// checkText describes why s can be no value and no name of a filter, "" where it can.
func checkText(s string) string {
	switch {
	case strings.TrimSpace(s) == "":
		return "an empty value can never fit"
	case len(s) > MaxValue:
		return fmt.Sprintf("%s is longer than %d bytes", quoted(s), MaxValue)
	case !utf8.ValidString(s):
		return quoted(s) + " is not UTF-8"
	case strings.ContainsFunc(s, unicode.IsControl):
		return quoted(s) + " has a control character, which no value has"
	}
	return ""
}
