package rulespec

import "time"

// A File is filters in their text form: what a person exports, imports, tests and checks.
type File struct {
	Destinations []FileDestination
	Filters      []FileFilter
}

// A FileDestination is a destination and when it is delivered to: when the first of its conditions is met, or at once
// where it has none.
type FileDestination struct {
	To    string         // "backend:address"
	Every time.Duration  // when the oldest notice has waited this long; 0: no such condition
	Count int            // when this many notices wait; 0: no such condition
	At    string         // at these times of day, "07:00,12:30", in the owner's zone; "": no such condition
	Days  []time.Weekday // the days of At, in the order of the week; empty: every day

	AtOnceFrom string // the severity from which a notice goes at once; "": critical
	First      bool   // the first goes at once
	Quiet      string // quiet hours, as people write them; not of a filter
	Line       int    // in the text; 0 when it was not parsed
}

// A FileFilter is a filter and what is stored beside its rules.
type FileFilter struct {
	Filter      // ID is 0; Owner is used by `notifyd filter test` only, an import sets it from the session
	On     bool // true where the text says nothing
	Once   bool // switched off with its first delivery
	// Ends is a date, or a date and a time as RFC 3339 has them, after which it never matches; "": it does not end.
	Ends string
	// HoldStarted is how long what says that a thing has begun waits for its end; 0: it does not wait.
	HoldStarted time.Duration

	To   []string // destinations as "backend:address"; empty: all of the owner's
	Line int      // in the text; 0 when it was not parsed
	// When are the schedules of its own, for single destinations.
	When []FileDestination
}
