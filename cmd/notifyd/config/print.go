package config

import (
	"io"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/notifyd/notifyd/internal/secret"
)

// masked replaces every secret that is set.
const masked = "********"

// Print writes every decoded section as YAML, with secrets masked: the configuration in effect.
func (f *File) Print(w io.Writer) error {
	tree := yaml.MapSlice{}
	for _, s := range f.decoded {
		tree = insert(tree, strings.Split(s.path, "."), Masked(s.value))
	}
	text, err := yaml.MarshalWithOptions(tree, yaml.Indent(2), yaml.IndentSequence(true))
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

func insert(tree yaml.MapSlice, path []string, value any) yaml.MapSlice {
	for i, item := range tree {
		if item.Key == path[0] {
			if sub, ok := item.Value.(yaml.MapSlice); ok && len(path) > 1 {
				tree[i].Value = insert(sub, path[1:], value)
			}
			return tree
		}
	}
	if len(path) > 1 {
		value = insert(yaml.MapSlice{}, path[1:], value)
	}
	return append(tree, yaml.MapItem{Key: path[0], Value: value})
}

// Masked returns a section as Print writes it: the keys in their order, with secrets masked.
func Masked(section any) any { return maskValue(reflect.ValueOf(section)) }

// maskValue turns structs into ordered mappings by their yaml names, with secrets replaced.
func maskValue(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return maskValue(v.Elem())
	case reflect.Struct:
		return maskStruct(v)
	case reflect.Slice:
		list := []any{}
		for i := range v.Len() {
			list = append(list, maskValue(v.Index(i)))
		}
		return list
	case reflect.Map:
		m := map[string]any{}
		for _, key := range v.MapKeys() {
			m[key.String()] = maskValue(v.MapIndex(key))
		}
		return m
	}
	if s, ok := v.Interface().(interface{ String() string }); ok {
		return s.String()
	}
	return v.Interface()
}

func maskStruct(v reflect.Value) any {
	m := yaml.MapSlice{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name == "" || name == "-" || !field.IsExported() {
			continue
		}
		value := maskValue(v.Field(i))
		text, isText := value.(string)
		if isText && secret.Value(field, text) || !isText && secret.Field(field) && !v.Field(i).IsZero() {
			value = masked
		}
		m = append(m, yaml.MapItem{Key: name, Value: value})
	}
	return m
}
