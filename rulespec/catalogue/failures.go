package catalogue

import (
	"slices"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A Failure is a field of a kind that could not be computed, and for how many messages.
type Failure struct {
	Kind  string // "" for a variable of the application
	App   string
	Field string // summary, users, vars.update, …
	Count uint64 // since the catalogue was loaded
}

// Failures lists the fields that failed at least once. Their number is bounded by the catalogue's own size.
func (c *Catalogue) Failures() []Failure {
	var out []Failure
	for _, a := range c.apps {
		for _, name := range values.Keys(a.vars) {
			out = c.appendFailure(out, a, "", a.vars[name].origin)
		}
		for _, e := range a.entries {
			for _, name := range values.Keys(e.vars) {
				if v := e.vars[name]; v != a.vars[name] {
					out = c.appendFailure(out, a, e.kind, v.origin)
				}
			}
			for _, v := range e.allValues() {
				if v != nil {
					out = c.appendFailure(out, a, e.kind, v.origin)
				}
			}
			for _, p := range e.allProse() {
				if p != nil {
					out = c.appendFailure(out, a, e.kind, p.origin)
				}
			}
		}
	}
	return out
}

func (c *Catalogue) appendFailure(out []Failure, a *app, kind string, f origin) []Failure {
	if n := c.failures[a][f.number].Load(); n > 0 {
		out = append(out, Failure{Kind: kind, App: a.name, Field: f.field, Count: n})
	}
	return out
}

// failed counts a field that could not be computed for a message.
func (c *Catalogue) failed(a *app, f origin) { c.failures[a][f.number].Add(1) }

// A LeftOut says how often something was left out of what an application's messages say, because they had nothing for
// it. Optional parts are left out all the time; a sudden change tells that the application's messages have changed.
type LeftOut struct {
	App   string
	Field string // summary or link
	Count uint64 // since the catalogue was loaded
}

// LeftOut lists what was left out at least once, of two fields an application.
func (c *Catalogue) LeftOut() []LeftOut {
	var out []LeftOut
	for _, a := range c.apps {
		for i, field := range leftFields {
			if n := c.left[a][i].Load(); n > 0 {
				out = append(out, LeftOut{App: a.name, Field: field, Count: n})
			}
		}
	}
	return out
}

// leftFields are the fields of which parts may be left out, in the order of the counters.
var leftFields = [2]string{"summary", "link"}

// countLeft counts a message whose sentence or link lacks something.
func (c *Catalogue) countLeft(a *app, left []string) {
	for i, field := range leftFields {
		isLink := field == "link"
		if slices.ContainsFunc(left, func(part string) bool { return part == "link" == isLink }) {
			c.left[a][i].Add(1)
		}
	}
}
