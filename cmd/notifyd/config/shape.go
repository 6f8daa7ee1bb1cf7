package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/internal/yamltext"

	"github.com/notifyd/notifyd/internal/secret"
)

// A mistake is an error in the configuration with its position: file, line and column, or the variable of the
// environment. Its text never quotes the lines around, which may hold a password.
type mistake struct{ position, text string }

func (m mistake) Error() string { return m.position + ": " + m.text }

// A mismatch is a node that does not fit the struct that it is decoded into.
type mismatch struct {
	node     ast.Node
	text     string
	expected string // "" where text is complete without it
}

func (m mismatch) Error() string { return m.text }

// mismatches compares a section with the type that it is decoded into. The decoder's own errors use terms of Go, and
// its errors about durations have no position.
func mismatches(node ast.Node, t reflect.Type) []mismatch {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[Size]() {
		return mismatchesOfSize(node)
	}
	if readsItself(t) {
		return nil
	}
	switch t.Kind() {
	case reflect.Struct:
		return mismatchesOfStruct(node, t)
	case reflect.Map:
		return eachValue(node, func(*ast.MappingValueNode) (reflect.Type, string) { return t.Elem(), "" })
	case reflect.Slice:
		list, ok := node.(*ast.SequenceNode)
		if !ok {
			return unless(node.Type() == ast.NullType, node, "a list")
		}
		var found []mismatch
		for _, v := range list.Values {
			found = append(found, mismatches(v, t.Elem())...)
		}
		return found
	}
	return mismatchesOfScalar(node, t)
}

// readsItself reports whether a type has its own form in YAML.
func readsItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[yaml.InterfaceUnmarshaler]()) ||
		p.Implements(reflect.TypeFor[yaml.BytesUnmarshaler]())
}

func mismatchesOfStruct(node ast.Node, t reflect.Type) []mismatch {
	var keys []string
	for field := range t.Fields() {
		if name, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); name != "" && name != "-" {
			keys = append(keys, name)
			if secret.Field(field) {
				keys = append(keys, name+"_file")
			}
		}
	}
	slices.Sort(keys)
	return eachValue(node, func(v *ast.MappingValueNode) (reflect.Type, string) {
		key := keyOf(v)
		if field, ok := fieldFor(t, key); ok {
			if wrong := mismatches(v.Value, field.Type); secret.Field(field) && len(wrong) > 0 { // not to be quoted
				return nil, fmt.Sprintf("%s is not as expected: %s", key, cmp.Or(wrong[0].expected, "an unknown key in it"))
			}
			return field.Type, ""
		}
		name, isFile := strings.CutSuffix(key, "_file")
		if field, ok := fieldFor(t, name); ok && isFile && secret.Field(field) {
			if m, ok := asMapping(node); ok && find(m, []string{name}) != nil {
				return nil, fmt.Sprintf("%s and %s exclude each other", name, key)
			}
			return reflect.TypeFor[string](), ""
		}
		return nil, fmt.Sprintf("unknown key %q; expected one of %s", key, strings.Join(keys, ", "))
	})
}

// eachValue checks the values of a mapping against the types that typeOf returns. If typeOf returns a complaint,
// eachValue reports it at the key.
func eachValue(node ast.Node, typeOf func(*ast.MappingValueNode) (reflect.Type, string)) []mismatch {
	m, ok := asMapping(node)
	if !ok {
		if _, isText := yamltext.Text(node); isText { // which may be a secret, as in database: postgres://…
			return []mismatch{{node, "found a text; expected a mapping, such as \"key: value\"", "a mapping"}}
		}
		return unless(false, node, "a mapping, such as \"key: value\"")
	}
	var found []mismatch
	for _, v := range m.Values {
		t, complaint := typeOf(v)
		if t == nil {
			found = append(found, mismatch{node: v.Key, text: complaint})
			continue
		}
		found = append(found, mismatches(v.Value, t)...)
	}
	return found
}

func mismatchesOfScalar(node ast.Node, t reflect.Type) []mismatch {
	kind := node.Type()
	if kind == ast.NullType {
		return nil
	}
	if t == reflect.TypeFor[time.Duration]() {
		text, ok := node.(*ast.StringNode)
		if ok {
			_, err := time.ParseDuration(text.Value)
			ok = err == nil
		}
		return unless(ok, node, "a duration with its unit, such as 500ms, 30s, 10m or 720h")
	}
	if tag, ok := node.(*ast.TagNode); ok && tag.Start.Value != "!!str" {
		return []mismatch{{node, "a tag is not used here; put a text that begins with ! into quotes", "no tag"}}
	}
	switch t.Kind() {
	case reflect.String:
		return unless(kind != ast.MappingType && kind != ast.MappingValueType && kind != ast.SequenceType, node, "text")
	case reflect.Bool:
		return unless(kind == ast.BoolType, node, "true or false")
	case reflect.Int, reflect.Int64:
		return unless(kind == ast.IntegerType && !octal(node), node, "a whole number without a leading 0")
	case reflect.Float64:
		return unless(kind == ast.IntegerType || kind == ast.FloatType, node, "a number")
	}
	return nil
}

// octal reports whether a number begins with 0, as 0123 does, which YAML 1.1 takes for 83.
func octal(node ast.Node) bool {
	digits := strings.TrimLeft(node.GetToken().Value, "+-")
	return len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9'
}

func unless(ok bool, node ast.Node, expected string) []mismatch {
	if ok {
		return nil
	}
	return []mismatch{{node, fmt.Sprintf("found %s; expected %s", yamltext.Describe(node), expected), expected}}
}
