package rules

import (
	"maps"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec"
)

// identityOf tells predicates apart: by kind and arguments, and by the owner where the arguments name him. ruleOf is
// its reverse.
func identityOf(owner string, r rulespec.Rule) string {
	var b strings.Builder
	mine := false
	b.WriteString(r.Kind)
	for _, param := range slices.Sorted(maps.Keys(r.Args)) {
		b.WriteByte('\x01')
		b.WriteString(param)
		values := r.Args[param]
		if len(values) > 1 {
			values = slices.Compact(slices.Sorted(slices.Values(values)))
		}
		for _, value := range values {
			b.WriteByte('\x00') // no value has a control character
			b.WriteString(value)
			mine = mine || value == rulespec.Me
		}
	}
	if mine {
		b.WriteByte('\x02')
		b.WriteString(owner)
	}
	return b.String()
}

// ruleOf gives the rule that identityOf made an identity of, and the owner where the rule depends on him.
func ruleOf(identity string) (r rulespec.Rule, owner string) {
	text, owner, _ := strings.Cut(identity, "\x02")
	kind, text, _ := strings.Cut(text, "\x01")
	r = rulespec.Rule{Kind: kind, Args: rulespec.Args{}}
	for _, param := range strings.Split(text, "\x01") {
		if values := strings.Split(param, "\x00"); len(values) > 1 {
			r.Args[values[0]] = values[1:]
		}
	}
	return r, owner
}
