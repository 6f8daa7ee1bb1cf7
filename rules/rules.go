// Package rules finds the filters that an event matches, and says why.
//
// It knows no users: it gets filters with ids and gives ids back.
package rules

import (
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A Verdict is what one rule said of an event.
type Verdict struct {
	Rule   rulespec.Rule
	Holds  bool   // after negation
	Err    error  // not nil: the rule could not be evaluated; Holds is false
	Reason string // the value that decided, in words
}

// An Explanation is what a filter said of an event, rule by rule.
type Explanation struct {
	Filter  rulespec.FilterID
	Matched bool
	Rules   []Verdict // every rule, in the filter's order, also those behind the first that failed
}

// Engine is what a Matcher gives; the doc is on Matcher.
var _ interface {
	Match(*catalogue.Event, rulespec.Directory) []rulespec.FilterID
	Explain(*catalogue.Event, rulespec.Directory, rulespec.FilterID) (Explanation, bool)
} = (*Matcher)(nil)

// Broken is a filter that could not be compiled; it never matches.
type Broken struct {
	Filter rulespec.FilterID
	Err    error // joins an *rulespec.Error for each mistake
}
