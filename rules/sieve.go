package rules

import (
	"errors"
	"slices"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A Sieve is one filter made ready for a search of the history, with the predicates that an Index has: it tells the rules
// that an event's names decide from those that need its texts or its data. An event matches when Names and Whole say so.
// It is for one goroutine.
type Sieve struct {
	names, texts []sieveRule
	dir          rulespec.Directory
	folded       []byte // room for Rough
}

type sieveRule struct {
	predicate rulespec.Predicate
	not       bool
}

// NewSieve compiles f. The error joins an *rulespec.Error for each mistake. dir may be nil.
func NewSieve(env rulespec.Env, dir rulespec.Directory, f rulespec.Filter) (*Sieve, error) {
	env.Owner = f.Owner
	s := &Sieve{dir: dir}
	errs := rulespec.CheckShape(f)
	for _, r := range f.Rules {
		p, err := rulespec.CompileRule(env, r)
		switch {
		case err != nil:
			errs = append(errs, err)
		case byNames(p):
			s.names = append(s.names, sieveRule{p, r.Not})
		default:
			s.texts = append(s.texts, sieveRule{p, r.Not})
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	slices.SortStableFunc(s.names, func(a, b sieveRule) int { return a.predicate.Selectivity - b.predicate.Selectivity })
	slices.SortStableFunc(s.texts, func(a, b sieveRule) int { return int(a.predicate.Cost) - int(b.predicate.Cost) })
	return s, nil
}

// byNames says whether a predicate looks at nothing but names: it says so, is sure of its keys, or searches in names.
func byNames(p rulespec.Predicate) bool {
	other := func(field string) bool { return !slices.Contains(rulespec.Fields, field) }
	if p.Search != nil {
		return !slices.ContainsFunc(p.Search.Fields, other)
	}
	return p.Names || p.Exact && !slices.ContainsFunc(p.Keys, func(k rulespec.Key) bool { return other(k.Field) })
}

// ByNames says whether Names decides alone.
func (s *Sieve) ByNames() bool { return len(s.texts) == 0 }

// Names says whether all rules hold that need only the topic, app, kind, actor, users, packages and severity of e.
func (s *Sieve) Names(e *catalogue.Event) bool { return s.hold(s.names, e) }

// Whole says whether all other rules hold.
func (s *Sieve) Whole(e *catalogue.Event) bool { return s.hold(s.texts, e) }

// hold says whether all rules hold. What cannot be evaluated does not, also under not.
func (s *Sieve) hold(rules []sieveRule, e *catalogue.Event) bool {
	subject := &rulespec.Subject{Event: e, Directory: s.dir}
	for i := range rules {
		if ok, err := rules[i].predicate.Match(subject); err != nil || ok == rules[i].not {
			return false
		}
	}
	return true
}
