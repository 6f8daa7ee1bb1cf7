package language

import (
	"text/template/parse"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A writer writes a piece of a sentence. Sentences are compiled into writers as expressions are into steps;
// text/template itself runs only those that declare variables of their own or leave a loop early.
type writer func(sc *Scope, out *[]byte)

// compileWriters gives the writers of nodes that a sentenceChecker has made safe; false where there is one it does not
// know. root says whether the dot is the variables.
func compileWriters(l *parse.ListNode, root bool) ([]writer, bool) {
	if l == nil {
		return nil, true
	}
	var all []writer
	for _, n := range l.Nodes {
		w := compileWriter(n, root)
		if w == nil {
			return nil, false
		}
		all = append(all, w)
	}
	return all, true
}

func compileWriter(n parse.Node, root bool) writer {
	switch n := n.(type) {
	case *parse.TextNode:
		return func(_ *Scope, out *[]byte) { *out = append(*out, n.Text...) }
	case *parse.CommentNode:
		return func(*Scope, *[]byte) {}
	case *parse.ActionNode:
		if of := pipeStep(n.Pipe, root); of != nil {
			return func(sc *Scope, out *[]byte) {
				v := of(sc)
				if !sc.Read(v) {
					return
				}
				s := printed(v)
				if s == "" || s == NoValue {
					sc.holes = append(sc.holes, len(*out))
				}
				*out = append(*out, s...)
			}
		}
	case *parse.IfNode:
		return branchWriter(&n.BranchNode, root, root, func(sc *Scope, v any, inside func()) bool {
			if !values.Truthy(v) {
				return false
			}
			inside()
			return true
		})
	case *parse.WithNode:
		return branchWriter(&n.BranchNode, root, false, func(sc *Scope, v any, inside func()) bool {
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
		return branchWriter(&n.BranchNode, root, false, func(sc *Scope, v any, inside func()) bool {
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

// printed gives a value as text/template prints it where that matters: a call that gives nothing leaves a mark.
func printed(v any) string {
	if v == nil {
		return NoValue
	}
	return values.Text(v)
}

// branchWriter makes a writer of if, with and range. run writes the inside as often as it should and says whether it
// did.
func branchWriter(n *parse.BranchNode, root, rootInside bool, run func(sc *Scope, v any, inside func()) bool) writer {
	of := pipeStep(n.Pipe, root)
	inside, ok := compileWriters(n.List, rootInside)
	otherwise, also := compileWriters(n.ElseList, root)
	if of == nil || !ok || !also {
		return nil
	}
	return func(sc *Scope, out *[]byte) {
		if !run(sc, of(sc), func() { writeAll(sc, inside, out) }) {
			writeAll(sc, otherwise, out)
		}
	}
}

// writeAll stops at what is more than anyone reads, and where the steps are used up.
func writeAll(sc *Scope, writers []writer, out *[]byte) {
	for _, w := range writers {
		if len(*out) > maxRendered || !sc.spend(1) {
			return
		}
		w(sc, out)
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
	if f := functionNamed(name); f != nil && !f.Pattern && !f.Accounts {
		return f.call
	}
	return nil
}

// rangesIn is how many loops are nested at most below a node.
func rangesIn(n parse.Node) int {
	switch n := n.(type) {
	case *parse.ListNode:
		most := 0
		if n != nil {
			for _, inner := range n.Nodes {
				most = max(most, rangesIn(inner))
			}
		}
		return most
	case *parse.IfNode:
		return max(rangesIn(n.List), rangesIn(n.ElseList))
	case *parse.WithNode:
		return max(rangesIn(n.List), rangesIn(n.ElseList))
	case *parse.RangeNode:
		return max(1+rangesIn(n.List), rangesIn(n.ElseList))
	}
	return 0
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
