package readers

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxGroup bounds the name of a group, in bytes, as a directory does.
const maxGroup = 256

// Check says everything that is wrong with a configuration, a line each, with the key below the section.
func (c Config) Check() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	if c.Members && len(c.Groups) > 0 {
		bad("groups", "names groups while members is true: everybody who is signed in may see messages; "+
			"expected members: false")
	}
	checkGroups(bad, "groups", c.Groups)
	for _, name := range slices.Sorted(maps.Keys(c.Sources)) {
		key, rule := "sources."+name, c.Sources[name]
		switch {
		case name == "":
			bad("sources", "has an empty name; expected that of a source")
		case rule.Members && len(rule.Groups) > 0:
			bad(key, "has groups and members: true; expected one of them")
		}
		checkGroups(bad, key+".groups", rule.Groups)
	}
	return errors.Join(errs...)
}

func checkGroups(bad func(key, format string, args ...any), key string, groups []string) {
	for _, group := range groups {
		if group == "" || len(group) > maxGroup || strings.TrimSpace(group) != group || strings.HasPrefix(group, "@") {
			bad(key, "%q; expected the name of a group, without @", group)
		}
	}
}

// CheckSources gives the rules for sources that are not there, by the names of those that are.
func (c Config) CheckSources(known []string) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Sources)) {
		switch there := slices.Contains(known, name); {
		case !there && !c.Sources[name].Gone:
			errs = append(errs, fmt.Errorf("sources.%s: there is no source of this name; expected one of %s, or gone: true "+
				"where its messages are kept after it", name, list(known)))
		case there && c.Sources[name].Gone:
			errs = append(errs, fmt.Errorf("sources.%s.gone: true, and there is a source of this name; expected false", name))
		}
	}
	return errors.Join(errs...)
}

func list(names []string) string {
	if len(names) == 0 {
		return "none, as no source is configured"
	}
	return strings.Join(slices.Sorted(slices.Values(names)), ", ")
}
