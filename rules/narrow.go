package rules

import (
	"slices"

	"github.com/notifyd/notifyd/rulespec"
)

// Narrow gives keys, all in fields, of which every event that f matches has one: what a search of the history looks up
// before it asks the filter itself. It takes them from the rarest rule that has such keys; nil: none has.
func Narrow(env rulespec.Env, f rulespec.Filter, fields ...string) []rulespec.Key {
	compiled, err := compileRules(env, f)
	if err != nil {
		return nil
	}
	var best []rulespec.Key
	odds := 0
	for _, r := range compiled {
		keys := r.predicate.Keys
		foreign := func(k rulespec.Key) bool { return !slices.Contains(fields, k.Field) }
		if r.not || len(keys) == 0 || slices.ContainsFunc(keys, foreign) {
			continue
		}
		if best == nil || r.odds < odds {
			best, odds = keys, r.odds
		}
	}
	return best
}
