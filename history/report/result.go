package report

import (
	"time"
)

// A Result is a report of one window. It is immutable: what it shows was cleaned.
type Result struct {
	Name     string    `json:"report"`
	Title    string    `json:"title"`
	About    string    `json:"about,omitempty"`
	Since    time.Time `json:"since"` // inclusive
	Until    time.Time `json:"until"` // exclusive
	Zone     string    `json:"zone"`
	Made     time.Time `json:"made"`
	Finished bool      `json:"finished"` // the window was over when it was made
	Counted  int       `json:"messages"` // in all sections, each message once
	Marked   int       `json:"not_proved"`
	// Before is Counted of the window before; only where Compared.
	Before   int  `json:"messages_before"`
	Compared bool `json:"compared"` // the history has all of the window before
	// Begins is when the history begins, where that is after Since.
	Begins   time.Time `json:"history_begins,omitzero"`
	Cut      bool      `json:"cut"` // there were more messages than a report reads
	Sections []Section `json:"sections"`

	zone   *time.Location
	report *Report
	empty  bool // the history is
}

// A Section is a part of a Result.
type Section struct {
	Title   string   `json:"title"`
	About   string   `json:"about,omitempty"`
	Total   int      `json:"messages"`
	Before  int      `json:"messages_before"`
	Label   string   `json:"label,omitempty"` // heading of the groups
	Columns []string `json:"columns,omitempty"`
	Span    bool     `json:"-"`
	Rows    []Row    `json:"groups,omitempty"`
	Groups  int      `json:"groups_in_all"` // those shown, and others
	// Inexact says that there were more groups than a report holds: counts are lower bounds, and Groups is one.
	Inexact bool   `json:"inexact"`
	Items   []Item `json:"items,omitempty"`

	grouped, listed, uncounted bool

	vague bool // the counts of groups, or those before, are lower bounds: they cannot be compared
}

// A Row is a group.
type Row struct {
	Key    string    `json:"key"`
	Name   string    `json:"name"` // as people read it
	Link   string    `json:"link,omitempty"`
	Count  int       `json:"count"`
	Before int       `json:"count_before"`
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
	Cells  []Cell    `json:"cells,omitempty"`
}

// A Cell is the values of a column in one group, the most frequent first.
type Cell struct {
	Values []Value `json:"values"`
	More   int     `json:"more"`
	Counts bool    `json:"-"`

	unkept bool // there were more than a report holds: More is a lower bound
}

// A Value is one of a Cell.
type Value struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// An Item is a message in a list.
type Item struct {
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
	Text string    `json:"text"`
	Link string    `json:"link,omitempty"`
}
