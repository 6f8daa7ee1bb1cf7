package report

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/rulespec/catalogue/language"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A Config is what reports are made of.
type Config struct {
	Store     *history.Store
	Describe  func(*bus.Message) *catalogue.Event // of a message whose names are not stored
	Directory func() rulespec.Directory           // the current one; nil, or a function that gives nil: there is none
	KindName  func(kind string) string            // what people call a kind of message; "": no name
	AppName   func(app string) string             // the same of an application
	Now       func() time.Time
	Log       *slog.Logger // nil: silent
	Most      int          // messages that one run reads at most; 0: no bound
}

// maker makes results.
type maker struct{ Config }

// make makes the report of the messages of some sources that were sent since a time and until another.
func (m *maker) make(
	ctx context.Context, r *Report, among readers.Sources, since, until, before time.Time,
) (*Result, error) {
	now := m.Now()
	out := &Result{Name: r.Name, Title: r.Title, About: r.About, Since: since, Until: until, Zone: r.Zone.String(),
		Made: now.UTC(), Finished: !until.After(now), zone: r.Zone, report: r}
	if out.Finished {
		out.Title = over(r.Title)
	}
	begins, err := m.begins(ctx, among)
	if err != nil {
		return nil, err
	}
	if begins.After(since) {
		out.Begins = begins
	}
	out.empty = begins.IsZero()
	out.Compared = !begins.IsZero() && !begins.After(before)
	found, all, err := m.collect(ctx, r, among, since, until, false)
	if err != nil {
		return nil, err
	}
	out.Counted, out.Marked, out.Cut = found.counted, found.marked, !all
	var earlier *collector
	if out.Compared = out.Compared && all; out.Compared {
		end := since
		if elapsed := now.Sub(since); !out.Finished && elapsed > 0 && before.Add(elapsed).Before(since) {
			end = before.Add(elapsed) // so much of the window before as there is of this one
		}
		if earlier, all, err = m.collect(ctx, r, among, before, end, true); err != nil {
			return nil, err
		}
		if out.Before, out.Compared = earlier.counted, all; !all {
			earlier = nil
		}
	}
	for i, p := range found.parts {
		var old *part
		if earlier != nil {
			old = earlier.parts[i]
		}
		out.Sections = append(out.Sections, m.section(p, old))
	}
	return out, nil
}

// begins gives the time of the oldest message; zero where there is none.
func (m *maker) begins(ctx context.Context, among readers.Sources) (time.Time, error) {
	oldest, err := m.Store.Select(ctx, history.Selection{OldestFirst: true, Among: among}, 0, 1)
	if err != nil {
		return time.Time{}, fmt.Errorf("find the beginning of the history: %w", err)
	}
	if len(oldest) == 0 {
		return time.Time{}, nil
	}
	return oldest[0].Time, nil
}

func (m *maker) collect(
	ctx context.Context, r *Report, among readers.Sources, since, until time.Time, counting bool,
) (c *collector, all bool, err error) {
	var dir rulespec.Directory
	if m.Directory != nil {
		dir = m.Directory()
	}
	if c, err = newCollector(r, rulespec.Env{}, dir, counting); err != nil {
		return nil, false, fmt.Errorf("report %s: %w", r.Name, err)
	}
	all, err = m.Store.Visit(ctx, history.VisitQuery{
		Since: since, Until: until, Among: among, Most: m.Most, Describe: m.Describe,
	}, c)
	if err != nil {
		return nil, false, fmt.Errorf("report %s: %w", r.Name, err)
	}
	return c, all, nil
}

// section gives what a part has found. old is that of the window before, nil where it is not known.
func (m *maker) section(p, old *part) Section {
	s := Section{Title: p.title, About: p.about, Total: p.total, Span: p.span, Items: p.items,
		grouped: p.tally != nil, listed: p.section.items > 0, uncounted: p.uncounted}
	if old != nil {
		s.Before = old.total
	}
	if p.tally == nil {
		return s
	}
	s.Label, s.Groups, s.Inexact = p.label, len(p.tally.groups), p.tally.inexact
	s.vague = s.Inexact || old != nil && old.tally.inexact
	for _, c := range p.columns {
		s.Columns = append(s.Columns, c.title)
	}
	count := func(g *group) int { return g.count }
	for _, key := range top(p.tally.groups, count, m.order(p.section), p.top) {
		g := p.tally.groups[key]
		row := Row{Key: key, Name: m.name(p.group.field, key), Link: linkOf(p.link, key), Count: g.count,
			First: g.first.UTC(), Last: g.last.UTC()}
		if old != nil {
			if before := old.tally.groups[key]; before != nil {
				row.Before = before.count
			}
		}
		for i := range p.columns {
			row.Cells = append(row.Cells, m.cell(&p.columns[i], g, i))
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}

func (m *maker) cell(c *column, g *group, at int) Cell {
	cell := Cell{Values: []Value{}, Counts: c.counts, unkept: g.unkept}
	if g.columns == nil {
		return cell
	}
	found := g.columns[at]
	for _, name := range top(found, func(n int) int { return n }, nil, c.top) {
		cell.Values = append(cell.Values, Value{m.name(c.value.field, name), found[name]})
	}
	cell.More = len(found) - len(cell.Values)
	return cell
}

// order gives how groups follow each other: nil where by count.
func (m *maker) order(s *section) func(a, b string) int {
	if !s.byName {
		return nil
	}
	if order := times[s.group.field]; order != nil {
		return order
	}
	return func(a, b string) int { return strings.Compare(m.name(s.group.field, a), m.name(s.group.field, b)) }
}

// name gives what people call a value of a field.
func (m *maker) name(field, key string) string {
	name := ""
	switch {
	case field == "kind" && m.KindName != nil:
		name = m.KindName(key)
	case field == "app" && m.AppName != nil:
		name = m.AppName(key)
	}
	if name == "" {
		return key
	}
	return clean(name)
}

// linkOf fills the name of a group into a link; "" where that makes none, as a name that was cut.
func linkOf(x *language.Sentence, key string) string {
	if x == nil || strings.HasSuffix(key, text.Ellipsis) {
		return ""
	}
	s := language.NewScope(nil, keyed(key))
	link, err := x.Render(&s)
	if err != nil {
		return ""
	}
	return values.Link(link)
}

// keyed is the variable of a link.
type keyed string

// Compute implements language.Variables.
func (k keyed) Compute(string) any { return string(k) }
