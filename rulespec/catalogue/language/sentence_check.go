package language

import (
	"fmt"
	"slices"
	"strings"
	"text/template/parse"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// maxClauses is how deep optional parts may be nested.
const maxClauses = 8

// A sentenceChecker walks a template's tree: it refuses what is not bounded, collects the variables and makes paths
// safe.
type sentenceChecker struct {
	names  map[string]bool
	needs  map[string]bool
	ranges int // how many are open
	parts  int // optional ones, that are open
	// sources are the actions and optional parts as they were before paths became safe
	sources map[parse.Node]string
	err     error
}

func (s *sentenceChecker) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

// list walks nodes; root says whether the dot is the variables (it is not inside range and with).
func (s *sentenceChecker) list(l *parse.ListNode, root bool) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.TextNode, *parse.CommentNode:
		case *parse.ActionNode:
			s.sources[n] = n.String()
			s.plain(n.Pipe)
			s.pipe(n.Pipe, root)
		case *parse.IfNode:
			if isClause(n) {
				s.clause(n, root)
				continue
			}
			s.plain(n.Pipe)
			s.branch(&n.BranchNode, root, root)
			n.Pipe.Cmds = callPipe("truthy", n.Pipe)
		case *parse.RangeNode:
			s.loop(n, root)
		case *parse.WithNode:
			s.plain(n.Pipe)
			s.branch(&n.BranchNode, root, false)
		default:
			s.fail("%s is not available", n)
		}
	}
}

// plain refuses variables of a sentence's own.
func (s *sentenceChecker) plain(p *parse.PipeNode) {
	if len(p.Decl) > 0 {
		s.fail("%s: a sentence has no variables of its own; give it one under vars", p)
	}
}

// isClause reports an optional part.
func isClause(n *parse.IfNode) bool { return n.Pipe.String() == clauseFunction }

// clause checks an optional part: something in it must be able to print nothing.
func (s *sentenceChecker) clause(n *parse.IfNode, root bool) {
	if s.parts++; s.parts > maxClauses {
		s.fail("optional parts are nested more than %d deep", maxClauses)
		return
	}
	defer func() { s.parts-- }()
	source := clauseText(n)
	s.sources[n] = source
	if !slices.ContainsFunc(n.List.Nodes, func(n parse.Node) bool { _, text := n.(*parse.TextNode); return !text }) {
		s.fail(`%s: an optional part needs an action; write {{"["}} for a bracket`, source)
	}
	s.list(n.List, root)
}

// clauseText gives an optional part as it is written.
func clauseText(n *parse.IfNode) string {
	var b strings.Builder
	for _, inner := range n.List.Nodes {
		if inner, ok := inner.(*parse.IfNode); ok && isClause(inner) {
			b.WriteString(clauseText(inner))
			continue
		}
		b.WriteString(inner.String())
	}
	return "[" + b.String() + "]"
}

// loop bounds a range: it runs over a list (never over a number), and at most maxNesting of them are nested.
func (s *sentenceChecker) loop(n *parse.RangeNode, root bool) {
	if s.ranges++; s.ranges > maxNesting {
		s.fail("ranges are nested more than %d deep", maxNesting)
	}
	s.plain(n.Pipe)
	s.branch(&n.BranchNode, root, false)
	s.ranges--
	n.Pipe.Cmds = callPipe("list", n.Pipe)
}

// callPipe makes a call of function with what p gives. The declarations of p stay where they are.
func callPipe(function string, p *parse.PipeNode) []*parse.CommandNode {
	value := &parse.PipeNode{NodeType: parse.NodePipe, Pos: p.Pos, Cmds: p.Cmds}
	return []*parse.CommandNode{{NodeType: parse.NodeCommand, Pos: p.Pos,
		Args: []parse.Node{parse.NewIdentifier(function), value}}}
}

func (s *sentenceChecker) branch(n *parse.BranchNode, root, inside bool) {
	s.pipe(n.Pipe, root)
	s.list(n.List, inside)
	s.list(n.ElseList, root)
}

func (s *sentenceChecker) pipe(p *parse.PipeNode, root bool) {
	if p == nil {
		return
	}
	if len(p.Cmds) > 1 {
		s.fail("%s: write function calls as (f x y), not with |", p)
	}
	for _, c := range p.Cmds {
		s.command(c, root)
	}
}

func (s *sentenceChecker) command(c *parse.CommandNode, root bool) {
	if id, ok := c.Args[0].(*parse.IdentifierNode); ok {
		f := functionNamed(id.Ident)
		if f == nil && !builtins[id.Ident] {
			s.fail("function %s is not available", id.Ident)
		}
		if f != nil {
			if problem := f.arity(len(c.Args) - 1); problem != "" {
				s.fail("%s", problem)
			}
		}
	} else if len(c.Args) > 1 {
		s.fail("%s: only a function takes arguments", c)
	}
	for i, arg := range c.Args {
		c.Args[i] = s.argument(arg, root)
	}
	s.accounts(c)
}

// accounts gives a function about people its hidden first argument.
func (s *sentenceChecker) accounts(c *parse.CommandNode) {
	id, ok := c.Args[0].(*parse.IdentifierNode)
	if !ok {
		return
	}
	if f := functionNamed(id.Ident); f != nil && f.Accounts {
		s.needs[Accounts] = true
		known := fieldOf(&parse.VariableNode{NodeType: parse.NodeVariable, Pos: c.Pos, Ident: []string{"$"}}, c.Pos,
			[]string{Accounts})
		c.Args = slices.Insert(c.Args, 1, known)
	}
}

func (s *sentenceChecker) argument(n parse.Node, root bool) parse.Node {
	switch n := n.(type) {
	case *parse.FieldNode:
		if root {
			s.name(n.Ident[0])
		}
		return fieldOf(&parse.DotNode{NodeType: parse.NodeDot, Pos: n.Pos}, n.Pos, n.Ident)
	case *parse.VariableNode:
		if len(n.Ident) == 1 {
			return n
		}
		if n.Ident[0] == "$" {
			s.name(n.Ident[1])
		}
		return fieldOf(&parse.VariableNode{NodeType: parse.NodeVariable, Pos: n.Pos, Ident: n.Ident[:1]}, n.Pos, n.Ident[1:])
	case *parse.PipeNode:
		s.pipe(n, root)
	case *parse.ChainNode:
		s.fail("%s: use dig for a field of a result", n)
	}
	return n
}

func (s *sentenceChecker) name(name string) {
	if !s.names[name] {
		s.fail("unknown name %s; there are %s", name, strings.Join(visibleNames(s.names), ", "))
		return
	}
	s.needs[name] = true
}

// fieldOf makes (field v "a" "b").
func fieldOf(v parse.Node, pos parse.Pos, keys []string) parse.Node {
	args := []parse.Node{parse.NewIdentifier("field"), v}
	for _, k := range keys {
		args = append(args, &parse.StringNode{NodeType: parse.NodeString, Pos: pos, Quoted: quote(k), Text: k})
	}
	return &parse.PipeNode{NodeType: parse.NodePipe, Pos: pos,
		Cmds: []*parse.CommandNode{{NodeType: parse.NodeCommand, Pos: pos, Args: args}}}
}

func visibleNames(names map[string]bool) []string {
	all := values.Keys(names)
	kept := all[:0]
	for _, n := range all {
		if values.IsIdentifier(n) {
			kept = append(kept, n)
		}
	}
	return kept
}
