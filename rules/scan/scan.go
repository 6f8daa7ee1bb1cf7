// Package scan asks one filter about many messages of the past.
//
// Package rules has many filters and gets one message; here it is the other way round. The work is that of a scan in a
// database: index keys say which rows to look at, and what is looked at passes cheap conditions before expensive ones.
//
//   - Keys are the values by which an index of the messages finds all candidates: those of the filter's rarest rule.
//   - Names decides the rules over names (people, packages, topics, ...), which the history keeps packed together.
//   - Prefilter looks for the literals of expressions in the bytes of a message, without decoding them.
//   - Match decides.
//
// Each of the first three only saves work: FuzzPrefilter and the oracle of package rules hold them to Match, and Match
// to the meaning of a filter. The interface is declared where it is used, as history.Filter.
package scan

import (
	"errors"
	"slices"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A Scan is a filter made ready to be asked, with the predicates that an Index of package rules has. It is for one
// goroutine.
type Scan struct {
	names, texts []rule // those that names decide, and all others
	dir          rulespec.Directory
	folded       []byte // the payload that Prefilter has last looked at, in upper case
}

type rule struct {
	predicate rulespec.Predicate
	not       bool
}

// New compiles f. The error joins an *rulespec.Error for each mistake. dir may be nil.
func New(env rulespec.Env, dir rulespec.Directory, f rulespec.Filter) (*Scan, error) {
	env.Owner = f.Owner
	s := &Scan{dir: dir}
	errs := rulespec.CheckCompiled(f, func(i int) (rulespec.Reach, error) {
		p, err := rulespec.CompileRule(env, f.Rules[i])
		switch {
		case err != nil:
			return 0, err
		case byNames(p):
			s.names = append(s.names, rule{p, f.Rules[i].Not})
		default:
			s.texts = append(s.texts, rule{p, f.Rules[i].Not})
		}
		return p.Reach(), nil
	})
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	slices.SortStableFunc(s.names, func(a, b rule) int { return a.predicate.Selectivity - b.predicate.Selectivity })
	slices.SortStableFunc(s.texts, func(a, b rule) int { return int(a.predicate.Cost) - int(b.predicate.Cost) })
	return s, nil
}

// Anew says that Match looks at what the catalogue says anew of a kept message: a rule needs neither names nor texts.
func (s *Scan) Anew() bool {
	return slices.ContainsFunc(s.texts, func(r rule) bool {
		return r.predicate.Search == nil || !onlyTexts(r.predicate.Search.Fields)
	})
}

// onlyTexts says whether fields are texts and names that messages are kept with.
func onlyTexts(fields []string) bool {
	kept := []string{"summary", "link", "body", "topic", "app", "kind", "actor", "user", "package"}
	return !slices.ContainsFunc(fields, func(f string) bool { return !slices.Contains(kept, f) })
}

// byNames says whether a predicate looks at nothing but names: it says so, is exact by its keys, or searches in names.
// The catalogue says keywords, objects and roles anew, and no message is kept with them.
func byNames(p rulespec.Predicate) bool {
	anew := []string{"keyword", "object", "author", "assigned", "mentioned", "watcher", "team"}
	other := func(field string) bool {
		return slices.Contains(anew, field) || !slices.Contains(rulespec.Fields, field)
	}
	if p.Search != nil {
		return !slices.ContainsFunc(p.Search.Fields, other)
	}
	return p.Names || p.Exact && !slices.ContainsFunc(p.Keys, func(k rulespec.Key) bool { return other(k.Field) })
}

// Names decides the rules that need only the topic, app, kind, actor, users, packages, severity, verdict and signer of
// e. sure: it has decided all, and Match would say the same.
func (s *Scan) Names(e *catalogue.Event) (matches, sure bool) {
	matches = s.hold(s.names, e)
	return matches, !matches || len(s.texts) == 0
}

// Match says whether e matches the filter.
func (s *Scan) Match(e *catalogue.Event) bool { return s.hold(s.names, e) && s.hold(s.texts, e) }

// hold says whether all rules hold. A rule that cannot be evaluated does not hold, also under not.
func (s *Scan) hold(rules []rule, e *catalogue.Event) bool {
	subject := &rulespec.Subject{Event: e, Directory: s.dir}
	for i := range rules {
		if ok, err := rules[i].predicate.Match(subject); err != nil || ok == rules[i].not {
			return false
		}
	}
	return true
}
