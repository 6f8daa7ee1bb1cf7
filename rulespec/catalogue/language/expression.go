package language

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// The bounds on an expression. What it may cost a message is bounded by MaxSteps.
const (
	maxSource  = 4096 // bytes
	maxNodes   = 400
	maxNesting = 2
)

// An Expression is a compiled expression.
type Expression struct {
	step    step // nil where only the expression language's own machine can run it
	program *vm.Program
	needs   []string // the variables it mentions
	loops   int      // how many of its loops are nested at most
}

// Compile compiles an expression, which may mention the names given. It rewrites what would fail on a message that
// lacks a field, so that the field is nothing instead: x.y is get(x, "y"), == is eq(), a condition is truthy().
func Compile(src string, names map[string]bool) (*Expression, error) {
	if len(src) > maxSource {
		return nil, fmt.Errorf("expression has %d bytes; at most %d", len(src), maxSource)
	}
	known := types.Map{}
	for name := range names {
		known[name] = types.Any
	}
	rewrite := &rewriter{names: names, needs: map[string]int{}, levels: map[ast.Node]int{}}
	options := []expr.Option{ours, expr.Env(known), expr.MaxNodes(maxNodes), expr.Optimize(false), expr.Patch(rewrite)}
	program, err := compileSafely(src, options)
	if rewrite.err != nil {
		err = rewrite.err
	}
	if err != nil {
		return nil, describe(err)
	}
	maps.DeleteFunc(rewrite.needs, func(_ string, n int) bool { return n == 0 })
	x := &Expression{step: compileStep(program.Node()), program: program, needs: values.Keys(rewrite.needs)}
	for _, level := range rewrite.levels {
		x.loops = max(x.loops, level)
	}
	return x, nil
}

// ours is the option that has our functions and none of the library's. The tables are made once: there are many
// expressions, and the library only reads them.
func ours(c *conf.Config) {
	t := tables()
	c.Functions, c.Builtins, c.Disabled = t.Functions, nil, t.Disabled
}

var tables = sync.OnceValue(func() *conf.Config {
	c := conf.CreateNew()
	expr.DisableAllBuiltins()(c)
	for _, f := range functions {
		expr.Function(f.Name, f.call)(c)
	}
	return c
})

// machines are the library's, for the expressions that are no steps.
var machines sync.Pool

// byLibrary makes the libraries run everything. Only the test that compares the two ways sets it.
var byLibrary = false

// compileSafely turns a panic of the library into an error: a site's file must not end the program.
func compileSafely(src string, options []expr.Option) (program *vm.Program, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot be compiled: %v", r)
		}
	}()
	return expr.Compile(src, options...)
}

// describe drops the source excerpt of the library's error: the position in the YAML file replaces it.
func describe(err error) error {
	var at *file.Error
	if !errors.As(err, &at) {
		return err
	}
	message, _, _ := strings.Cut(at.Message, "\n")
	return fmt.Errorf("%s (line %d, column %d of the expression)", message, at.Line, at.Column+1)
}

// Needs gives the variables that the expression mentions, sorted.
func (x *Expression) Needs() []string { return x.needs }

// Eval gives the value of the expression. It fails with ErrSteps where it needs more steps than the message has left,
// or with an error of the library. A field is still read when all steps are used up.
func (x *Expression) Eval(sc *Scope) (v any, err error) {
	if x.step != nil && !byLibrary {
		before := sc.refused
		if v = x.step(sc); sc.refused > before {
			return nil, ErrSteps
		}
		return v, nil
	}
	if !sc.library(x.loops) {
		return nil, ErrSteps
	}
	sc.need(x.needs)
	machine, pooled := machines.Get().(*vm.VM)
	if !pooled {
		machine = new(vm.VM)
	}
	machine.MemoryBudget = MaxSteps / keepCost
	v, err = machine.Run(x.program, sc.known)
	machines.Put(machine)
	if err != nil {
		return nil, describe(err)
	}
	return v, nil
}
