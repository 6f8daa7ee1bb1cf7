package rulespec

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxNesting bounds the depth of a text: the parser's time grows with its square. The form itself needs seven.
const maxNesting = 20

// A place is a line and a column of a text, both from 1.
type place struct{ line, column int }

// An entry is a key of a mapping, with its place and value.
type entry struct {
	key   string
	at    place
	value ast.Node
}

// parseYAML gives the tree of the one document of text.
func parseYAML(text []byte) (ast.Node, error) {
	if len(text) > MaxText {
		return nil, &Error{Problem: fmt.Sprintf("the text is longer than %d bytes", MaxText)}
	}
	// The parser would take U+FFFD for what it cannot read.
	if at := invalidUTF8(text); at != nil {
		return nil, &Error{Line: at.line, Column: at.column, Problem: "the text is not UTF-8 here"}
	}
	tokens := lexer.Tokenize(string(text))
	if err := checkNesting(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, syntaxError(err)
	}
	if len(file.Docs) > 1 {
		at := placeOf(file.Docs[1].Body)
		return nil, &Error{Line: at.line, Column: at.column, Problem: "a second document begins here; one is allowed"}
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil, &Error{Line: 1, Column: 1, Problem: "the text is empty; the key `filters` is missing"}
	}
	return file.Docs[0].Body, nil
}

// invalidUTF8 gives the place of the first byte that is not UTF-8, nil where there is none.
func invalidUTF8(text []byte) *place {
	at := place{1, 1}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			return &at
		}
		at.column++
		if r == '\n' {
			at = place{at.line + 1, 1}
		}
		text = text[size:]
	}
	return nil
}

// checkNesting refuses what is nested too deeply, in brackets or in dashes on one line. Nesting by lines is bounded by
// the text: each level costs the indentation of all above it.
func checkNesting(tokens token.Tokens) error {
	brackets, dashes, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			dashes, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType:
			dashes++
		}
		if brackets > maxNesting || dashes > maxNesting {
			return &Error{Line: t.Position.Line, Column: t.Position.Column, Problem: "the text is nested too deeply here"}
		}
	}
	return nil
}

func syntaxError(err error) error {
	var e yaml.Error
	if !errors.As(err, &e) {
		return &Error{Problem: "not YAML: " + err.Error()}
	}
	wrong := &Error{Problem: "not YAML: " + e.GetMessage()}
	if t := e.GetToken(); t != nil && t.Position != nil {
		wrong.Line, wrong.Column = t.Position.Line, t.Position.Column
	}
	return wrong
}

func placeOf(n ast.Node) place {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		n = m.Values[0].Key // the token of a mapping in block style is its first colon
	}
	if m, ok := n.(*ast.MappingValueNode); ok {
		n = m.Key
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return place{1, 1}
	}
	p := n.GetToken().Position
	return place{p.Line, p.Column}
}

// entries gives the entries of a mapping in their order; anything else is a mistake, of which expected says more.
func (r *reader) entries(n ast.Node, expected string) []entry {
	m, ok := n.(ast.MapNode)
	if !ok {
		r.wrong(placeOf(n), expected+"; this is "+describe(n))
		return nil
	}
	var entries []entry
	for i := m.MapRange(); i.Next(); {
		key, ok := i.Key().(*ast.StringNode)
		if !ok {
			r.wrong(placeOf(i.Key()), "a key is a word; this is "+describe(i.Key()))
			continue
		}
		entries = append(entries, entry{key: key.Value, at: placeOf(key), value: i.Value()})
	}
	return entries
}

// items gives the items of a list; anything else is a mistake.
func (r *reader) items(n ast.Node, expected string) []ast.Node {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		r.wrong(placeOf(n), expected+"; this is "+describe(n))
		return nil
	}
	return list.Values
}

// values gives a text, or a list of texts.
func (r *reader) values(n ast.Node) ([]string, bool) {
	list, isList := n.(*ast.SequenceNode)
	if !isList {
		v, ok := r.text(n)
		return []string{v}, ok
	}
	var values []string
	for _, item := range list.Values {
		v, ok := r.text(item)
		if !ok {
			return nil, false
		}
		values = append(values, v)
	}
	return values, true
}

// text gives a scalar as it is written: 389 is the text "389", true the text "true".
func (r *reader) text(n ast.Node) (string, bool) {
	var s string
	switch n := n.(type) {
	case *ast.StringNode:
		s = n.Value
	case *ast.LiteralNode:
		s = n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		s = n.GetToken().Value
	default:
		r.wrong(placeOf(n), "a text belongs here; this is "+describe(n))
		return "", false
	}
	if wrong := checkText(s); wrong != "" {
		r.wrong(placeOf(n), wrong)
		return "", false
	}
	return s, true
}

// describe says what a node is, for a person.
func describe(n ast.Node) string {
	switch n.(type) {
	case nil, *ast.NullNode:
		return "empty"
	case *ast.SequenceNode:
		return "a list"
	case ast.MapNode:
		return "a mapping"
	case *ast.AnchorNode, *ast.AliasNode:
		return "an anchor or an alias, which filters do not use"
	case *ast.TagNode:
		return "a tag, which filters do not use"
	}
	return quoted(n.GetToken().Value)
}
