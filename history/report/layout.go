package report

import (
	"errors"
	"fmt"
	html "html/template"
	"io"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/internal/text"
)

// The bounds of a template: its source, its loops, and what it writes.
const (
	maxTemplate = 32 << 10 // bytes
	maxLoops    = 3        // ranges in ranges
	mostLooped  = 200_000  // elements that all ranges of one run look at
	mostWritten = 1 << 20  // bytes
)

// A layout is a report's own template. Its language is that of the catalogue's sentences: text/template without define,
// template and printf, with ranges over lists alone, and a bound on what they look at. html/template escapes what it
// writes into HTML.
type layout struct {
	text *template.Template // one of the two is set
	html *html.Template
}

// layoutFunctions are those of a template. list is put around what a range loops over.
var layoutFunctions = template.FuncMap{
	"list":     func(v any) []any { return nil },
	"truncate": func(s string, n int) string { return text.ElideRunes(s, max(n, 0)) },
	"plural": func(n int, one, many string) string {
		return text.Plural(n, one, many)
	},
	"join":  func(list []string, by string) string { return strings.Join(list, by) },
	"upper": strings.ToUpper, "lower": strings.ToLower,
	"pad": func(s string, n int) string { return s + strings.Repeat(" ", min(max(n-len([]rune(s)), 0), 200)) },
}

// allowedBuiltins are the functions of text/template that stay.
var allowedBuiltins = []string{"and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len"}

func (p *parser) template(n ast.Node) {
	for _, e := range p.pairs(n, "template", []string{"text", "html"}) {
		source, ok := p.block(e)
		if !ok {
			continue
		}
		l, err := parseLayout(source+"\n", e.Key == "html")
		if err != nil {
			p.fail(e.Value, "template.%s: %v", e.Key, err)
			continue
		}
		if e.Key == "html" {
			p.out.html = l
		} else {
			p.out.text = l
		}
	}
}

func parseLayout(source string, asHTML bool) (*layout, error) {
	if len(source) > maxTemplate {
		return nil, fmt.Errorf("has %d bytes; at most %d", len(source), maxTemplate)
	}
	builtins := map[string]any{}
	for _, name := range allowedBuiltins {
		builtins[name] = fmt.Sprint
	}
	trees, err := parse.Parse("report", source, "", "", layoutFunctions, builtins)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: report:"))
	}
	tree := trees["report"]
	if len(trees) > 1 || tree == nil {
		return nil, errors.New("define and block are not available, or it is empty")
	}
	if err := checkList(tree.Root, 0); err != nil {
		return nil, err
	}
	l := &layout{}
	if asHTML {
		l.html, err = html.New("report").Funcs(html.FuncMap(layoutFunctions)).AddParseTree("report", tree)
	} else {
		l.text, err = template.New("report").Funcs(layoutFunctions).AddParseTree("report", tree)
	}
	if err != nil {
		return nil, err
	}
	_, err = l.render(sample()) // a mistake in a name, and HTML that cannot be escaped, come out here
	return l, err
}

// checkList refuses what has no bound, and puts list around what ranges loop over.
func checkList(list *parse.ListNode, loops int) error {
	if list == nil {
		return nil
	}
	for _, n := range list.Nodes {
		var err error
		switch n := n.(type) {
		case *parse.TextNode, *parse.CommentNode, *parse.BreakNode, *parse.ContinueNode, *parse.ActionNode:
		case *parse.IfNode:
			err = checkBranch(&n.BranchNode, loops)
		case *parse.WithNode:
			err = checkBranch(&n.BranchNode, loops)
		case *parse.RangeNode:
			if loops == maxLoops {
				return fmt.Errorf("line %d: ranges are nested more than %d deep", n.Line, maxLoops)
			}
			inner := &parse.PipeNode{NodeType: parse.NodePipe, Pos: n.Pipe.Pos, Line: n.Line, Cmds: n.Pipe.Cmds}
			n.Pipe.Cmds = []*parse.CommandNode{{NodeType: parse.NodeCommand, Pos: n.Pipe.Pos,
				Args: []parse.Node{parse.NewIdentifier("list"), inner}}}
			err = checkBranch(&n.BranchNode, loops+1)
		default:
			err = fmt.Errorf("%s is not available", n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkBranch(n *parse.BranchNode, loops int) error {
	return errors.Join(checkList(n.List, loops), checkList(n.ElseList, loops))
}

// errFull stops a template that writes more than anybody reads, errLoops one that loops too much.
var (
	errFull  = fmt.Errorf("the template writes more than %d bytes", mostWritten)
	errLoops = fmt.Errorf("the ranges of the template look at more than %d elements", mostLooped)
)

// render fills in the template.
func (l *layout) render(v view) (string, error) {
	left := mostLooped
	loop := map[string]any{"list": func(list any) ([]any, error) {
		rv := reflect.ValueOf(list)
		if !slices.Contains([]reflect.Kind{reflect.Slice, reflect.Array}, rv.Kind()) {
			return nil, nil
		}
		if left -= rv.Len() + 1; left < 0 {
			return nil, errLoops
		}
		all := make([]any, rv.Len())
		for i := range all {
			all[i] = rv.Index(i).Interface()
		}
		return all, nil
	}}
	out := &bounded{}
	var err error
	if l.html != nil {
		var t *html.Template
		if t, err = l.html.Clone(); err == nil {
			err = t.Funcs(loop).Execute(out, v)
		}
	} else {
		var t *template.Template
		if t, err = l.text.Clone(); err == nil {
			err = t.Funcs(loop).Execute(out, v)
		}
	}
	if err != nil {
		return "", errors.New(strings.TrimPrefix(err.Error(), "template: report:"))
	}
	return out.String(), nil
}

type bounded struct{ strings.Builder }

var _ io.Writer = (*bounded)(nil)

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > mostWritten {
		return 0, errFull
	}
	return b.Builder.Write(p)
}
