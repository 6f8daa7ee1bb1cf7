package catalogue

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// The bounds on a file of a catalogue, in bytes.
const (
	maxFile = 1 << 20
	maxLine = 16 << 10
)

// A reader walks the tree of a YAML file and collects mistakes with their places.
type reader struct {
	file     string
	embedded bool
	mistakes []error
}

func (r *reader) parse(data []byte) (body ast.Node, err error) {
	whole := place{file: r.file}
	if len(data) > maxFile {
		return nil, whole.mistake("file has %d bytes; at most %d", len(data), maxFile)
	}
	for i, line := range bytes.Split(data, []byte("\n")) {
		if len(line) > maxLine || deepLine(line) {
			return nil, place{r.file, i + 1, 1, r.embedded}.mistake("line is too long or nested too deep")
		}
	}
	defer func() { // the YAML parser is not ours, and an operator's file must never end the program
		if p := recover(); p != nil {
			body, err = nil, whole.mistake("not YAML: the parser gave up: %v", p)
		}
	}()
	parsed, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, r.syntax(err)
	}
	for _, doc := range parsed.Docs {
		if doc.Body == nil {
			continue
		}
		if _, isComment := doc.Body.(*ast.CommentGroupNode); isComment {
			continue
		}
		if body != nil {
			return nil, r.at(doc.Body).mistake("a file holds one application; want no second document")
		}
		body = doc.Body
	}
	if body == nil {
		return nil, whole.mistake("file is empty; want the keys %s", strings.Join(appKeys, ", "))
	}
	return body, nil
}

// deepLine tells lines that open more brackets or list entries than any catalogue does, before a parser recurses on them.
func deepLine(line []byte) bool {
	return bytes.Count(line, []byte("[")) > 100 || bytes.Count(line, []byte("{")) > 200 || bytes.Count(line, []byte("- ")) > 100
}

func (r *reader) syntax(err error) error {
	var syntax yaml.Error
	if errors.As(err, &syntax) && syntax.GetToken() != nil {
		p := syntax.GetToken().Position
		return place{r.file, p.Line, p.Column, r.embedded}.mistake("not YAML: %s", syntax.GetMessage())
	}
	return place{file: r.file}.mistake("not YAML: %v", err)
}

func (r *reader) at(n ast.Node) place {
	if n != nil && n.GetToken() != nil && n.GetToken().Position != nil {
		return place{r.file, n.GetToken().Position.Line, n.GetToken().Position.Column, r.embedded}
	}
	return place{file: r.file, embedded: r.embedded}
}

func (r *reader) fail(n ast.Node, format string, args ...any) {
	if len(r.mistakes) < 50 {
		r.mistakes = append(r.mistakes, r.at(n).mistake(format, args...))
	}
}

// pairs gives a mapping's keys and values; keys, where not nil, are those allowed.
func (r *reader) pairs(n ast.Node, what string, keys []string) []*ast.MappingValueNode {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		r.fail(n, "%s: want a mapping%s", what, ofKeys(keys))
		return nil
	}
	seen := map[string]bool{}
	var kept []*ast.MappingValueNode
	for _, v := range values {
		key, ok := r.scalar(v.Key, what)
		switch {
		case !ok:
		case seen[key.text]:
			r.fail(v.Key, "%s: %s is there twice", what, key.text)
		case keys != nil && !slices.Contains(keys, key.text):
			r.fail(v.Key, "%s: unknown key %q; want one of %s", what, key.text, strings.Join(keys, ", "))
		default:
			kept = append(kept, v)
		}
		seen[key.text] = true
	}
	return kept
}

func ofKeys(keys []string) string {
	if keys == nil {
		return " of names to values"
	}
	return " with the keys " + strings.Join(keys, ", ")
}

// scalar gives a single value as text. Numbers and booleans count by what is written.
func (r *reader) scalar(n ast.Node, what string) (located, bool) {
	at := r.at(n)
	switch n := n.(type) {
	case *ast.StringNode:
		return located{n.Value, at}, true
	case *ast.LiteralNode:
		if n.Value != nil {
			return located{strings.TrimRight(n.Value.Value, "\n"), at}, true
		}
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return located{n.GetToken().Value, at}, true
	case *ast.NullNode:
		r.fail(n, "%s: want a value", what)
		return located{at: at}, false
	}
	r.fail(n, "%s: want a single value", what)
	return located{at: at}, false
}

// scalars gives a value, or a list of them.
func (r *reader) scalars(n ast.Node, what string, list bool) []located {
	sequence, ok := n.(*ast.SequenceNode)
	if !ok {
		if v, ok := r.scalar(n, what); ok {
			return []located{v}
		}
		return nil
	}
	if !list {
		r.fail(n, "%s: want a single value, not a list", what)
		return nil
	}
	var out []located
	for _, item := range sequence.Values {
		if v, ok := r.scalar(item, what); ok {
			out = append(out, v)
		}
	}
	return out
}
