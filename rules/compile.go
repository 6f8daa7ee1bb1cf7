package rules

import (
	"cmp"
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/notifyd/notifyd/rulespec"
)

// A compiledRule is a rule on its way into the index.
type compiledRule struct {
	*statement
	not bool
}

// A statement is a rule compiled, without its negation. Rules that were compiled one after the other and say the same
// share one.
type statement struct {
	interned bool   // id is known; both belong to the goroutine that changes the index
	id       uint32 // the predicate in the index

	selectivity int
	requires    []rulespec.Key
	reach       rulespec.Reach
	identity    string              // of a predicate that is no term: see identityOf
	predicate   *rulespec.Predicate // nil once it is in the index: a compiled expression takes several KiB
}

// A compiler compiles filters, and remembers the rules that it has compiled lately. It is for one goroutine at a
// time, and for one index.
type compiler struct {
	env   rulespec.Env
	cache *ruleCache     // nil: it remembers nothing
	slab  []compiledRule // room for rules to come
}

func newCompiler(env rulespec.Env) *compiler {
	return &compiler{env: env, cache: newRuleCache()}
}

// filter compiles the rules of a filter; the error joins an *rulespec.Error for each mistake.
func (c *compiler) filter(f *rulespec.Filter) ([]compiledRule, error) {
	c.env.Owner = f.Owner
	compiled := c.room(len(f.Rules))
	errs := rulespec.CheckCompiled(*f, func(i int) (rulespec.Reach, error) {
		s, err := c.rule(&f.Rules[i])
		compiled[i] = compiledRule{statement: s, not: f.Rules[i].Not}
		if err != nil {
			return 0, err
		}
		return s.reach, nil
	})
	return compiled, errors.Join(errs...)
}

// slabRules is how many rules the slab has room for.
const slabRules = 1024

func (c *compiler) room(n int) []compiledRule {
	if len(c.slab) < n {
		if c.cache == nil {
			return make([]compiledRule, n)
		}
		c.slab = make([]compiledRule, max(n, slabRules))
	}
	some := c.slab[:n:n]
	c.slab = c.slab[n:]
	return some
}

// rule compiles a rule, or gives it from the cache. A rule that is wrong is compiled anew each time.
func (c *compiler) rule(r *rulespec.Rule) (*statement, error) {
	if c.cache == nil || !c.cache.seek(c.env.Owner, r) {
		return newStatement(c.env, *r)
	}
	if s := c.cache.get(); s != nil {
		return s, nil
	}
	s, err := newStatement(c.env, *r)
	if err == nil {
		c.cache.put(s)
	}
	return s, err
}

func newStatement(env rulespec.Env, r rulespec.Rule) (*statement, error) {
	p, err := rulespec.CompileRule(env, r)
	if err != nil {
		return nil, err
	}
	if len(p.Keys) > 1 {
		p.Keys = slices.Clone(p.Keys)
		slices.SortFunc(p.Keys, func(a, b rulespec.Key) int {
			return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Value, b.Value))
		})
		p.Keys = slices.Compact(p.Keys)
	}
	s := &statement{predicate: &p, selectivity: p.Selectivity, requires: p.Requires, reach: p.Reach()}
	if !p.Exact || len(p.Keys) != 1 {
		s.identity = identityOf(env.Owner, r)
	}
	return s, nil
}

// A compilation is what became of a filter.
type compilation struct {
	rules []compiledRule
	err   error
}

// compileAlone is how many filters are not worth a goroutine.
const compileAlone = 64

// compileAll compiles the filters of changes on all processors.
func compileAll(env rulespec.Env, changes []Change) []compilation {
	done := make([]compilation, len(changes))
	compile := func(c *compiler, from, to int) {
		for i := from; i < to; i++ {
			if !changes[i].Gone {
				done[i].rules, done[i].err = c.filter(&changes[i].Filter)
			}
		}
	}
	share := (len(changes) + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	if share < compileAlone {
		compile(&compiler{env: env}, 0, len(changes))
		return done
	}
	var workers sync.WaitGroup
	for from := 0; from < len(changes); from += share {
		workers.Go(func() { compile(newCompiler(env), from, min(from+share, len(changes))) })
	}
	workers.Wait()
	return done
}
