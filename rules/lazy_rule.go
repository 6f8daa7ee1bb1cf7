package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/notifyd/notifyd/rulespec"
)

// identityOf gives a text that two rules share exactly when they are the same predicate: the kind and the arguments,
// and the owner where the rule names the owner. ruleOf is its reverse.
func identityOf(owner string, r rulespec.Rule) string {
	var b strings.Builder
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
		}
	}
	if rulespec.SaysMe([]rulespec.Rule{r}) {
		b.WriteByte('\x02')
		b.WriteString(owner)
	}
	return b.String()
}

// ruleOf gives the rule that an identity is of, and the owner where the rule names the owner.
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

// A lazyRule is a rule of a snapshot. It is compiled when it is first asked.
type lazyRule struct {
	env      rulespec.Env
	identity string
	once     sync.Once
	compiled rulespec.Predicate
	err      error
}

func (l *lazyRule) compile() error {
	l.once.Do(func() {
		r, owner := ruleOf(l.identity)
		l.env.Owner = owner
		if l.compiled, l.err = rulespec.CompileRule(l.env, r); l.err != nil {
			l.err = fmt.Errorf("%w: %w", rulespec.ErrUnevaluable, l.err)
		}
	})
	return l.err
}

func (l *lazyRule) match(s *rulespec.Subject) (bool, error) {
	if err := l.compile(); err != nil {
		return false, err
	}
	return l.compiled.Match(s)
}

func (l *lazyRule) matches(text string) (bool, error) {
	if err := l.compile(); err != nil {
		return false, err
	}
	if l.compiled.Search == nil {
		return false, fmt.Errorf("%w: it is no search", rulespec.ErrUnevaluable)
	}
	return l.compiled.Search.Matches(text)
}
