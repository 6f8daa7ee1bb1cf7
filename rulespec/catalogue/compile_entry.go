package catalogue

import (
	"maps"

	"github.com/notifyd/notifyd/rulespec/catalogue/language"
	"github.com/notifyd/notifyd/rulespec/catalogue/topics"
)

// entry compiles one entry. names are what the application's expressions know; the entry adds its captures and
// variables.
func (c *compiler) entry(a *app, s *entrySource, appNames map[string]bool) *entry {
	e := &entry{kind: s.kind(), name: s.one("name").text, app: a, at: s.at, examples: s.examples}
	names := maps.Clone(appNames)
	c.patterns(e, s, names)
	e.vars = c.variables(s.vars, names, a.vars)
	for _, p := range e.patterns {
		for _, name := range p.Names() {
			delete(e.vars, name) // a capture hides the application's variable of that name
		}
	}
	e.keyword = a.keyword
	if own := s.one("keyword"); own.text != "" {
		e.keyword = c.keyword(own)
	}
	for _, v := range s.values["classic"] {
		e.classic = append(e.classic, v.text)
	}
	if when, ok := s.values["when"]; ok {
		e.when = c.expression("when", when[0], names)
	}
	if actor, ok := s.values["actor"]; ok {
		e.actor = c.expression("actor", actor[0], names)
	}
	e.users = c.expressions("users", s, names)
	e.packages = c.expressions("packages", s, names)
	e.objects = c.expressions("objects", s, names)
	c.severity(e, s, names)
	c.phase(e, s, names)
	c.roles(e, s, names)
	e.summary = c.sentence("summary", s.one("summary"), names)
	for _, link := range s.values["link"] {
		if x := c.link("link", link, names); x != nil {
			e.links = append(e.links, x)
		}
	}
	e.icon = c.link("icon", s.one("icon"), names)
	e.secondaryIcon = c.link("secondary_icon", s.one("secondary_icon"), names)
	e.group = c.expressions("group", s, names)
	e.digest = c.digest(s.one("plural"), names)
	return e
}

func (c *compiler) patterns(e *entry, s *entrySource, names map[string]bool) {
	var first map[string]bool
	for _, topic := range s.values["topic"] {
		p, err := topics.Parse(topic.text)
		if err != nil {
			c.fail(topic.at, "%v", err)
			continue
		}
		captures := map[string]bool{}
		for _, name := range p.Names() {
			if captures[name] {
				c.fail(topic.at, "topic %q captures %s twice", topic.text, name)
			}
			captures[name] = true
			c.declare(names, located{name, topic.at})
		}
		if first != nil && !maps.Equal(first, captures) {
			c.fail(topic.at, "the topics of an entry must capture the same names")
		}
		first = captures
		e.patterns = append(e.patterns, p)
	}
}

func (c *compiler) expressions(field string, s *entrySource, names map[string]bool) []*fieldExpression {
	var out []*fieldExpression
	for _, v := range s.values[field] {
		if x := c.expression(field, v, names); x != nil {
			out = append(out, x)
		}
	}
	return out
}

func (c *compiler) severity(e *entry, s *entrySource, names map[string]bool) {
	given, ok := s.values["severity"]
	if !ok || len(given) == 0 {
		return
	}
	if constant, err := ParseSeverity(given[0].text); err == nil {
		e.constant = constant
		return
	}
	e.severity = c.expression("severity", given[0], names)
}

// origin numbers a field of the app in hand.
func (c *compiler) origin(name string, s located) origin {
	c.fields++
	return origin{name, s.at, s.text, c.fields - 1}
}

func (c *compiler) expression(field string, s located, names map[string]bool) *fieldExpression {
	x, err := language.Compile(s.text, names)
	if err != nil {
		c.fail(s.at, "%s: %v", field, err)
		return nil
	}
	return &fieldExpression{Expression: x, origin: c.origin(field, s)}
}

func (c *compiler) sentence(field string, s located, names map[string]bool) *fieldSentence {
	return c.compiled(field, s, names, language.CompileSentence)
}

// link compiles a sentence that gives a URL.
func (c *compiler) link(field string, s located, names map[string]bool) *fieldSentence {
	return c.compiled(field, s, names, language.CompileLink)
}

func (c *compiler) compiled(field string, s located, names map[string]bool,
	compile func(string, map[string]bool) (*language.Sentence, error)) *fieldSentence {
	if s.text == "" {
		return nil
	}
	x, err := compile(s.text, names)
	if err != nil {
		c.fail(s.at, "%s: %v", field, err)
		return nil
	}
	return &fieldSentence{x, c.origin(field, s)}
}

// digest compiles the sentence about several, which can mention the entry's own variables only.
func (c *compiler) digest(s located, names map[string]bool) *fieldDigest {
	if s.text == "" {
		return nil
	}
	own := maps.Clone(names)
	for _, name := range given {
		delete(own, name)
	}
	x, err := language.CompileDigest(s.text, own)
	if err != nil {
		c.fail(s.at, "plural: %v", err)
		return nil
	}
	return &fieldDigest{x, origin{"plural", s.at, s.text, -1}}
}
