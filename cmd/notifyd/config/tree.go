package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

func emptyMapping() *ast.MappingNode {
	return ast.Mapping(token.New("{}", "{}", &token.Position{Line: 1, Column: 1}), false)
}

// asMapping sees a mapping also where the parser gives a single key: value pair or a null.
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

func keyOf(v *ast.MappingValueNode) string {
	return strings.Trim(v.Key.String(), `"'`)
}

// find gives the node at path, or nil.
func find(m *ast.MappingNode, path []string) ast.Node {
	for _, v := range m.Values {
		if keyOf(v) != path[0] {
			continue
		}
		if len(path) == 1 {
			return v.Value
		}
		if sub, ok := asMapping(v.Value); ok {
			return find(sub, path[1:])
		}
	}
	return nil
}

// merge gives base with over laid on top: mappings are merged key by key, anything else is replaced. A secret and its file
// exclude each other: what lies on top wins. Neither base nor over changes.
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

// fillSecrets replaces key_file: PATH by key: CONTENT wherever the struct that is decoded into has a field key with the
// tag secret:"true". It returns a copy; the tree that line numbers come from stays as it is.
func fillSecrets(node ast.Node, into any) (ast.Node, error) {
	return fill(node, reflect.TypeOf(into))
}

func fill(node ast.Node, t reflect.Type) (ast.Node, error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Struct:
		return fillStruct(node, t)
	case reflect.Map:
		return fillValues(node, func(string) reflect.Type { return t.Elem() })
	case reflect.Slice:
		list, ok := node.(*ast.SequenceNode)
		if !ok {
			return node, nil
		}
		copied := *list
		copied.Values = append([]ast.Node(nil), list.Values...)
		for i, v := range copied.Values {
			filled, err := fill(v, t.Elem())
			if err != nil {
				return nil, err
			}
			copied.Values[i] = filled
		}
		return &copied, nil
	}
	return node, nil
}

func fillStruct(node ast.Node, t reflect.Type) (ast.Node, error) {
	m, ok := asMapping(node)
	if !ok {
		return node, nil
	}
	var values []*ast.MappingValueNode
	for _, v := range m.Values {
		name, isFile := strings.CutSuffix(keyOf(v), "_file")
		field, found := fieldFor(t, name)
		if !isFile || !found || field.Tag.Get("secret") != "true" {
			values = append(values, v)
			continue
		}
		secret, err := secretNode(name, v)
		if err != nil {
			return nil, err
		}
		values = append(values, secret)
	}
	filled := ast.Mapping(m.Start, m.IsFlowStyle, values...)
	return fillValues(filled, func(key string) reflect.Type {
		if field, ok := fieldFor(t, key); ok {
			return field.Type
		}
		return reflect.TypeFor[string]()
	})
}

func fillValues(node ast.Node, typeOf func(key string) reflect.Type) (ast.Node, error) {
	m, ok := asMapping(node)
	if !ok {
		return node, nil
	}
	filled := ast.Mapping(m.Start, m.IsFlowStyle)
	for _, v := range m.Values {
		value, err := fill(v.Value, typeOf(keyOf(v)))
		if err != nil {
			return nil, err
		}
		filled.Values = append(filled.Values, ast.MappingValue(v.Start, v.Key, value))
	}
	return filled, nil
}

// secretNode reads the file that v names; the value loses one trailing newline, as editors put one there.
func secretNode(name string, v *ast.MappingValueNode) (*ast.MappingValueNode, error) {
	path := strings.Trim(v.Value.String(), `"'`)
	text, err := readBounded(path)
	if err != nil {
		return nil, mismatch{v.Key, fmt.Sprintf("read %s_file: %v", name, err)}
	}
	content := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	tree, err := parser.ParseBytes([]byte(fmt.Sprintf("{%q: %q}", name, content)), 0)
	if err != nil {
		return nil, mismatch{v.Key, name + "_file holds what cannot be a value"}
	}
	m, ok := asMapping(tree.Docs[0].Body)
	if !ok || len(m.Values) != 1 {
		return nil, mismatch{v.Key, name + "_file holds what cannot be a value"}
	}
	return m.Values[0], nil
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
