package catalogue

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
)

// The bounds on an expression. Together with the bounds on what functions hand out (functions.go) they bound an
// evaluation: at most two loops nested, each over at most maxList elements.
const (
	maxSource  = 4096 // bytes
	maxNodes   = 400
	maxNesting = 2
)

// An expression is a compiled value of an entry.
type expression struct {
	step    step // nil where only the expression language's own machine can run it
	program *vm.Program
	needs   []string // the variables it mentions
}

// compileExpression compiles src, which may mention the names given. It rewrites what would fail on a message that lacks
// a field, so that the field is nothing instead: x.y is get(x, "y"), == is eq(), a condition is truthy().
func compileExpression(src string, names map[string]bool) (*expression, error) {
	if len(src) > maxSource {
		return nil, fmt.Errorf("expression has %d bytes; at most %d", len(src), maxSource)
	}
	known := types.Map{}
	for name := range names {
		known[name] = types.Any
	}
	rewrite := &rewriter{names: names, needs: map[string]bool{}, levels: map[ast.Node]int{}}
	options := []expr.Option{expr.Env(known), expr.MaxNodes(maxNodes), expr.DisableAllBuiltins(), expr.Optimize(false), expr.Patch(rewrite)}
	for _, f := range functions {
		options = append(options, expr.Function(f.Name, f.call))
	}
	program, err := compileSafely(src, options)
	if rewrite.err != nil {
		err = rewrite.err
	}
	if err != nil {
		return nil, describeExprError(err)
	}
	return &expression{step: compileStep(program.Node()), program: program, needs: sortedKeys(rewrite.needs)}, nil
}

// compileSafely guards against a compiler that panics on a source nobody thought of: loading must end in an error.
func compileSafely(src string, options []expr.Option) (program *vm.Program, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot be compiled: %v", r)
		}
	}()
	return expr.Compile(src, options...)
}

// describeExprError drops the source excerpt, which the place in the YAML file replaces.
func describeExprError(err error) error {
	var at *file.Error
	if !errors.As(err, &at) {
		return err
	}
	message, _, _ := strings.Cut(at.Message, "\n")
	return fmt.Errorf("%s (line %d, column %d of the expression)", message, at.Line, at.Column+1)
}

// eval runs the expression; it never panics.
func (x *expression) eval(f *frame) (v any, err error) {
	if x.step != nil {
		before := f.visited
		if v = x.step(f); f.visited > maxVisited && f.visited > before {
			return nil, errVisited
		}
		return v, nil
	}
	f.need(x.needs)
	machine, pooled := f.catalogue.machines.Get().(*vm.VM)
	if !pooled {
		machine = new(vm.VM)
	}
	machine.MemoryBudget = maxVisited / keepCost
	v, err = machine.Run(x.program, f.env)
	f.catalogue.machines.Put(machine)
	return v, err
}
