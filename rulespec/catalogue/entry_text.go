package catalogue

import (
	"fmt"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// Source gives the entry of a kind as its file says it, with the variables of the application that it knows; an error
// for a kind that no entry describes.
func (c *Catalogue) Source(kind string) (string, error) {
	for _, a := range c.apps {
		for _, e := range a.entries {
			if e.kind == kind {
				return e.text(), nil
			}
		}
	}
	return "", fmt.Errorf("no kind %q in the catalogue; `notifyd catalogue list` shows them", kind)
}

func (e *entry) text() string {
	var b strings.Builder
	where := e.at.String()
	if e.at.embedded {
		where += ", built in"
	}
	line := func(key, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%-19s %s\n", key+":", strings.ReplaceAll(text, "\n", "\n                    "))
		}
	}
	line("kind", e.kind)
	line("name", e.name)
	line("application", e.app.title)
	line("keyword", string(e.keyword))
	line("entry", where)
	for _, p := range e.patterns {
		line("topic", p.Text)
	}
	for _, v := range e.allValues() {
		if v != nil {
			line(v.field, v.source)
		}
	}
	if e.constant != 0 {
		line("severity", e.constant.String())
	}
	if e.phase == nil {
		line("phase", string(e.constantPhase))
	}
	for _, p := range e.allProse() {
		if p != nil {
			line(p.field, p.source)
		}
	}
	if e.digest != nil {
		line("plural", e.digest.source)
	}
	for _, name := range values.Keys(e.needed()) {
		line("vars."+name, e.vars[name].source)
	}
	for _, name := range e.classic {
		line("classic", name)
	}
	return b.String()
}

// needed gives the variables that the entry's fields need, directly or through others.
func (e *entry) needed() map[string]bool {
	found := map[string]bool{}
	for _, v := range e.allValues() {
		if v != nil {
			e.addNeeded(found, v.Needs())
		}
	}
	for _, p := range e.allProse() {
		if p != nil {
			e.addNeeded(found, p.Needs())
		}
	}
	if e.digest != nil {
		e.addNeeded(found, e.digest.Needs)
	}
	return found
}

// addNeeded adds the variables among names, and those that these need.
func (e *entry) addNeeded(to map[string]bool, names []string) {
	for _, name := range names {
		if v := e.vars[name]; v != nil && !to[name] {
			to[name] = true
			e.addNeeded(to, v.Needs())
		}
	}
}
