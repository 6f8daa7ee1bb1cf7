package catalogue

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
)

// Check gives everything that is wrong with the embedded catalogue with site over it (which may be nil), sorted by place:
// mistakes that stop it from loading and, where there are none, entries that no message can reach because another entry
// takes every message of their topic.
func Check(site fs.FS) []error {
	c, err := Load(site)
	if err != nil {
		return split(err)
	}
	var found []error
	seen := map[*entry]bool{}
	c.tree.each(func(entries []*entry) {
		for i, e := range entries {
			for _, earlier := range entries[:i] {
				if earlier.when == nil && !seen[e] {
					seen[e] = true
					found = append(found, e.at.mistake("kind %s is never reached: %s, at %s:%d, has the same topic and no condition",
						e.kind, earlier.kind, earlier.at.file, earlier.at.line))
				}
			}
		}
	})
	slices.SortFunc(found, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return found
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
