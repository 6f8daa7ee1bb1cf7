package scan

import (
	"slices"

	"github.com/notifyd/notifyd/rulespec"
)

// maxKeys bounds the names that groups and owners are replaced by: a search for more is no quicker than one through all
// messages.
const maxKeys = 2000

// Keys gives values by field, all in fields, of which every event that the filter matches has one: what an index of
// the messages is asked for. They come from the most selective rule that has such keys. nil: none has; empty and not
// nil: no event matches, as for the packages of a person who owns none.
//
// A rule about a group or an owner is replaced by the users or packages that the directory says it stands for.
func (s *Scan) Keys(fields ...string) map[string][]string {
	var best map[string][]string
	least := 0
	for _, r := range slices.Concat(s.names, s.texts) {
		if r.not || best != nil && r.predicate.Selectivity >= least {
			continue
		}
		if keys := resolve(r.predicate.Keys, s.dir, fields); keys != nil {
			best, least = keys, r.predicate.Selectivity
		}
	}
	return best
}

// resolve gives values of fields for the keys of a rule; nil when there are none, or too many.
func resolve(keys []rulespec.Key, dir rulespec.Directory, fields []string) map[string][]string {
	if len(keys) == 0 {
		return nil
	}
	resolved, n := map[string][]string{}, 0
	for _, k := range keys {
		field, values, ok := k.Field, []string{k.Value}, true
		if !slices.Contains(fields, field) {
			field, values, ok = namesOf(k, dir)
			ok = ok && slices.Contains(fields, field) && n+len(values) <= maxKeys
		}
		if !ok {
			return nil
		}
		if n += len(values); len(values) > 0 {
			resolved[field] = append(resolved[field], values...)
		}
	}
	return resolved
}

// namesOf gives the users or packages of which an event with a derived key has one.
func namesOf(k rulespec.Key, dir rulespec.Directory) (field string, names []string, ok bool) {
	owned, knows := dir.(interface{ Packages(name string) []string })
	switch {
	case dir == nil:
		return "", nil, false
	case k.Field == "group":
		return "user", dir.Members(k.Value), true
	case k.Field == "ownergroup" && knows:
		return "package", owned.Packages("@" + k.Value), true
	case k.Field == "owner" && knows:
		names = slices.Clone(owned.Packages(k.Value))
		for _, group := range dir.Groups(k.Value) {
			names = append(names, owned.Packages("@"+group)...)
		}
		return "package", names, true
	}
	return "", nil, false
}
