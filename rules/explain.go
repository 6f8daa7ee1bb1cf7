package rules

import (
	"errors"
	"fmt"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// An Explanation is why a filter matches an event or does not, rule by rule.
type Explanation struct {
	Filter  rulespec.FilterID
	Matched bool
	// NearMiss says that exactly one rule does not hold. A rule that cannot be evaluated on this event counts as one; a
	// filter that is broken in itself is never near.
	NearMiss bool
	Broken   error         // why it cannot match any event as it stands: *rulespec.Error, joined; nil: it can
	Rules    []RuleOutcome // every rule, in the filter's order, also those behind the first that failed
}

// A RuleOutcome is what one rule of a filter says of an event.
type RuleOutcome struct {
	Rule   rulespec.Rule
	Holds  bool   // after negation
	Err    error  // not nil: the rule could not be evaluated; Holds is false
	Reason string // the value that decided, in words
}

// Explain says of each rule of f, compiled in env, whether it holds for e. It needs no Index, and agrees with one:
// Matched is what an Index says of f. dir is the directory as it stood when e came, and may be nil.
func Explain(env rulespec.Env, e *catalogue.Event, dir rulespec.Directory, f rulespec.Filter) Explanation {
	env.Owner = f.Owner
	s := &rulespec.Subject{Event: e, Directory: dir}
	x := Explanation{Filter: f.ID, Rules: make([]RuleOutcome, len(f.Rules))}
	failed := 0
	broken := rulespec.CheckCompiled(f, func(i int) (rulespec.Reach, error) {
		p, err := rulespec.CompileRule(env, f.Rules[i])
		if x.Rules[i] = outcomeOf(s, f.Rules[i], p, err); !x.Rules[i].Holds {
			failed++
		}
		return p.Reach(), err
	})
	x.Broken = errors.Join(broken...)
	x.Matched, x.NearMiss = x.Broken == nil && failed == 0, x.Broken == nil && failed == 1
	return x
}

// outcomeOf is what a rule says that was compiled to p, or could not be. What cannot be evaluated does not hold, also
// under not.
func outcomeOf(s *rulespec.Subject, r rulespec.Rule, p rulespec.Predicate, err error) RuleOutcome {
	o := RuleOutcome{Rule: r}
	if err != nil {
		o.Err = fmt.Errorf("%w: %w", rulespec.ErrUnevaluable, err)
		o.Reason = reason(o.Err)
		return o
	}
	holds, err := p.Match(s)
	if err != nil {
		o.Err, o.Reason = err, reason(err)
		return o
	}
	o.Holds, o.Reason = holds != r.Not, p.Why(s)
	return o
}

// reason says in words why a rule could not be evaluated.
func reason(err error) string {
	var wrong *rulespec.Error
	if errors.As(err, &wrong) {
		return "cannot be evaluated: " + wrong.Text()
	}
	return err.Error()
}
