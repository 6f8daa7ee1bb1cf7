package language

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

func joinFunction(args ...any) (any, error) {
	return text.CutBytes(strings.Join(values.Texts(values.List(args[0])), values.Text(args[1])), values.MaxText), nil
}

func sortFunction(args ...any) (any, error) {
	var out []any
	for _, s := range sortedTexts(args[0]) {
		out = append(out, s)
	}
	return out, nil
}

func sortedTexts(v any) []string {
	texts := values.Texts(values.List(v))
	slices.Sort(texts)
	return slices.Compact(texts)
}

// seriesFunction writes "a, b and c".
func seriesFunction(args ...any) (any, error) {
	names := sortedTexts(args[0])
	if limit := optional(args, 1, len(names)); limit > 0 && len(names) > limit {
		names = append(names[:limit:limit], text.Plural(len(names)-limit, "other", "others"))
	}
	return text.CutBytes(text.Series(names, "and"), values.MaxText), nil
}

func pluralFunction(args ...any) (any, error) {
	n := args[0]
	if _, isNumber := values.Number(n); !isNumber {
		n = len(values.List(n))
	}
	word := values.Text(args[2])
	if values.Equal(n, 1) {
		word = values.Text(args[1])
	}
	return values.Text(n) + " " + word, nil
}

func length(v any) any {
	switch v := v.(type) {
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	}
	return utf8.RuneCountInString(values.Text(v))
}

func isList(v any) any   { _, ok := v.([]any); return ok }
func isObject(v any) any { _, ok := v.(map[string]any); return ok }

func keysOf(v any) any {
	m, _ := v.(map[string]any)
	keys := values.Keys(m)
	out := make([]any, 0, min(len(keys), values.MaxList))
	for _, k := range keys[:min(len(keys), values.MaxList)] {
		out = append(out, k)
	}
	return out
}

func valuesOf(v any) any {
	m, _ := v.(map[string]any)
	keys := values.Keys(m)
	out := make([]any, 0, min(len(keys), values.MaxList))
	for _, k := range keys[:min(len(keys), values.MaxList)] {
		out = append(out, m[k])
	}
	return out
}

func member(v, in any) bool {
	if m, ok := in.(map[string]any); ok {
		_, has := m[values.Text(v)]
		return has
	}
	return slices.ContainsFunc(values.List(in), func(x any) bool { return values.Equal(v, x) })
}

func digFunction(args ...any) (any, error) {
	v := args[0]
	for _, key := range args[1:] {
		v = values.Field(v, key)
	}
	return v, nil
}

func getFunction(args ...any) (any, error) { return values.Field(args[0], args[1]), nil }

func firstFunction(args ...any) (any, error) {
	for _, v := range args {
		if values.Truthy(v) {
			return v, nil
		}
	}
	return nil, nil
}

func flattenFunction(args ...any) (any, error) {
	var out []any
	for _, v := range args {
		for _, x := range values.List(v) {
			out = append(out, values.List(x)...)
			if len(out) > values.MaxList {
				return out[:values.MaxList], nil
			}
		}
	}
	return out, nil
}

func addFunction(args ...any) (any, error) {
	if args[0] == nil || args[1] == nil { // half of a name, a key or a URL is none
		return nil, nil
	}
	_, isText := args[0].(string)
	_, also := args[1].(string)
	if !isText && !also {
		a, ok := values.Integer(args[0])
		b, both := values.Integer(args[1])
		if ok && both {
			return a + b, nil
		}
	}
	return text.CutBytes(values.Text(args[0])+values.Text(args[1]), values.MaxText), nil
}

func subFunction(args ...any) (any, error) {
	a, ok := values.Integer(args[0])
	b, both := values.Integer(args[1])
	if !ok || !both {
		return nil, nil
	}
	return a - b, nil
}
