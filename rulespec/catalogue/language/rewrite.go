package language

import (
	"fmt"
	"regexp"

	"github.com/expr-lang/expr/ast"
)

// loops are the constructs of the expression language that run a predicate over a list. The others are switched off.
var loops = map[string]bool{"all": true, "any": true, "none": true, "one": true, "filter": true, "map": true,
	"find": true, "count": true}

// A rewriter checks an expression's nodes and replaces those that are not total by calls that are.
type rewriter struct {
	names  map[string]bool
	needs  map[string]int   // how often each variable is mentioned
	levels map[ast.Node]int // how deep a loop's own loops go
	err    error
}

// binaries are the operators that become calls.
var binaries = map[string]string{
	"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "+": "add", "-": "sub",
	"in": "member", "contains": "contains", "startsWith": "has_prefix", "endsWith": "has_suffix",
}

// Visit implements ast.Visitor; children come before their parents.
func (r *rewriter) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if r.names[n.Value] {
			r.needs[n.Value]++
		}
	case *ast.MemberNode:
		r.replace(node, "get", n.Node, n.Property)
	case *ast.SliceNode:
		r.replace(node, "slice", n.Node, orNil(n.From), orNil(n.To))
	case *ast.BinaryNode:
		r.binary(node, n)
	case *ast.UnaryNode:
		if n.Operator == "!" || n.Operator == "not" {
			n.Node = truthyOf(n.Node)
		}
	case *ast.ConditionalNode:
		n.Cond = truthyOf(n.Cond)
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok && r.names[callee.Value] {
			r.needs[callee.Value]-- // the function of that name is meant
		}
		r.call(n)
	case *ast.BuiltinNode:
		r.loop(n)
	}
}

func (r *rewriter) replace(node *ast.Node, function string, args ...ast.Node) {
	ast.Patch(node, callOf(function, args...))
}

func (r *rewriter) binary(node *ast.Node, n *ast.BinaryNode) {
	switch n.Operator {
	case "??":
	case "and", "&&", "or", "||":
		n.Left, n.Right = truthyOf(n.Left), truthyOf(n.Right)
	case "matches":
		r.replace(node, "matches", n.Left, n.Right)
		r.call((*node).(*ast.CallNode))
	default:
		function, known := binaries[n.Operator]
		if !known {
			r.fail(n, "operator %s is not available", n.Operator)
			return
		}
		r.replace(node, function, n.Left, n.Right)
	}
}

// call checks a call's function and number of arguments, and compiles a pattern when the catalogue is loaded.
func (r *rewriter) call(n *ast.CallNode) {
	callee, plain := n.Callee.(*ast.IdentifierNode)
	if !plain {
		r.fail(n, "only functions can be called; see doc/catalogue.md for the list")
		return
	}
	f := functionNamed(callee.Value)
	if f == nil {
		return // the compiler reports unknown names
	}
	if problem := f.arity(len(n.Arguments)); problem != "" {
		r.fail(n, "%s", problem)
		return
	}
	if f.Accounts {
		r.needs[Accounts]++
		n.Arguments = append([]ast.Node{&ast.IdentifierNode{Value: Accounts}}, n.Arguments...)
	}
	if f.Pattern {
		r.pattern(n)
	}
}

func (r *rewriter) pattern(n *ast.CallNode) {
	text, constant := n.Arguments[1].(*ast.StringNode)
	if !constant {
		r.fail(n, "the pattern must be written out as a string")
		return
	}
	compiled, err := regexp.Compile(text.Value)
	if err != nil {
		r.fail(n, "%v", err)
		return
	}
	n.Arguments[1] = &ast.ConstantNode{Value: compiled}
}

func (r *rewriter) loop(n *ast.BuiltinNode) {
	if !loops[n.Name] {
		r.fail(n, "%s is not available", n.Name)
		return
	}
	n.Arguments[0] = callOf("list", n.Arguments[0])
	inner := deepest{levels: r.levels}
	for i, arg := range n.Arguments {
		if p, ok := arg.(*ast.PredicateNode); ok {
			ast.Walk(&n.Arguments[i], &inner)
			if n.Name != "map" {
				p.Node = truthyOf(p.Node)
			}
		}
	}
	r.levels[n] = inner.level + 1
	if inner.level+1 > maxNesting {
		r.fail(n, "loops are nested more than %d deep", maxNesting)
	}
}

func (r *rewriter) fail(n ast.Node, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format+" (character %d of the expression)", append(args, n.Location().From+1)...)
	}
}

// deepest finds the deepest loop below a node.
type deepest struct {
	levels map[ast.Node]int
	level  int
}

// Visit implements ast.Visitor.
func (d *deepest) Visit(node *ast.Node) { d.level = max(d.level, d.levels[*node]) }

func callOf(function string, args ...ast.Node) *ast.CallNode {
	return &ast.CallNode{Callee: &ast.IdentifierNode{Value: function}, Arguments: args}
}

func truthyOf(n ast.Node) ast.Node { return callOf("truthy", n) }

func orNil(n ast.Node) ast.Node {
	if n == nil {
		return &ast.NilNode{}
	}
	return n
}
