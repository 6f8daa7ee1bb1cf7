package directory

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxNesting bounds brackets and dashes within each other: the parser's time grows with the square of the depth.
const maxNesting = 20

// errSyntax is wrapped by what is wrong with a text before its meaning is looked at.
var errSyntax = errors.New("not YAML")

// An entry is a key of a mapping, its node and its value.
type entry struct {
	key   string
	node  ast.Node
	value ast.Node
}

func parseYAML(text []byte) (ast.Node, error) {
	tokens := lexer.Tokenize(string(text))
	if err := checkNesting(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, syntaxError(err)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, fmt.Errorf("line 1, column 1: %w: one document with the keys groups, packages and accounts is expected", errSyntax)
	}
	return file.Docs[0].Body, nil
}

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
			return fmt.Errorf("line %d, column %d: %w: nested too deeply", t.Position.Line, t.Position.Column, errSyntax)
		}
	}
	return nil
}

func syntaxError(err error) error {
	var e yaml.Error
	if !errors.As(err, &e) || e.GetToken() == nil || e.GetToken().Position == nil {
		return fmt.Errorf("%w: %w", errSyntax, err)
	}
	p := e.GetToken().Position
	return fmt.Errorf("line %d, column %d: %w: %s", p.Line, p.Column, errSyntax, e.GetMessage())
}

// placeOf gives the line and column of a node in the file, in words.
func (b *builder) placeOf(n ast.Node) string {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		n = m.Values[0].Key // the token of a mapping in block style is its first colon
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return "line 1, column 1"
	}
	p := n.GetToken().Position
	return fmt.Sprintf("line %d, column %d", b.line+p.Line, p.Column)
}

// entries gives the entries of a mapping; an empty value is an empty mapping.
func (b *builder) entries(n ast.Node) []entry {
	if _, empty := n.(*ast.NullNode); empty {
		return nil
	}
	m, ok := n.(ast.MapNode)
	if !ok {
		b.wrong(n, "a mapping is expected here")
		return nil
	}
	var entries []entry
	for i := m.MapRange(); i.Next(); {
		if key, ok := b.text(i.Key()); ok {
			entries = append(entries, entry{key: key, node: i.Key(), value: i.Value()})
		}
	}
	return entries
}

// list gives a list of names; an empty value is an empty list.
func (b *builder) list(n ast.Node) []string {
	if _, empty := n.(*ast.NullNode); empty {
		return nil
	}
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		b.wrong(n, "a list of names is expected here")
		return nil
	}
	names := make([]string, 0, len(list.Values))
	for _, v := range list.Values {
		if name, ok := b.text(v); ok {
			names = append(names, b.name(name))
		}
	}
	return names
}

// text gives a name as it is written, be it a number or a word that YAML knows.
func (b *builder) text(n ast.Node) (string, bool) {
	var s string
	switch n := n.(type) {
	case *ast.StringNode:
		s = n.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		s = n.GetToken().Value
	default:
		b.wrong(n, "a name is expected here")
		return "", false
	}
	if wrong := checkName(s); wrong != "" {
		b.wrong(n, "%s", wrong)
		return "", false
	}
	return s, true
}
