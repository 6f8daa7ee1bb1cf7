package rules

import (
	"slices"

	"github.com/notifyd/notifyd/rulespec"
)

// narrowMost bounds the keys that groups and owners are spelled out to: a search for more is no quicker than one through all.
const narrowMost = 2000

// Keys gives keys, all in fields, of which every event that the filter matches has one: what a search of the history looks
// up before it asks the filter itself. They come from the rarest rule that has such keys. nil: none has; empty and not
// nil: no event matches, such as for the packages of somebody who owns none.
//
// A rule about a group or an owner is spelled out, as the directory has it, to the users or packages that it stands for.
func (s *Sieve) Keys(fields ...string) []rulespec.Key {
	var best []rulespec.Key
	odds := 0
	for _, r := range slices.Concat(s.names, s.texts) {
		if r.not || best != nil && r.predicate.Selectivity >= odds {
			continue
		}
		if keys, ok := spell(r.predicate.Keys, s.dir, fields); ok {
			best, odds = keys, r.predicate.Selectivity
		}
	}
	return best
}

// spell gives keys in fields that stand for those of a rule; false when there are none, or too many.
func spell(keys []rulespec.Key, dir rulespec.Directory, fields []string) ([]rulespec.Key, bool) {
	if len(keys) == 0 {
		return nil, false
	}
	spelled := []rulespec.Key{}
	for _, k := range keys {
		if slices.Contains(fields, k.Field) {
			spelled = append(spelled, k)
			continue
		}
		field, names, ok := standFor(k, dir)
		if !ok || !slices.Contains(fields, field) || len(spelled)+len(names) > narrowMost {
			return nil, false
		}
		for _, name := range names {
			spelled = append(spelled, rulespec.Key{Field: field, Value: name})
		}
	}
	return spelled, true
}

// standFor gives the users or packages of which an event with a derived key has one.
func standFor(k rulespec.Key, dir rulespec.Directory) (field string, names []string, ok bool) {
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
