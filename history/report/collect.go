package report

import (
	"fmt"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/rules/scan"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A collector is the history.Visitor of one run: it asks each message which sections it belongs to, and counts.
type collector struct {
	report   *Report
	filter   *scan.Scan // nil: every message counts
	parts    []*part
	counted  int // messages that count
	marked   int // messages that would, but it is not proved who sent them
	counting bool
	whole    bool // some part, or the filter, needs whole messages
}

// A part is what a collector holds for one section.
type part struct {
	*section
	filter *scan.Scan // nil: all that count
	tally  *tally     // nil: no groups
	total  int
	items  []Item
	late   bool // it is decided by whole messages
}

// newCollector makes a collector. With counting it counts groups, and keeps neither columns nor items.
func newCollector(r *Report, env rulespec.Env, dir rulespec.Directory, counting bool) (*collector, error) {
	c := &collector{report: r, counting: counting}
	var err error
	if c.filter, err = filterOf(env, dir, r.rules); err != nil {
		return nil, err
	}
	groups := 0
	for i := range r.sections {
		if r.sections[i].group != nil {
			groups++
		}
	}
	left := mostValues
	for i := range r.sections {
		p := &part{section: &r.sections[i]}
		if p.filter, err = filterOf(env, dir, p.rules); err != nil {
			return nil, fmt.Errorf("section %q: %w", p.title, err)
		}
		if p.group != nil {
			p.tally = newTally(mostGroups/groups, &left)
		}
		p.late = p.section.whole()
		c.whole = c.whole || p.late
		c.parts = append(c.parts, p)
	}
	return c, nil
}

func filterOf(env rulespec.Env, dir rulespec.Directory, rules []rulespec.Rule) (*scan.Scan, error) {
	if len(rules) == 0 {
		return nil, nil
	}
	return scan.New(env, dir, rulespec.Filter{Name: "report", Rules: rules})
}

// Keys implements history.Visitor. Where the report itself has no rule with keys, each message that counts for
// anything has a key of some section.
func (c *collector) Keys(fields ...string) map[string][]string {
	if c.filter != nil {
		if keys := c.filter.Keys(fields...); keys != nil || c.countsAll() {
			return keys
		}
	}
	if c.countsAll() {
		return nil
	}
	all := map[string][]string{}
	for _, p := range c.parts {
		keys := p.filter.Keys(fields...)
		if keys == nil {
			return nil
		}
		for field, names := range keys {
			all[field] = append(all[field], names...)
		}
	}
	return all
}

// countsAll reports whether some section takes every message that counts.
func (c *collector) countsAll() bool {
	for _, p := range c.parts {
		if p.filter == nil {
			return true
		}
	}
	return false
}

// An answer is what is known of a message and a filter.
type answer int

const (
	no answer = iota
	yes
	open // the whole message must decide
)

func byNames(f *scan.Scan, e *catalogue.Event) answer {
	if f == nil {
		return yes
	}
	matches, sure := f.Names(e)
	switch {
	case !matches:
		return no
	case !sure:
		return open
	}
	return yes
}

// Names implements history.Visitor.
func (c *collector) Names(e *catalogue.Event) (whole bool) {
	in := byNames(c.filter, e)
	if in == no {
		return false
	}
	if in == open {
		return true
	}
	some := false
	for _, p := range c.parts { // first whether names alone decide: a message counts once
		switch answered := byNames(p.filter, e); {
		case answered == no:
		case answered == open || p.late && !e.Standing.Marked:
			return true
		default:
			some = true
		}
	}
	if some {
		c.count(e, func(p *part) bool { return byNames(p.filter, e) == yes }, nil)
	}
	return false
}

// Whole implements history.Visitor. What Names has counted does not come here.
func (c *collector) Whole(e *catalogue.Event, _ bool) error {
	if c.filter != nil && !c.filter.Match(e) {
		return nil
	}
	s := c.report.scope(e)
	belongs := map[*part]bool{}
	for _, p := range c.parts {
		if (p.filter == nil || p.filter.Match(e)) && (p.when == nil || values.Truthy(s.eval(p.when))) {
			belongs[p] = true
		}
	}
	if len(belongs) > 0 {
		c.count(e, func(p *part) bool { return belongs[p] }, s)
	}
	return nil
}

// count counts a message for the parts that it belongs to. s is nil where only its names are known.
func (c *collector) count(e *catalogue.Event, belongs func(*part) bool, s *scope) {
	if e.Standing.Marked {
		c.marked++
		return
	}
	c.counted++
	for _, p := range c.parts {
		if !belongs(p) {
			continue
		}
		if p.tally != nil && !c.addGroups(p, e, s) {
			continue // it is in none: nobody has done it, it is about no package
		}
		p.total++
		if len(p.items) < p.section.items && !c.counting {
			p.items = append(p.items, itemOf(e))
		}
	}
}

// addGroups counts a message for its groups, and reports whether it has any.
func (c *collector) addGroups(p *part, e *catalogue.Event, s *scope) bool {
	keys := p.group.of(e, c.report, s)
	for _, key := range keys {
		g := p.tally.add(key, e.Time)
		if c.counting {
			continue
		}
		for i := range p.columns {
			for _, value := range p.columns[i].value.of(e, c.report, s) {
				p.tally.addValue(g, i, len(p.columns), value)
			}
		}
	}
	return len(keys) > 0
}

// itemOf gives a message as it stands in a list.
func itemOf(e *catalogue.Event) Item {
	prose := e.Prose()
	item := Item{ID: e.ID, Time: e.Time.UTC(), Link: values.Link(prose.Link)}
	item.Text = text.ElideRunes(text.OneLine(text.CutBytes(prose.Summary, 8*maxSentence)), maxSentence)
	if item.Text == "" {
		item.Text = clean(e.Topic)
	}
	return item
}
