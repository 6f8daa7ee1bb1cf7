package rulespec

import "iter"

// Keys gives what an engine looks up to find the filters that a subject may match: one key for each value of each field
// that some kind's Predicate.Keys name. Kinds that come with keys of a new field add it here.
func (s *Subject) Keys() iter.Seq[Key] {
	return func(yield func(Key) bool) {
		single := [...]Key{{"topic", s.Topic}, {"app", s.App}, {"kind", s.Kind}, {"actor", s.Actor}}
		for _, k := range single {
			if !yield(k) {
				return
			}
		}
		for _, user := range s.Users {
			if !yield(Key{"user", user}) {
				return
			}
		}
		for _, pkg := range s.Packages {
			if !yield(Key{"package", pkg}) {
				return
			}
		}
	}
}
