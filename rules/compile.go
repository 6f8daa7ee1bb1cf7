package rules

import (
	"cmp"
	"encoding/binary"
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
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
	identity  string // tells predicates apart: see identityOf
	predicate rulespec.Predicate
	odds      int // the predicate's, which is let go once it is in the index
	needs     []rulespec.Key

	interned bool // this and id belong to whoever changes the index
	id       uint32
}

// A compiler compiles filters, and what it has compiled lately not again: most filters name an application or a package
// that thousands of others name, and a person's filters, which come one after the other, name that person.
// One goroutine may use it at a time, for one index.
type compiler struct {
	env        rulespec.Env
	key        []byte
	params     []string
	young, old map[string]*statement // of what does not depend on the owner
	mine       map[string]*statement // of what does, for the owner of the last filter
	owner      string
}

// compilerKeeps is how many statements a compiler keeps at least; it has twice as many at most.
const compilerKeeps = 1 << 15

func newCompiler(env rulespec.Env) *compiler {
	return &compiler{env: env, young: map[string]*statement{}, mine: map[string]*statement{}}
}

// filter compiles the rules of a filter; the error joins an *rulespec.Error for each mistake.
func (c *compiler) filter(f rulespec.Filter) ([]compiledRule, error) {
	c.env.Owner = f.Owner
	errs := rulespec.CheckShape(f)
	compiled := make([]compiledRule, len(f.Rules))
	for i, r := range f.Rules {
		s, err := c.rule(r)
		if err != nil {
			errs = append(errs, err)
		}
		compiled[i] = compiledRule{statement: s, not: r.Not}
	}
	return compiled, errors.Join(errs...)
}

// rule gives what a rule says. What is wrong is compiled anew each time.
func (c *compiler) rule(r rulespec.Rule) (*statement, error) {
	if c.young == nil { // it keeps nothing
		return newStatement(c.env, r)
	}
	mine := c.keyOf(r)
	if mine {
		if c.owner != c.env.Owner {
			clear(c.mine)
			c.owner = c.env.Owner
		}
		if s := c.mine[string(c.key)]; s != nil {
			return s, nil
		}
	} else if s := c.kept(); s != nil {
		return s, nil
	}
	s, err := newStatement(c.env, r)
	switch {
	case err != nil:
	case mine:
		c.mine[string(c.key)] = s
	default:
		c.keep(string(c.key), s)
	}
	return s, err
}

// kept gives the statement of c.key. One that is asked for stays young.
func (c *compiler) kept() *statement {
	s := c.young[string(c.key)]
	if s == nil {
		if s = c.old[string(c.key)]; s != nil {
			c.keep(string(c.key), s)
		}
	}
	return s
}

func (c *compiler) keep(key string, s *statement) {
	if len(c.young) >= compilerKeeps {
		c.young, c.old = make(map[string]*statement, compilerKeeps), c.young
	}
	c.young[key] = s
}

// keyOf makes c.key the rule word for word, so that what is wrong in any way is not taken for what is right; and says
// whether the rule is about the owner.
func (c *compiler) keyOf(r rulespec.Rule) (mine bool) {
	text := func(s string) {
		c.key = binary.AppendUvarint(c.key, uint64(len(s)))
		c.key = append(c.key, s...)
	}
	c.key, c.params = c.key[:0], c.params[:0]
	for param := range r.Args {
		c.params = append(c.params, param)
	}
	slices.Sort(c.params)
	text(r.Kind)
	for _, param := range c.params {
		text(param)
		c.key = binary.AppendUvarint(c.key, uint64(len(r.Args[param])))
		for _, value := range r.Args[param] {
			text(value)
			mine = mine || value == rulespec.Me
		}
	}
	return mine
}

func newStatement(env rulespec.Env, r rulespec.Rule) (*statement, error) {
	p, err := rulespec.CompileRule(env, r)
	if err != nil {
		return nil, err
	}
	p.Keys = slices.Clone(p.Keys)
	slices.SortFunc(p.Keys, func(a, b rulespec.Key) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Value, b.Value))
	})
	p.Keys = slices.Compact(p.Keys)
	s := &statement{predicate: p, odds: p.Odds, needs: p.Needs}
	if !p.Sure || len(p.Keys) != 1 {
		s.identity = identityOf(env.Owner, r)
	}
	return s, nil
}

// identityOf tells predicates apart: by kind and arguments, and by the owner where the arguments name him. ruleOf is
// its reverse.
func identityOf(owner string, r rulespec.Rule) string {
	var b strings.Builder
	mine := false
	b.WriteString(r.Kind)
	for _, param := range slices.Sorted(maps.Keys(r.Args)) {
		b.WriteString("\x01" + param)
		values := slices.Sorted(slices.Values(r.Args[param]))
		for _, value := range slices.Compact(values) {
			b.WriteString("\x00" + value) // no value has a control character
			mine = mine || value == rulespec.Me
		}
	}
	if mine {
		b.WriteString("\x02" + owner)
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

// compileRules compiles one filter; the error joins an *rulespec.Error for each mistake.
func compileRules(env rulespec.Env, f rulespec.Filter) ([]compiledRule, error) {
	c := compiler{env: env}
	return c.filter(f)
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
				done[i].rules, done[i].err = c.filter(changes[i].Filter)
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
