package catalogue

import (
	"slices"
	"strings"
)

// Classic gives the kinds of message that stand for a rule of classic FMN, in the order of the catalogue.
func (c *Catalogue) Classic(rule string) []string {
	var kinds []string
	for _, e := range c.classic(rule) {
		kinds = append(kinds, e.kind)
	}
	return kinds
}

// ClassicTopic gives the kinds that stand for a rule of classic FMN that looks only at the topic. exact means that
// these kinds take every message of that topic (the part after root and environment) and no other message. A rule about
// the kinds and a rule about the topic are then the same.
func (c *Catalogue) ClassicTopic(rule, topic string) (kinds []string, exact bool) {
	stand := c.classic(rule)
	for _, e := range stand {
		kinds = append(kinds, e.kind)
		for _, p := range e.patterns {
			if !p.Only(topic) {
				return kinds, false
			}
		}
	}
	closed := c.tree.Find(strings.Split(topic, "."), func(e *entry) bool {
		exact = slices.Contains(stand, e)
		return !exact || e.when == nil
	})
	return kinds, closed && exact
}

// ClassicApp reports whether the messages of an application are exactly those whose topics begin with its name, after
// root and environment. FMN's rule about that word and ours about the application are then the same.
func (c *Catalogue) ClassicApp(name string) bool {
	for _, a := range c.apps {
		for _, e := range a.entries {
			for _, p := range e.patterns {
				for _, first := range p.Apps() {
					if (a.name == name) != (first == name) {
						return false
					}
				}
			}
		}
	}
	return true
}

func (c *Catalogue) classic(rule string) []*entry {
	var found []*entry
	for _, a := range c.apps {
		for _, e := range a.entries {
			if slices.Contains(e.classic, rule) {
				found = append(found, e)
			}
		}
	}
	return found
}
