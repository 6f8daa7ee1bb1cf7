package rulespec

import (
	"errors"
	"slices"
)

// LookupRuleKind gives the rule kind of that name, nil where there is none.
func LookupRuleKind(name string) *RuleKind {
	for _, k := range RuleKinds {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// CompileRule makes the predicate of a rule, not yet negated. An error joins an *Error for each mistake. What the kind
// leaves out of the predicate is filled in with what is right and safe of any rule.
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

// complete replaces what a kind left out, or declared against itself, by the careful reading: the rule may hold for every
// message, is dear, and is decided by Match alone. It is an error to leave out a function.
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
	// Without Requires, an index takes it that the rule fails where no key is met, and holds under not: that is wrong where
	// the directory lacks something.
	asksDirectory := kind.Missing != nil || slices.ContainsFunc(p.Keys, func(k Key) bool {
		return k.Field == fieldGroup || k.Field == fieldOwner || k.Field == fieldOwnerGroup
	})
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

// whole says whether a search can be done: there is a test, and every field is one that subjects have.
func (s *Search) whole() bool {
	known := func(field string) bool { return slices.Contains(Fields, field) || slices.Contains(Texts, field) }
	return s.Matches != nil && len(s.Fields) > 0 && !slices.ContainsFunc(s.Fields, func(field string) bool { return !known(field) })
}

// Reach is how much a rule leaves of the messages, as far as CheckCompiled must know it.
type Reach int8

const (
	reachMost  Reach = iota // it may hold for most messages, and that is found out cheaply
	reachFew                // it narrows the messages down
	reachTexts              // the text of every message is searched for it, unless another rule narrows them down
)

// Reach says how much the predicate leaves of the messages.
func (p *Predicate) Reach() Reach {
	switch {
	case p.Match == nil:
		return reachMost
	case p.Selectivity < selectivityNarrow:
		return reachFew
	case p.Search == nil && p.Cost == CostText && p.Keys == nil:
		return reachTexts
	case p.Search != nil && slices.ContainsFunc(p.Search.Fields, isText) && shortest(longest(p.Search.Literals)) < MinLiteral:
		return reachTexts
	}
	return reachMost
}

func isText(field string) bool { return !slices.Contains(Fields, field) }
