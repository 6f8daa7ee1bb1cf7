package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/notifyd/notifyd/internal/secret"
	"github.com/notifyd/notifyd/internal/watch"
	"github.com/notifyd/notifyd/internal/yamltext"
)

func emptyMapping() *ast.MappingNode {
	return ast.Mapping(token.New("{}", "{}", &token.Position{Line: 1, Column: 1}), false)
}

// asMapping returns a node as a mapping. It also accepts a single key: value pair and a null, which the parser
// returns in other forms.
func asMapping(n ast.Node) (*ast.MappingNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n, true
	case *ast.MappingValueNode:
		return ast.Mapping(n.Start, false, n), true
	case *ast.NullNode:
		return emptyMapping(), true
	}
	return nil, false
}

// keyOf returns a key as it is written: 1.10 is not a number here.
func keyOf(v *ast.MappingValueNode) string {
	if text, ok := yamltext.Text(v.Key); ok {
		return text
	}
	return v.Key.String() // "? key" and "<<", which no section has
}

// find returns the node at path, or nil.
func find(m *ast.MappingNode, path []string) ast.Node {
	at, ok := yamltext.Find(m, path...)
	if !ok {
		return nil
	}
	return at.Value
}

// isEmpty reports whether a section has no content.
func isEmpty(node ast.Node) bool {
	m, ok := asMapping(node)
	return ok && len(m.Values) == 0
}

// merge returns base with over laid on top: mappings are merged key by key, anything else is replaced. A secret and
// its file exclude each other: the one in over wins. Neither base nor over changes.
func merge(base, over *ast.MappingNode) *ast.MappingNode {
	merged := ast.Mapping(base.Start, base.IsFlowStyle, append([]*ast.MappingValueNode(nil), base.Values...)...)
	for _, o := range over.Values {
		merged.Values = slices.DeleteFunc(merged.Values, func(b *ast.MappingValueNode) bool {
			return keyOf(b) == keyOf(o)+"_file" || keyOf(b)+"_file" == keyOf(o)
		})
		at := -1
		for i, b := range merged.Values {
			if keyOf(b) == keyOf(o) {
				at = i
			}
		}
		if at < 0 {
			merged.Values = append(merged.Values, o)
			continue
		}
		value := o.Value
		if b, ok := asMapping(merged.Values[at].Value); ok {
			if deep, ok := asMapping(o.Value); ok {
				value = merge(b, deep)
			}
		}
		merged.Values[at] = ast.MappingValue(o.Start, o.Key, value)
	}
	return merged
}

// A filler prepares a tree for the decoder. It replaces key_file: PATH by key: CONTENT where the struct has a secret
// of that key, and turns scalars of text fields into their text as written. It returns a copy, since the original
// tree holds the line numbers.
type filler struct {
	read func(path string) // is called with the path of each secret's file
}

func (f filler) fill(node ast.Node, t reflect.Type) (ast.Node, error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if readsItself(t) {
		return node, nil
	}
	switch t.Kind() {
	case reflect.String:
		return asWritten(node), nil
	case reflect.Struct:
		return f.fillStruct(node, t)
	case reflect.Map:
		return f.fillValues(node, func(string) reflect.Type { return t.Elem() })
	case reflect.Slice:
		list, ok := node.(*ast.SequenceNode)
		if !ok {
			return node, nil
		}
		copied := *list
		copied.Values = append([]ast.Node(nil), list.Values...)
		for i, v := range copied.Values {
			filled, err := f.fill(v, t.Elem())
			if err != nil {
				return nil, err
			}
			copied.Values[i] = filled
		}
		return &copied, nil
	}
	return node, nil
}

func (f filler) fillStruct(node ast.Node, t reflect.Type) (ast.Node, error) {
	m, ok := asMapping(node)
	if !ok {
		return node, nil
	}
	var values []*ast.MappingValueNode
	for _, v := range m.Values {
		name, isFile := strings.CutSuffix(keyOf(v), "_file")
		field, found := fieldFor(t, name)
		if _, own := fieldFor(t, keyOf(v)); own || !isFile || !found || !secret.Field(field) {
			values = append(values, v)
			continue
		}
		if yamltext.IsEmpty(v.Value) {
			continue // not set
		}
		secret, err := f.secretNode(name, field.Type, v)
		if err != nil {
			return nil, err
		}
		values = append(values, secret)
	}
	filled := ast.Mapping(m.Start, m.IsFlowStyle, values...)
	return f.fillValues(filled, func(key string) reflect.Type {
		if field, ok := fieldFor(t, key); ok {
			return field.Type
		}
		return reflect.TypeFor[string]()
	})
}

func (f filler) fillValues(node ast.Node, typeOf func(key string) reflect.Type) (ast.Node, error) {
	m, ok := asMapping(node)
	if !ok {
		return node, nil
	}
	filled := ast.Mapping(m.Start, m.IsFlowStyle)
	for _, v := range m.Values {
		value, err := f.fill(v.Value, typeOf(keyOf(v)))
		if err != nil {
			return nil, err
		}
		filled.Values = append(filled.Values, ast.MappingValue(v.Start, textNode(keyOf(v), v.Key.GetToken()), value))
	}
	return filled, nil
}

// asWritten returns the text of a scalar that is written like a number or a truth value. The decoder would turn 0123
// into 83, and 1.10 into 1.1.
func asWritten(node ast.Node) ast.Node {
	if tag, ok := node.(*ast.TagNode); ok && tag.Start.Value == "!!str" {
		node = tag.Value
	}
	if text, ok := yamltext.Text(node); ok {
		return textNode(text, node.GetToken())
	}
	return node
}

func textNode(text string, at *token.Token) *ast.StringNode {
	return ast.String(token.DoubleQuote(text, text, at.Position))
}

// secretNode reads the file that v names. A text loses one trailing newline, as editors put one there; any other type
// is read as YAML.
func (f filler) secretNode(name string, t reflect.Type, v *ast.MappingValueNode) (*ast.MappingValueNode, error) {
	path := asWritten(v.Value).GetToken().Value
	text, err := watch.ReadFile(path, maxBytes)
	if err != nil {
		return nil, mismatch{node: v.Key, text: fmt.Sprintf("read %s_file: %v", name, err)}
	}
	f.read(path)
	at := v.Key.GetToken()
	if t.Kind() == reflect.String {
		content := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
		if content == "" {
			return nil, mismatch{node: v.Key, text: fmt.Sprintf("read %s_file: %s is empty", name, path)}
		}
		return ast.MappingValue(v.Start, textNode(name, at), textNode(content, at)), nil
	}
	tree, err := yamltext.Parse(text, bounds)
	if err != nil || tree == nil {
		return nil, mismatch{node: v.Key, text: name + "_file holds what is no YAML"}
	}
	if found := mismatches(tree, t); len(found) > 0 {
		return nil, mismatch{node: v.Key, text: name + "_file: what it holds is not as expected"}
	}
	return ast.MappingValue(v.Start, textNode(name, at), tree), nil
}

func fieldFor(t reflect.Type, key string) (reflect.StructField, bool) {
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name == key && name != "" {
			return field, true
		}
	}
	return reflect.StructField{}, false
}
