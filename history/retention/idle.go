package retention

import (
	"fmt"
	"slices"
	"strings"
)

// Idle says of each rule that will decide of no message why that is: an earlier one fits all that it fits, or there is
// no such source or kind. Sources nil means that they are not known. A kind that the catalogue does not know is the
// unknown of its application.
func (s *Rules) Idle(sources, kinds []string) []string {
	var found []string
	if s == nil {
		return nil
	}
	for i, r := range s.list {
		say := func(format string, args ...any) {
			found = append(found, fmt.Sprintf("[%d] (%s) fits no message: ", i, r)+fmt.Sprintf(format, args...))
		}
		shadow := slices.IndexFunc(s.list[:i], func(earlier compiled) bool { return earlier.fitsAll(r, kinds) })
		switch {
		case shadow >= 0:
			say("[%d] (%s) comes first and fits all of them", shadow, s.list[shadow])
		case r.Source != "" && sources != nil && !slices.Contains(sources, r.Source):
			say("no source has the name %s; there are %s", r.Source, strings.Join(sources, ", "))
		case r.kind != nil && !slices.ContainsFunc(kinds, r.kind.matches) && !r.kind.matchesUnknown():
			say("the catalogue has no kind %s", r.Kind)
		}
	}
	return found
}

// fitsAll reports whether a rule fits every message that another fits, as far as that can be seen.
func (c compiled) fitsAll(other compiled, kinds []string) bool {
	if c.Source != "" && c.Source != other.Source || !c.topic.covers(other.topic) {
		return false
	}
	if c.kind.covers(other.kind) {
		return true
	}
	some := false // of the kinds that there are
	for _, kind := range kinds {
		if other.kind.matches(kind) {
			if some = true; !c.kind.matches(kind) {
				return false
			}
		}
	}
	return some && !other.kind.matchesUnknown()
}

// matchesUnknown reports whether a pattern matches the unknown messages of some application that is not known yet.
func (p pattern) matchesUnknown() bool {
	app := "another"
	if len(p) > 0 && p[0] != "*" && p[0] != "#" {
		app = p[0]
	}
	return p.matches(app + ".unknown")
}
