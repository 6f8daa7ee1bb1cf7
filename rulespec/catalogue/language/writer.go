package language

import (
	"fmt"
	"text/template/parse"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A writer writes a piece of a sentence. Sentences are compiled into writers as expressions are into steps.
type writer func(sc *Scope)

// A writerCompiler makes writers of nodes that a sentenceChecker has made safe.
type writerCompiler struct {
	sources map[parse.Node]string
	err     error
}

// list gives the writers of nodes. root says whether the dot is the variables.
func (c *writerCompiler) list(l *parse.ListNode, root bool) []writer {
	if l == nil {
		return nil
	}
	var all []writer
	for _, n := range l.Nodes {
		w := c.writer(n, root)
		if w == nil {
			if c.err == nil {
				c.err = fmt.Errorf("%s is not available", n)
			}
			return nil
		}
		all = append(all, w)
	}
	return all
}

func (c *writerCompiler) writer(n parse.Node, root bool) writer {
	switch n := n.(type) {
	case *parse.TextNode:
		return func(sc *Scope) { sc.out = append(sc.out, n.Text...) }
	case *parse.CommentNode:
		return func(*Scope) {}
	case *parse.ActionNode:
		return c.action(n, root)
	case *parse.IfNode:
		if isClause(n) {
			return clauseWriter(c.list(n.List, root), c.sources[n])
		}
		return c.branch(&n.BranchNode, root, root, func(sc *Scope, v any, inside func()) bool {
			if !values.Truthy(v) {
				return false
			}
			inside()
			return true
		})
	case *parse.WithNode:
		return c.branch(&n.BranchNode, root, false, func(sc *Scope, v any, inside func()) bool {
			if !values.Truthy(v) {
				return false
			}
			outer := sc.dot
			sc.dot = v
			inside()
			sc.dot = outer
			return true
		})
	case *parse.RangeNode:
		return c.branch(&n.BranchNode, root, false, func(sc *Scope, v any, inside func()) bool {
			outer := sc.dot
			elements := values.List(v)
			for _, e := range elements {
				if !sc.spend(1) {
					break
				}
				sc.dot = e
				inside()
			}
			sc.dot = outer
			return len(elements) > 0
		})
	}
	return nil
}

// action writes a value, and notes where it has none.
func (c *writerCompiler) action(n *parse.ActionNode, root bool) writer {
	of, source := pipeStep(n.Pipe, root), c.sources[n]
	if of == nil {
		return nil
	}
	return func(sc *Scope) {
		v := of(sc)
		if !sc.Read(v) {
			return
		}
		var s string
		if sc.link {
			s = values.Text(v)
		} else {
			s = values.Shown(v)
		}
		if s == "" {
			sc.holes = append(sc.holes, hole{len(sc.out), source})
			return
		}
		sc.spans = append(sc.spans, span{len(sc.out), len(sc.out) + len(s)})
		sc.out = append(sc.out, s...)
	}
}

// clauseWriter writes an optional part, or nothing where it has a hole.
func clauseWriter(inside []writer, source string) writer {
	return func(sc *Scope) {
		out, holes, spans := len(sc.out), len(sc.holes), len(sc.spans)
		if writeAll(sc, inside); len(sc.holes) > holes {
			sc.out, sc.holes, sc.spans = sc.out[:out], sc.holes[:holes], sc.spans[:spans]
			sc.left = append(sc.left, source)
		}
	}
}

// branch makes a writer of if, with and range. run writes the inside as often as it should and says whether it did.
func (c *writerCompiler) branch(n *parse.BranchNode, root, rootInside bool,
	run func(sc *Scope, v any, inside func()) bool) writer {
	of := pipeStep(n.Pipe, root)
	inside, otherwise := c.list(n.List, rootInside), c.list(n.ElseList, root)
	if of == nil || c.err != nil {
		return nil
	}
	return func(sc *Scope) {
		if !run(sc, of(sc), func() { writeAll(sc, inside) }) {
			writeAll(sc, otherwise)
		}
	}
}

// writeAll stops at what is more than anyone reads, and where the steps are used up.
func writeAll(sc *Scope, writers []writer) {
	for _, w := range writers {
		if len(sc.out) > maxRendered || !sc.spend(1) {
			return
		}
		w(sc)
	}
}

func pipeStep(p *parse.PipeNode, root bool) step {
	if p == nil || len(p.Decl) > 0 || len(p.Cmds) != 1 {
		return nil
	}
	args := p.Cmds[0].Args
	id, isCall := args[0].(*parse.IdentifierNode)
	if !isCall {
		if len(args) != 1 {
			return nil
		}
		return argumentStep(args[0], root)
	}
	if id.Ident == "field" {
		return pathStep(args[1:], root)
	}
	var steps []step
	for _, arg := range args[1:] {
		s := argumentStep(arg, root)
		if s == nil {
			return nil
		}
		steps = append(steps, s)
	}
	if call := sentenceCall(id.Ident); call != nil {
		return applyStep(call, costClasses[id.Ident], steps)
	}
	return nil
}

func sentenceCall(name string) func(...any) (any, error) {
	switch name {
	case "and":
		return andFunction
	case "or":
		return orFunction
	case "not":
		return notFunction
	}
	if f := functionNamed(name); f != nil && !f.Pattern {
		return f.call
	}
	return nil
}

func argumentStep(n parse.Node, root bool) step {
	switch n := n.(type) {
	case *parse.StringNode:
		return constantStep(n.Text)
	case *parse.BoolNode:
		return constantStep(n.True)
	case *parse.NilNode:
		return constantStep(nil)
	case *parse.NumberNode:
		if n.IsInt {
			return constantStep(int(n.Int64))
		}
		if n.IsFloat {
			return constantStep(n.Float64)
		}
	case *parse.DotNode:
		if !root {
			return func(sc *Scope) any { return sc.dot }
		}
	case *parse.PipeNode:
		return pipeStep(n, root)
	}
	return nil
}

// pathStep gives the step of (field v "a" "b"): v is the dot, or $ for the variables.
func pathStep(args []parse.Node, root bool) step {
	var keys []string
	for _, arg := range args[1:] {
		key, ok := arg.(*parse.StringNode)
		if !ok {
			return nil
		}
		keys = append(keys, key.Text)
	}
	var s step
	switch v := args[0].(type) {
	case *parse.DotNode:
		if !root {
			s = func(sc *Scope) any { return sc.dot }
		}
	case *parse.VariableNode:
		if len(v.Ident) != 1 || v.Ident[0] != "$" {
			return nil // one of the sentence's own
		}
	default:
		return nil
	}
	if s == nil {
		s, keys = variableStep(keys[0]), keys[1:]
	}
	for _, key := range keys {
		s = fieldStep(s, key)
	}
	return func(sc *Scope) any {
		if v := s(sc); v != nil {
			return v
		}
		return ""
	}
}
