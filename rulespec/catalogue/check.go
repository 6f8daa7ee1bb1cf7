package catalogue

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
)

// Check gives everything that is wrong with the embedded catalogue with sites over it, sorted by position. Mistakes
// that stop it from loading come alone. Otherwise it finds entries that no message reaches, topics that two entries
// claim, examples that another entry takes, and fields that are empty on every example. A nil site is none. Only the
// entries of sites are tried on their examples, because the tests do that for the embedded ones.
func Check(sites ...fs.FS) []error {
	c, err := Load(sites...)
	if err != nil {
		return split(err)
	}
	found := c.checkTopics()
	for _, a := range c.apps {
		for _, e := range a.entries {
			if !e.at.embedded {
				found = append(found, c.checkExamples(e)...)
				found = append(found, checkLinks(e)...)
			}
		}
	}
	slices.SortFunc(found, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return found
}

// checkTopics finds entries that never get a message because another one takes all of its topic's.
func (c *Catalogue) checkTopics() []error {
	taken := map[*entry]*entry{} // by which entry; of several, the first in the order of the files
	own := map[*entry]int{}      // how many topics of an entry are its own
	c.tree.Each(func(entries []*entry) {
		for i, e := range entries {
			j := slices.IndexFunc(entries[:i], func(earlier *entry) bool { return takesAll(earlier, e) })
			if j < 0 {
				own[e]++
			} else if by := taken[e]; by == nil || entries[j].at.before(by.at) { // the tree has no order of its own
				taken[e] = entries[j]
			}
		}
	})
	var found []error
	for e, by := range taken {
		switch {
		case by.at.embedded || !e.at.embedded:
			what := "is never reached"
			if own[e] > 0 {
				what = "shares a topic with another"
			}
			found = append(found,
				e.at.mistake("kind %s %s: %s, at %s, comes first and takes every message", e.kind, what, by.kind, by.at))
		default: // the site's own entry is where the operator looks
			found = append(found,
				by.at.mistake("kind %s takes the messages of %s, so filters for that kind would match nothing: give the entry "+
					"the same kind, or a condition",
					by.kind, e.kind))
		}
	}
	return found
}

// takesAll says whether earlier leaves nothing of their common topic to e.
func takesAll(earlier, e *entry) bool {
	return earlier != e &&
		(earlier.when == nil || e.when != nil && earlier.when.source == e.when.source && earlier.at.file == e.at.file)
}

// checkLinks finds links that are whole on no message, because of how they begin.
func checkLinks(e *entry) []error {
	var found []error
	for _, link := range e.links {
		start, _, _ := strings.Cut(strings.TrimSpace(link.source), "{{")
		start, _, _ = strings.Cut(start, "[")
		if !strings.HasPrefix(start, "https://") && !strings.HasPrefix(start, "http://") &&
			!strings.HasPrefix("https://", start) {
			found = append(found, link.at.mistake("link of %s can never be whole: it begins with %q, and a link begins with "+
				"https:// or http://", e.kind, start))
		}
	}
	return found
}

// checkExamples tries an entry on its examples.
func (c *Catalogue) checkExamples(e *entry) []error {
	examples, err := c.Examples(e.kind)
	if err != nil {
		return []error{err}
	}
	var found []error
	said := map[position]bool{} // fields that came out on some example
	last := map[position]Outcome{}
	hits := 0
	for _, x := range examples {
		t := c.Try(x.Message)
		if t.Event.Kind != e.kind {
			if x.at.Line > 0 {
				found = append(found, x.at.mistake("this example of %s is described by %s", e.kind, t.Event.Kind))
			}
			continue
		}
		hits++
		for _, o := range t.Fields {
			said[o.at] = said[o.at] || o.Err == nil && o.Text != "" && o.Text != "false"
			last[o.at] = o
		}
	}
	for at, o := range last {
		switch {
		case said[at], o.Err == nil && o.people:
		case o.Err != nil:
			found = append(found, at.mistake("%s of %s fails on every example (%d): %v", o.Field, e.kind, hits, o.Err))
		case o.Unfit != "":
			found = append(found, at.mistake("%s of %s cannot be used on any example (%d): %s", o.Field, e.kind, hits, o.Unfit))
		default:
			found = append(found, at.mistake("%s of %s is empty on every example (%d)", o.Field, e.kind, hits))
		}
	}
	return found
}

// WithoutExamples lists the kinds of sites that have no example. Their fields cannot be checked.
func (c *Catalogue) WithoutExamples() []string {
	var kinds []string
	for _, a := range c.apps {
		for _, e := range a.entries {
			if found, err := c.Examples(e.kind); !e.at.embedded && err == nil && len(found) == 0 {
				kinds = append(kinds, e.kind)
			}
		}
	}
	return kinds
}

// WithoutKeyword lists the kinds of sites that have no keyword, so that nobody finds them by it.
func (c *Catalogue) WithoutKeyword() []string {
	var kinds []string
	for _, k := range c.Kinds() {
		if k.Own && k.Keyword == "" {
			kinds = append(kinds, k.Kind)
		}
	}
	return kinds
}

// split takes joined errors apart.
func split(err error) []error {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, split(e)...)
	}
	return out
}
