package catalogue

import (
	"text/template/parse"
)

// A writer writes a piece of a sentence. Sentences are compiled into writers as expressions are into steps; text/template
// itself runs only those that declare variables of their own or leave a loop early.
type writer func(f *frame, out *[]byte)

// compileWriters gives the writers of nodes that a sentenceChecker has made safe; false where there is one it does not know.
// root says whether the dot is the variables.
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
		return func(_ *frame, out *[]byte) { *out = append(*out, n.Text...) }
	case *parse.CommentNode:
		return func(*frame, *[]byte) {}
	case *parse.ActionNode:
		if of := pipeStep(n.Pipe, root); of != nil {
			return func(f *frame, out *[]byte) {
				s := printed(of(f))
				if s == "" || s == noValue {
					f.holes = append(f.holes, len(*out))
				}
				*out = append(*out, s...)
			}
		}
	case *parse.IfNode:
		return branchWriter(&n.BranchNode, root, root, func(f *frame, v any, inside func()) bool {
			if !truthy(v) {
				return false
			}
			inside()
			return true
		})
	case *parse.WithNode:
		return branchWriter(&n.BranchNode, root, false, func(f *frame, v any, inside func()) bool {
			if !truthy(v) {
				return false
			}
			outer := f.dot
			f.dot = v
			inside()
			f.dot = outer
			return true
		})
	case *parse.RangeNode:
		return branchWriter(&n.BranchNode, root, false, func(f *frame, v any, inside func()) bool {
			outer := f.dot
			elements := listOf(v)
			for _, e := range elements {
				if f.visited++; f.visited > maxVisited {
					break
				}
				f.dot = e
				inside()
			}
			f.dot = outer
			return len(elements) > 0
		})
	}
	return nil
}

// printed gives a value as text/template prints it where that matters: a call that gives nothing leaves a mark.
func printed(v any) string {
	if v == nil {
		return noValue
	}
	return textOf(v)
}

// branchWriter makes a writer of if, with and range. run writes the inside as often as it should and says whether it did.
func branchWriter(n *parse.BranchNode, root, rootInside bool, run func(f *frame, v any, inside func()) bool) writer {
	of := pipeStep(n.Pipe, root)
	inside, ok := compileWriters(n.List, rootInside)
	otherwise, also := compileWriters(n.ElseList, root)
	if of == nil || !ok || !also {
		return nil
	}
	return func(f *frame, out *[]byte) {
		if !run(f, of(f), func() { writeAll(f, inside, out) }) {
			writeAll(f, otherwise, out)
		}
	}
}

// writeAll stops at what is more than anyone reads.
func writeAll(f *frame, writers []writer, out *[]byte) {
	for _, w := range writers {
		if len(*out) > maxRendered {
			return
		}
		w(f, out)
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
		return applyStep(call, steps)
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
			return func(f *frame) any { return f.dot }
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
			s = func(f *frame) any { return f.dot }
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
	return func(f *frame) any {
		if v := s(f); v != nil {
			return v
		}
		return ""
	}
}
