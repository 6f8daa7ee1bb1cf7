package catalogue

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template/parse"
)

// grouped are the names that every sentence about several events knows, beside the variables of its entry.
var grouped = []string{"count", "failures", "actors", "users", "packages", "objects"}

// A plural is the compiled sentence about several events: not a template, for whoever merges them knows no templates.
type plural struct {
	source string
	at     position
	parts  []Part
	needs  []string // the variables whose values an event must state
}

func (c *compiler) plural(s located, names map[string]bool) *plural {
	if s.text == "" {
		return nil
	}
	p, err := compilePlural(s.text, names)
	if err != nil {
		c.fail(s.at, "plural: %v", err)
		return nil
	}
	p.at = s.at
	return p
}

// compilePlural reads a sentence about several events: {{.name}}, {{sum .name}}, {{plural .name "one" "many"}} with
// (sum .name) in place of .name too, and {{if .name}} … {{else}} … {{end}}, not nested.
func compilePlural(src string, names map[string]bool) (*plural, error) {
	if len(src) > maxSource {
		return nil, fmt.Errorf("sentence has %d bytes; at most %d", len(src), maxSource)
	}
	known := map[string]any{"plural": true, "sum": true} // the parser wants their names; nothing is ever called
	trees, err := parse.Parse("plural", src, "", "", known)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: plural:"))
	}
	tree := trees["plural"]
	if len(trees) != 1 || tree == nil {
		return nil, errors.New("define and block are not available")
	}
	r := &pluralReader{names: names, needs: map[string]bool{}}
	r.list(tree.Root, Part{}, false)
	if len(r.parts) > maxParts {
		r.fail("sentence has %d parts; at most %d", len(r.parts), maxParts)
	}
	return &plural{source: src, parts: r.parts, needs: sortedKeys(r.needs)}, r.err
}

type pluralReader struct {
	names map[string]bool
	needs map[string]bool
	parts []Part
	err   error
}

func (r *pluralReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// list reads nodes; under is the condition that they stand under.
func (r *pluralReader) list(l *parse.ListNode, under Part, inside bool) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		part := under
		switch n := n.(type) {
		case *parse.TextNode:
			part.Text = oneSpace(string(n.Text))
			r.parts = append(r.parts, part)
		case *parse.CommentNode:
		case *parse.ActionNode:
			r.show(&part, n.Pipe)
			r.parts = append(r.parts, part)
		case *parse.IfNode:
			if inside {
				r.fail("%s: if cannot be nested here", n)
			}
			var test Part
			r.shown(&test, r.argument(n.Pipe))
			if test.Sum {
				r.fail("%s: if asks for a name", n)
			}
			r.list(n.List, Part{If: test.Name}, true)
			r.list(n.ElseList, Part{Unless: test.Name}, true)
		default:
			r.fail("%s is not available in the sentence about several", n)
		}
	}
}

// show reads what one action shows.
func (r *pluralReader) show(part *Part, p *parse.PipeNode) {
	if len(p.Cmds) == 1 && len(p.Decl) == 0 && len(p.Cmds[0].Args) == 4 && p.Cmds[0].Args[0].String() == "plural" {
		one, isText := p.Cmds[0].Args[2].(*parse.StringNode)
		many, areTexts := p.Cmds[0].Args[3].(*parse.StringNode)
		if !isText || !areTexts || one.Text == "" || many.Text == "" {
			r.fail(`%s: want {{plural .name "one" "many"}}`, p)
			return
		}
		part.One, part.Many = one.Text, many.Text
		r.shown(part, p.Cmds[0].Args[1])
		return
	}
	r.shown(part, r.argument(p))
}

// argument gives the one thing in a pipe, or the pipe.
func (r *pluralReader) argument(p *parse.PipeNode) parse.Node {
	if len(p.Cmds) == 1 && len(p.Decl) == 0 && len(p.Cmds[0].Args) == 1 {
		return p.Cmds[0].Args[0]
	}
	return p
}

// shown reads .name, or (sum .name).
func (r *pluralReader) shown(part *Part, n parse.Node) {
	switch n := n.(type) {
	case *parse.FieldNode:
		if len(n.Ident) == 1 {
			r.name(part, n.Ident[0])
			return
		}
		r.fail("%s: want a name without dots; give the field a name under vars", n)
		return
	case *parse.PipeNode:
		if len(n.Cmds) == 1 && len(n.Decl) == 0 && len(n.Cmds[0].Args) == 2 && n.Cmds[0].Args[0].String() == "sum" {
			part.Sum = true
			r.shown(part, r.argumentOf(n.Cmds[0].Args[1]))
			return
		}
	}
	r.fail(`%s: want .name, (sum .name) or plural .name "one" "many"`, n)
}

// argumentOf lets a sum be of a name only.
func (r *pluralReader) argumentOf(n parse.Node) parse.Node {
	if _, isName := n.(*parse.FieldNode); !isName {
		r.fail("%s: sum takes a name", n)
	}
	return n
}

func (r *pluralReader) name(part *Part, name string) {
	part.Name = name
	switch {
	case slices.Contains(grouped, name):
		if part.Sum {
			r.fail("sum takes a variable, not %s", name)
		}
	case slices.Contains(given, name) || !r.names[name]:
		r.fail("unknown name %s; there are %s and the variables", name, strings.Join(grouped, ", "))
	default:
		r.needs[name] = true
	}
}

// oneSpace folds line breaks, which folded YAML leaves in a text, but keeps spaces at the ends.
func oneSpace(s string) string {
	folded := strings.Join(strings.Fields(s), " ")
	if folded == "" && s != "" {
		return " "
	}
	if strings.TrimLeft(s, " \n\t") != s {
		folded = " " + folded
	}
	if strings.TrimRight(s, " \n\t") != s {
		folded += " "
	}
	return folded
}
