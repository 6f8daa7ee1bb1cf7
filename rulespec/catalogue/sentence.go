package catalogue

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"
)

// maxRendered bounds what a sentence writes before it is cleaned, in bytes.
const maxRendered = 4096

// A sentence is a compiled template of an entry: the summary, a link, an icon.
type sentence struct {
	constant string             // the whole sentence where it has no actions
	writers  []writer           // nil where only text/template can render it
	tmpl     *template.Template // nil where it is constant
	needs    []string           // the variables it mentions
}

// compileSentence compiles a text/template over the variables given. Paths into values never fail: {{.msg.a.b}} becomes a
// call, and is empty where the message has no such field.
func compileSentence(src string, names map[string]bool) (*sentence, error) {
	if len(src) > maxSource {
		return nil, fmt.Errorf("sentence has %d bytes; at most %d", len(src), maxSource)
	}
	if !strings.Contains(src, "{{") {
		return &sentence{constant: src}, nil
	}
	tmpl, err := template.New("sentence").Funcs(sentenceFunctions()).Parse(src)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: sentence:"))
	}
	if len(tmpl.Templates()) != 1 || tmpl.Tree == nil {
		return nil, errors.New("define and block are not available")
	}
	s := &sentenceChecker{names: names, needs: map[string]bool{}}
	s.list(tmpl.Tree.Root, true)
	if s.err != nil {
		return nil, s.err
	}
	out := &sentence{tmpl: tmpl, needs: sortedKeys(s.needs)}
	if writers, ok := compileWriters(tmpl.Tree.Root, true); ok {
		out.writers = writers
	}
	return out, nil
}

func sentenceFunctions() template.FuncMap {
	m := template.FuncMap{"field": func(v any, keys ...string) any {
		for _, key := range keys {
			v = field(v, key)
		}
		if v == nil {
			return ""
		}
		return v
	},
		"and": andFunction, "or": orFunction, "not": notFunction,
	}
	for _, f := range functions {
		if !f.Pattern && !f.Accounts {
			m[f.Name] = f.call
		}
	}
	return m
}

// builtins are the other functions of sentences, beside the list. Those of text/template (printf with its widths, call,
// js, …) are refused; and, or and not are our own, for a 0 or "0" from JSON must count as nothing.
var builtins = map[string]bool{"and": true, "or": true, "not": true, "field": true}

func andFunction(args ...any) (any, error) {
	var v any = true
	for _, v = range args {
		if !truthy(v) {
			return v, nil
		}
	}
	return v, nil
}

func orFunction(args ...any) (any, error) { return firstFunction(args...) }

func notFunction(args ...any) (any, error) { return len(args) == 1 && !truthy(args[0]), nil }

// errFull stops a template that writes more than anyone reads.
var errFull = errors.New("sentence is too long")

type limited struct{ strings.Builder }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxRendered {
		l.Builder.WriteString(cutBytes(string(p), max(maxRendered-l.Len(), 0)))
		return 0, errFull
	}
	return l.Builder.Write(p)
}

// render writes the sentence over the variables of a frame. What is too long is cut.
func (s *sentence) render(f *frame) (string, error) {
	switch {
	case s.tmpl == nil:
		return s.constant, nil
	case s.writers != nil:
		f.out = f.out[:0]
		writeAll(f, s.writers, &f.out)
		return cutBytes(string(f.out), maxRendered), nil
	}
	f.need(s.needs)
	var out limited
	if err := s.tmpl.Execute(&out, f.env); err != nil && !errors.Is(err, errFull) {
		return "", fmt.Errorf("render sentence: %w", err)
	}
	return out.String(), nil
}

// A sentenceChecker walks a template's tree: it refuses what is not bounded, collects the variables and makes paths safe.
type sentenceChecker struct {
	names  map[string]bool
	needs  map[string]bool
	ranges int // how many are open
	err    error
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
		case *parse.TextNode, *parse.CommentNode, *parse.BreakNode, *parse.ContinueNode:
		case *parse.ActionNode:
			s.pipe(n.Pipe, root)
		case *parse.IfNode:
			s.branch(&n.BranchNode, root, root)
			n.Pipe.Cmds = callPipe("truthy", n.Pipe)
		case *parse.RangeNode:
			s.loop(n, root)
		case *parse.WithNode:
			s.branch(&n.BranchNode, root, false)
		default:
			s.fail("%s is not available", n)
		}
	}
}

// loop bounds a range: it runs over a list (never over a number), and at most maxNesting of them are nested.
func (s *sentenceChecker) loop(n *parse.RangeNode, root bool) {
	if s.ranges++; s.ranges > maxNesting {
		s.fail("ranges are nested more than %d deep", maxNesting)
	}
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
	all := sortedKeys(names)
	kept := all[:0]
	for _, n := range all {
		if isName(n) {
			kept = append(kept, n)
		}
	}
	return kept
}
