package report

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/internal/yamltext"
	"github.com/notifyd/notifyd/rulespec/catalogue/language"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

var sectionKeys = []string{"title", "about", "rules", "when", "group", "label", "link", "top", "sort", "counts", "columns",
	"span", "items"}

var columnKeys = []string{"title", "value", "top", "counts"}

func (p *parser) sections(e yamltext.Entry) {
	list := p.List(e.Value, "sections is a list")
	if len(list) == 0 || len(list) > maxSections {
		p.fail(e.Node, "%d sections; want 1 to %d", len(list), maxSections)
		return
	}
	for _, n := range list {
		p.out.sections = append(p.out.sections, p.section(n))
	}
}

func (p *parser) section(n ast.Node) section {
	s, sort := section{}, ""
	for _, e := range p.pairs(n, "a section", sectionKeys) {
		switch e.Key {
		case "title":
			s.title = p.line(e, maxTitle)
		case "about":
			s.about = p.line(e, maxAbout)
		case "label":
			s.label = p.line(e, 40)
		case "rules":
			s.rules = p.rules(e.Value)
		case "when":
			s.when = p.expression(e)
		case "group":
			v := p.value(e)
			s.group = &v
		case "link":
			s.link = p.link(e)
		case "top":
			s.top = p.number(e, maxTop)
		case "sort":
			sort = p.choice(e, "count", "name")
		case "counts":
			s.uncounted = !p.truth(e)
		case "columns":
			s.columns = p.columns(e)
		case "span":
			s.span = p.truth(e)
		case "items":
			s.items = p.number(e, maxTop)
		}
	}
	p.complete(n, &s, sort)
	return s
}

// complete fills in what a section leaves out, and finds what it lacks.
func (p *parser) complete(n ast.Node, s *section, sort string) {
	if s.title == "" {
		p.fail(n, "the section has no title")
	}
	if s.group == nil {
		if s.link != nil || len(s.columns) > 0 || s.span || sort != "" || s.uncounted || s.label != "" ||
			s.top > 0 {
			p.fail(n, "the section has no group, so link, label, top, sort, counts, columns and span say nothing")
		}
		return
	}
	_, isTime := times[s.group.field]
	s.byName = sort == "name" || isTime && sort == ""
	if s.top == 0 && isTime {
		s.top = maxTop
	} else if s.top == 0 {
		s.top = defaultTop
	}
	if s.label == "" {
		s.label = fields[s.group.field]
	}
	if s.label == "" {
		s.label = "Name"
	}
}

// value reads the name of a field, or an expression.
func (p *parser) value(e yamltext.Entry) value {
	source, ok := p.block(e)
	if _, field := fields[source]; ok && field {
		return value{field: source}
	}
	return value{expression: p.expression(e)}
}

// link reads a sentence over the name of a group, key.
func (p *parser) link(e yamltext.Entry) *language.Sentence {
	source, ok := p.block(e)
	if !ok {
		return nil
	}
	x, err := language.CompileSentence(source, map[string]bool{"key": true})
	if err != nil {
		p.fail(e.Value, "link: %v", err)
		return nil
	}
	if !strings.HasPrefix(source, "{{") && values.Link(strings.NewReplacer("{", "", "}", "").Replace(source)) == "" {
		p.fail(e.Value, "link: want an absolute http or https URL")
	}
	return x
}

func (p *parser) choice(e yamltext.Entry, choices ...string) string {
	s, _ := p.Text(e.Value, e.Key+" is a word")
	if !slices.Contains(choices, s) {
		p.fail(e.Value, "%s: %q; want %s", e.Key, s, strings.Join(choices, " or "))
	}
	return s
}

func (p *parser) columns(e yamltext.Entry) (columns []column) {
	list := p.List(e.Value, "columns is a list")
	if len(list) > maxColumns {
		p.fail(e.Node, "%d columns; at most %d", len(list), maxColumns)
		return nil
	}
	for _, n := range list {
		c, has := column{top: 5, counts: true}, false
		for _, e := range p.pairs(n, "a column", columnKeys) {
			switch e.Key {
			case "title":
				c.title = p.line(e, 40)
			case "value":
				c.value, has = p.value(e), true
			case "top":
				c.top = p.number(e, maxTop)
			case "counts":
				c.counts = p.truth(e)
			}
		}
		if c.title == "" {
			c.title = fields[c.value.field]
		}
		if !has || c.title == "" {
			p.fail(n, "a column needs a value, and a title where that is an expression")
		}
		columns = append(columns, c)
	}
	return columns
}
