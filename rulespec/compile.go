package rulespec

import (
	"errors"
	"slices"
)

// LookupRuleKind returns the rule kind of that name, nil where there is none.
func LookupRuleKind(name string) *RuleKind {
	for _, k := range RuleKinds {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// CompileRule makes the predicate of a rule, before its negation. An error joins an *Error for each mistake. Where the
// kind leaves a part of the predicate out, that part is filled in with what is right and safe for any rule.
func CompileRule(env Env, r Rule) (Predicate, error) {
	kind := LookupRuleKind(r.Kind)
	if kind == nil {
		return Predicate{}, &Error{Kind: r.Kind, Problem: noSuch("kind of rule", r.Kind, ruleKindNames())}
	}
	if errs := checkArgs(kind, r.Args); len(errs) > 0 {
		return Predicate{}, errors.Join(errs...)
	}
	if kind.Compile == nil {
		return Predicate{}, about(kind, problem("", "the rule kind has no Compile"))
	}
	p, err := kind.Compile(env, r.Args)
	if err == nil {
		err = p.complete(kind)
	}
	if err != nil {
		return Predicate{}, about(kind, err)
	}
	return p, nil
}

// complete replaces what a kind left out, and what contradicts itself, by the careful reading: the rule may be true for
// every message, costs as much as a search of texts, and Match decides. A missing function is an error.
func (p *Predicate) complete(kind *RuleKind) error {
	if p.Match == nil {
		return problem("", "the rule kind has no Match")
	}
	if p.Why == nil {
		return problem("", "the rule kind has no Why")
	}
	if p.Selectivity <= 0 || p.Selectivity > selectivityAll {
		p.Selectivity = selectivityAll
	}
	if p.Cost == costUnknown {
		p.Cost = CostText
	}
	// Without Requires, an index takes a rule to be false where no key is found, and its negation to be true. That is
	// wrong where the directory lacks something: the rule is unknown then.
	asksDirectory := kind.Missing != nil && !p.WithoutDirectory || slices.ContainsFunc(p.Keys, ofDirectory)
	nowhere := slices.ContainsFunc(p.Keys, func(k Key) bool { return !slices.Contains(Fields, k.Field) })
	if len(p.Keys) == 0 || nowhere || asksDirectory && len(p.Requires) == 0 {
		p.Keys, p.Exact = nil, false
	}
	s := p.Search
	if s != nil && (!s.whole() || p.Keys != nil || asksDirectory || len(p.Requires) > 0) {
		p.Search = nil
	}
	return nil
}

// ofDirectory reports whether the values of a key's field come from the directory.
func ofDirectory(k Key) bool {
	return slices.Contains([]string{fieldGroup, fieldOwner, fieldOwnerGroup, fieldHolder, fieldTeam}, k.Field)
}

// whole reports whether a search can be done: it has Matches, and subjects have its fields.
func (s *Search) whole() bool {
	for _, field := range s.Fields {
		if isText(field) && !slices.Contains(Texts, field) {
			return false
		}
	}
	return s.Matches != nil && len(s.Fields) > 0
}

// Reach is how far a rule narrows messages down, as CheckCompiled needs to know it.
type Reach int8

const (
	reachMost  Reach = iota // it may be true for most messages, and that is found out cheaply
	reachFew                // it narrows the messages down
	reachTexts              // it searches the text of every message, unless another rule narrows them down
)

// Reach returns how far the predicate narrows messages down.
func (p *Predicate) Reach() Reach {
	switch {
	case p.Match == nil:
		return reachMost
	case p.Selectivity < selectivityNarrow:
		return reachFew
	case p.Search == nil && p.Cost == CostText && p.Keys == nil:
		return reachTexts
	case p.Search != nil && slices.ContainsFunc(p.Search.Fields, isText) && !p.Search.findable():
		return reachTexts
	}
	return reachMost
}

// findable reports whether an index can look up the texts that match.
func (s *Search) findable() bool { return shortest(longest(s.Literals)) >= MinLiteral }

func isText(field string) bool { return !slices.Contains(Fields, field) }
