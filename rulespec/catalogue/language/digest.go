package language

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template/parse"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A DigestTemplate is the compiled sentence about several events. It is data, not a text/template: the code that merges
// events in a digest fills its parts in.
type DigestTemplate struct {
	Parts []DigestPart
	Needs []string // the variables whose values an event must state, sorted
}

// A DigestPart is a piece of the sentence about several events: a text, or a name and how it is shown. The names are
// count, failures, actors, users, packages, objects, and the template's variables.
type DigestPart struct {
	Text   string // shown as it is; then Name is empty
	Name   string // the series of its values over all events
	Sum    bool   // show what the values add up to
	One    string // with Many: show a number and the word that fits it
	Many   string
	If     string // show the part only where this name stands for something
	Unless string // show it only where this name stands for nothing
}

// maxParts bounds a DigestTemplate.
const maxParts = 40

// grouped are the names that every sentence about several events knows, beside the variables of its entry.
var grouped = []string{"count", "failures", "actors", "users", "packages", "objects"}

// CompileDigest compiles a sentence about several events: {{.name}}, {{sum .name}}, {{plural .name "one" "many"}} with
// (sum .name) instead of .name too, and {{if .name}} … {{else}} … {{end}}, not nested. names are the variables that it
// may mention.
func CompileDigest(src string, names map[string]bool) (*DigestTemplate, error) {
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
	r := &digestReader{names: names, needs: map[string]bool{}}
	r.list(tree.Root, DigestPart{}, false)
	if len(r.parts) > maxParts {
		r.fail("sentence has %d parts; at most %d", len(r.parts), maxParts)
	}
	return &DigestTemplate{Parts: r.parts, Needs: values.Keys(r.needs)}, r.err
}

type digestReader struct {
	names map[string]bool
	needs map[string]bool
	parts []DigestPart
	err   error
}

func (r *digestReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// list reads nodes; under is the condition that they stand under.
func (r *digestReader) list(l *parse.ListNode, under DigestPart, inside bool) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		part := under
		switch n := n.(type) {
		case *parse.TextNode:
			if strings.ContainsAny(string(n.Text), "[]") {
				r.fail("%s: optional parts are not available here; write {{if .name}} … {{end}}", n)
			}
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
			var test DigestPart
			r.shown(&test, r.argument(n.Pipe))
			if test.Sum {
				r.fail("%s: if asks for a name", n)
			}
			r.list(n.List, DigestPart{If: test.Name}, true)
			r.list(n.ElseList, DigestPart{Unless: test.Name}, true)
		default:
			r.fail("%s is not available in the sentence about several", n)
		}
	}
}

// show reads what one action shows.
func (r *digestReader) show(part *DigestPart, p *parse.PipeNode) {
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
func (r *digestReader) argument(p *parse.PipeNode) parse.Node {
	if len(p.Cmds) == 1 && len(p.Decl) == 0 && len(p.Cmds[0].Args) == 1 {
		return p.Cmds[0].Args[0]
	}
	return p
}

// shown reads .name, or (sum .name).
func (r *digestReader) shown(part *DigestPart, n parse.Node) {
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
func (r *digestReader) argumentOf(n parse.Node) parse.Node {
	if _, isName := n.(*parse.FieldNode); !isName {
		r.fail("%s: sum takes a name", n)
	}
	return n
}

func (r *digestReader) name(part *DigestPart, name string) {
	part.Name = name
	switch {
	case slices.Contains(grouped, name):
		if part.Sum {
			r.fail("sum takes a variable, not %s", name)
		}
	case !r.names[name]:
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
