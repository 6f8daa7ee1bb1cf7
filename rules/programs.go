package rules

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/notifyd/notifyd/rulespec"
)

// programs keeps the searches through texts that were used last. A compiled expression takes several KiB, its text a
// hundred bytes, and most expressions never meet a text that has their literals.
type programs struct {
	env     rulespec.Env
	entries []atomic.Pointer[program]
}

type program struct {
	id     uint32
	search *rulespec.Search
}

const (
	fewPrograms  = 1 << 6
	mostPrograms = 1 << 14
)

// grown gives the table to use for n searches: a larger one when p is small for them.
func (p *programs) grown(env rulespec.Env, n int) *programs {
	size := fewPrograms
	for size < n && size < mostPrograms {
		size *= 2
	}
	if p != nil && len(p.entries) >= size {
		return p
	}
	return &programs{env: env, entries: make([]atomic.Pointer[program], size)}
}

// of gives the search of a predicate, compiled now if it has not been used lately.
func (p *programs) of(id uint32, identity string) (*rulespec.Search, error) {
	entry := &p.entries[int(id)&(len(p.entries)-1)]
	if known := entry.Load(); known != nil && known.id == id {
		return known.search, nil
	}
	r, owner := ruleOf(identity)
	env := p.env
	env.Owner = owner
	compiled, err := rulespec.CompileRule(env, r)
	if err != nil {
		return nil, fmt.Errorf("compile a rule again: %w", err)
	}
	if compiled.Search == nil { // a snapshot says so that nobody wrote
		return nil, fmt.Errorf("%w: it is no search", rulespec.ErrUnevaluable)
	}
	entry.Store(&program{id, compiled.Search})
	return compiled.Search, nil
}

// ruleOf gives the rule that identity made an identity of, and the owner where the rule depends on him.
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
