package rules

import (
	"fmt"
	"sync"

	"github.com/notifyd/notifyd/rulespec"
)

// A lazyRule is a rule that is compiled when somebody asks it.
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
