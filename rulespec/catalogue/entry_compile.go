package catalogue

import "maps"

// entry compiles one entry. names are what the application's expressions know; the entry adds its captures and variables.
func (c *compiler) entry(a *app, s *entrySource, appNames map[string]bool) *entry {
	e := &entry{kind: s.kind(), name: s.one("name").text, app: a, at: s.at, examples: s.examples}
	names := maps.Clone(appNames)
	c.patterns(e, s, names)
	e.scope = c.variables(s.vars, names, a.vars)
	for _, p := range e.patterns {
		for _, w := range p.words {
			delete(e.scope, w.capture) // a capture hides the application's variable of that name
		}
	}
	for _, v := range s.values["classic"] {
		e.classic = append(e.classic, v.text)
	}
	if when, ok := s.values["when"]; ok {
		e.when = c.value("when", when[0], names)
	}
	if actor, ok := s.values["actor"]; ok {
		e.actor = c.value("actor", actor[0], names)
	}
	e.users = c.values("users", s, names)
	e.packages = c.values("packages", s, names)
	e.objects = c.values("objects", s, names)
	c.severity(e, s, names)
	e.summary = c.prose("summary", s.one("summary"), names)
	e.link = c.prose("link", s.one("link"), names)
	e.icon = c.prose("icon", s.one("icon"), names)
	e.secondaryIcon = c.prose("secondary_icon", s.one("secondary_icon"), names)
	e.group = c.values("group", s, names)
	e.plural = c.plural(s.one("plural"), names)
	return e
}

func (c *compiler) patterns(e *entry, s *entrySource, names map[string]bool) {
	var first map[string]bool
	for _, topic := range s.values["topic"] {
		p, err := parsePattern(topic.text)
		if err != nil {
			c.fail(topic.at, "%v", err)
			continue
		}
		captures := map[string]bool{}
		for _, w := range p.words {
			if w.capture == "" {
				continue
			}
			if captures[w.capture] {
				c.fail(topic.at, "topic %q captures %s twice", topic.text, w.capture)
			}
			captures[w.capture] = true
			c.declare(names, located{w.capture, topic.at})
		}
		if first != nil && !maps.Equal(first, captures) {
			c.fail(topic.at, "the topics of an entry must capture the same names")
		}
		first = captures
		e.patterns = append(e.patterns, p)
	}
}

func (c *compiler) values(field string, s *entrySource, names map[string]bool) []*value {
	var out []*value
	for _, v := range s.values[field] {
		if x := c.value(field, v, names); x != nil {
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
	e.severity = c.value("severity", given[0], names)
}
