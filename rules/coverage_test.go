package rules_test

import (
	"testing"

	"github.com/notifyd/notifyd/rulespec"
)

// A coverage is what rules of each kind have come to in stories, so that none is left out without anybody noticing.
type coverage struct {
	said   map[string]*[2][3]int // by kind: positive, negated; holds, fails, cannot be evaluated
	wrong  map[string]int        // by kind: rules that do not compile
	params map[string]int        // by kind, parameter and choice, of rules that have been evaluated
}

func newCoverage() *coverage {
	return &coverage{said: map[string]*[2][3]int{}, wrong: map[string]int{}, params: map[string]int{}}
}

func (c *coverage) add(plain loop, s *rulespec.Subject) {
	for i := range plain {
		for j, r := range plain[i].text.Rules {
			if c.said[r.Kind] == nil {
				c.said[r.Kind] = new([2][3]int)
			}
			if plain[i].rules[j].holds == nil {
				c.wrong[r.Kind]++
				continue
			}
			not, said := 0, 1
			if r.Not {
				not = 1
			}
			if holds, err := plain[i].rules[j].holds(s); err != nil {
				said = 2
			} else if holds {
				said = 0
			}
			c.said[r.Kind][not][said]++
			for param, values := range r.Args {
				c.params[r.Kind+" "+param]++
				for _, value := range values {
					c.params[r.Kind+" "+param+" "+value]++
				}
			}
		}
	}
}

// check wants of every kind that there is: rules that hold and that fail, with `not` and without, ones that are
// wrong, each parameter and each choice of it. What is missing is to be added under draw, or as an event, to the
// kind's file in rulespec/testdata/kinds.
func (c *coverage) check(t *testing.T) {
	t.Helper()
	for _, k := range rulespec.RuleKinds {
		said := c.said[k.Name]
		if said == nil {
			t.Errorf("stories have no rule of kind %s", k.Name)
			continue
		}
		for not, of := range said {
			if of[0] == 0 || of[1] == 0 && k.Name != "everything" {
				t.Errorf("rules of kind %s (negated: %v): %d hold, %d fail; want some of each", k.Name, not == 1, of[0], of[1])
			}
		}
		if k.Missing != nil && (said[0][2] == 0 || said[1][2] == 0) {
			t.Errorf("no rule of kind %s could not be evaluated, of %v", k.Name, *said)
		}
		if c.wrong[k.Name] == 0 {
			t.Errorf("no rule of kind %s is wrong", k.Name)
		}
		for _, p := range k.Params {
			if c.params[k.Name+" "+p.Name] == 0 {
				t.Errorf("no rule of kind %s has a %s", k.Name, p.Name)
			}
			for _, choice := range p.Choices {
				if c.params[k.Name+" "+p.Name+" "+choice] == 0 {
					t.Errorf("no rule of kind %s has %s: %s", k.Name, p.Name, choice)
				}
			}
		}
	}
}
