package catalogue

import (
	"github.com/expr-lang/expr/ast"
)

// A step computes a value from the variables of a frame. Expressions are compiled into steps, closures over closures, which
// costs a message a fraction of what the expression language's own machine does: no stack of values, no reflection, and a
// variable is only computed in the branch that needs it. What the compiler below does not know is left to that machine.
type step func(f *frame) any

// compileStep gives the step for a node that a rewriter has made total; nil where there is none.
func compileStep(node ast.Node) step {
	switch n := node.(type) {
	case *ast.NilNode:
		return constantStep(nil)
	case *ast.IntegerNode:
		return constantStep(n.Value)
	case *ast.FloatNode:
		return constantStep(n.Value)
	case *ast.BoolNode:
		return constantStep(n.Value)
	case *ast.StringNode:
		return constantStep(n.Value)
	case *ast.ConstantNode:
		return constantStep(n.Value)
	case *ast.IdentifierNode:
		return variableStep(n.Value)
	case *ast.PointerNode:
		if n.Name == "" {
			return func(f *frame) any { return f.element }
		}
	case *ast.ChainNode:
		return compileStep(n.Node)
	case *ast.CallNode:
		return callStep(n)
	case *ast.UnaryNode:
		return unaryStep(n)
	case *ast.BinaryNode:
		return binaryStep(n)
	case *ast.ConditionalNode:
		return conditionalStep(n)
	case *ast.ArrayNode:
		return arrayStep(n)
	case *ast.BuiltinNode:
		return loopStep(n)
	}
	return nil
}

// compileSteps gives a step for each node, or nil where one of them has none.
func compileSteps(nodes []ast.Node) []step {
	steps := make([]step, len(nodes))
	for i, n := range nodes {
		if steps[i] = compileStep(n); steps[i] == nil {
			return nil
		}
	}
	return steps
}

func constantStep(v any) step { return func(*frame) any { return v } }

func variableStep(name string) step {
	if name == "msg" {
		return func(f *frame) any { return f.message }
	}
	return func(f *frame) any { return f.variable(name) }
}

// callStep calls one of our functions; the commonest without a list of arguments.
func callStep(n *ast.CallNode) step {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		return nil
	}
	f, args := functionNamed(callee.Value), compileSteps(n.Arguments)
	if f == nil || args == nil {
		return nil
	}
	switch {
	case f.Name == "get" && len(args) == 2:
		if key, ok := n.Arguments[1].(*ast.StringNode); ok {
			return fieldStep(args[0], key.Value)
		}
	case f.Name == "truthy":
		return func(f *frame) any { return truthy(args[0](f)) }
	case f.Name == "default":
		return func(f *frame) any {
			for _, arg := range args {
				if v := arg(f); truthy(v) {
					return v
				}
			}
			return nil
		}
	}
	return applyStep(f.call, args)
}

func fieldStep(of step, key string) step {
	return func(f *frame) any {
		v := of(f)
		if m, ok := v.(map[string]any); ok {
			return m[key]
		}
		return field(v, key)
	}
}

// applyStep calls a function with its arguments on the frame's stack, so that a call allocates nothing for them. Functions
// do not keep their arguments.
func applyStep(call func(...any) (any, error), args []step) step {
	return func(f *frame) any {
		base := len(f.stack)
		for _, arg := range args {
			v := arg(f)
			f.stack = append(f.stack, v)
		}
		v, err := call(f.stack[base:]...)
		clear(f.stack[base:])
		f.stack = f.stack[:base]
		if err != nil {
			return nil
		}
		return v
	}
}

func unaryStep(n *ast.UnaryNode) step {
	if number, ok := n.Node.(*ast.IntegerNode); ok && n.Operator == "-" {
		return constantStep(-number.Value)
	}
	of := compileStep(n.Node)
	if of == nil || n.Operator != "!" && n.Operator != "not" {
		return nil
	}
	return func(f *frame) any { return !truthy(of(f)) }
}

func binaryStep(n *ast.BinaryNode) step {
	left, right := compileStep(n.Left), compileStep(n.Right)
	if left == nil || right == nil {
		return nil
	}
	switch n.Operator {
	case "and", "&&":
		return func(f *frame) any { return truthy(left(f)) && truthy(right(f)) }
	case "or", "||":
		return func(f *frame) any { return truthy(left(f)) || truthy(right(f)) }
	case "??":
		return func(f *frame) any {
			if v := left(f); v != nil {
				return v
			}
			return right(f)
		}
	}
	return nil
}

func conditionalStep(n *ast.ConditionalNode) step {
	cond, yes, no := compileStep(n.Cond), compileStep(n.Exp1), compileStep(n.Exp2)
	if cond == nil || yes == nil || no == nil {
		return nil
	}
	return func(f *frame) any {
		if truthy(cond(f)) {
			return yes(f)
		}
		return no(f)
	}
}

func arrayStep(n *ast.ArrayNode) step {
	items := compileSteps(n.Nodes)
	if items == nil {
		return nil
	}
	return func(f *frame) any {
		out := make([]any, 0, len(items))
		for _, item := range items {
			out = append(out, item(f))
		}
		return out
	}
}
