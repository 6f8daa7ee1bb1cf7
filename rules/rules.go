// Package rules finds the filters that an event matches, and says why.
//
// It knows no users: it gets filters with ids and gives ids back.
package rules

import "github.com/notifyd/notifyd/rulespec"

// Broken is a filter that could not be compiled; it never matches.
type Broken struct {
	Filter rulespec.FilterID
	Err    error // joins an *rulespec.Error for each mistake
}
