package rulespec

import (
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue"
)

var kindSeverity = &RuleKind{
	Name:  "severity",
	Title: "Severity",
	Doc:   "The message matters at least this much.",
	Params: []Param{{
		Name: "least", Title: "At least", Choices: []string{"info", "warning", "error", "critical"},
		Doc: "debug is left out because every message is at least that.",
	}},
	Compile: compileSeverity,
	Sentence: func(args Args, not bool) string {
		least := strings.Join(args["least"], "")
		if not {
			return "the severity is below " + word(least)
		}
		return "the severity is " + word(least) + " or higher"
	},
}

func compileSeverity(_ Env, args Args) (Predicate, error) {
	least, err := catalogue.ParseSeverity(strings.Join(args["least"], ""))
	if err != nil {
		return Predicate{}, problem("least", "%v", err)
	}
	return Predicate{
		Match:       func(s *Subject) (bool, error) { return s.Severity >= least, nil },
		Why:         func(s *Subject) string { return "severity " + s.Severity.String() },
		Keys:        keys(fieldSeverity, []string{least.String()}),
		Exact:       true,
		Selectivity: selectivityAll / 4,
		Cost:        CostExact,
	}, nil
}
