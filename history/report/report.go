// Package report counts and lists what was said on the bus in a time, such as a week: who was most active, which
// packages changed hands, which badges were awarded.
//
// # The idea
//
// A report is data: one YAML file that says which messages count, how they are grouped, and, where the usual form does
// not do, a template. Three are built in; a site's folder adds others or replaces them, as with the catalogue.
//
//	report: builders
//	title: Who builds
//	window: week
//	rules: [app: buildsys]
//	sections:
//	  - title: Most builds
//	    group: actor
//	    top: 10
//	    columns:
//	      - title: Packages
//	        value: package
//
// It asks the history as a star query asks a data warehouse (R. Kimball, "The Data Warehouse Toolkit"): a window of
// time and conditions choose the facts, group is a dimension, and what is shown are aggregates. The conditions are the
// rules of filters (package rulespec) and expressions of the catalogue (package language).
//
//	set, err := report.Load(nil, env)               // the reports
//	desk := report.NewDesk(report.Config{...})      // who makes them
//	result, err := desk.Make(ctx, set.Find("this-week"), readers.Sources{}, since, until)
//	fmt.Print(result.Text())
//
// # What always holds
//
//   - A message of which it is not proved who sent it (marked) is not counted; the result says how many there were.
//   - Memory does not depend on the number of messages: groups, values, items and texts have bounds. Beyond the bound
//     on groups the small ones are forgotten, and counts are lower bounds (lossy counting: G. Manku, R. Motwani,
//     "Approximate Frequency Counts over Data Streams", 2002). The result says so.
//   - A report that groups by names reads the packed names of messages; only one with expressions or items reads whole
//     messages.
//   - All texts of a Result are one line each, without control characters; HTML is written by html/template.
//
// The manual is doc/reports.md.
package report

import (
	"time"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue/language"
)

// A Report is one report, checked and compiled. It is immutable and safe for concurrent use.
type Report struct {
	Name   string // this-week
	Title  string
	About  string
	Window Window
	Zone   *time.Location
	Own    bool   // a site's, not built in
	Source string // its file, as it was written

	rules    []rulespec.Rule // which messages count; nil: all
	vars     map[string]*language.Expression
	sections []section
	text     *layout // nil: the usual form
	html     *layout
}

// A section is a part of a report: a count, groups, a list of messages, or both.
type section struct {
	title, about string
	rules        []rulespec.Rule      // which of the messages that count belong to it; nil: all
	when         *language.Expression // nil: none
	group        *value               // nil: messages are only counted
	link         *language.Sentence   // of a group; nil: none
	label        string               // the heading of the groups
	top          int                  // groups that are shown
	byName       bool                 // groups are sorted by name, those of times in their order; otherwise by count
	uncounted    bool                 // how many messages a group has is not shown
	columns      []column
	span         bool // when each group was seen first and last
	items        int  // the last messages, at most so many
}

// A column says which values the messages of a group have, the most frequent first.
type column struct {
	title  string
	value  value
	top    int
	counts bool // how often each came stands behind it
}

// A value is what messages are grouped by: a field of the event, or an expression.
type value struct {
	field      string // "" where it is an expression
	expression *language.Expression
}

// whole reports whether a section needs whole messages; for their names alone much less is read.
func (s *section) whole() bool {
	needs := s.when != nil || s.items > 0 || s.group != nil && s.group.expression != nil
	for _, c := range s.columns {
		needs = needs || c.value.expression != nil
	}
	return needs
}

// The bounds of a report as it is written.
const (
	maxFile     = 64 << 10 // bytes of a file
	maxFiles    = 200      // of a folder
	maxSections = 20
	maxColumns  = 5
	maxVars     = 50
	maxTop      = 200 // groups, items and values that are shown
	maxTitle    = 120 // characters
	maxAbout    = 600
	defaultTop  = 20
)

// The bounds of one run.
const (
	mostGroups  = 60_000 // that are held at once, by all sections
	mostValues  = 60_000 // the same of the values in columns
	mostPerCell = 200    // different values of a column that one group holds
	maxKey      = 200    // bytes of a group's or a value's name
	maxSentence = 300    // characters of a message's sentence
)
