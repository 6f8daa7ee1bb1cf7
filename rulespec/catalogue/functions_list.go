package catalogue

import (
	"slices"
	"unicode/utf8"
)

// listOf gives v as a list: nothing is the empty one, a single value a list of one.
func listOf(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		if v == "" {
			return nil
		}
	case []any:
		return v[:min(len(v), maxList)]
	}
	return []any{v}
}

// field gives an object's field or a list's element, or nil.
func field(v, key any) any {
	switch v := v.(type) {
	case map[string]any:
		if k, ok := key.(string); ok {
			return v[k]
		}
		return v[textOf(key)]
	case map[string]string:
		if s, ok := v[textOf(key)]; ok {
			return s
		}
	case []any:
		if i, ok := integer(key); ok {
			return item(v, i)
		}
	}
	return nil
}

func item(v any, i int) any {
	l := listOf(v)
	if i < 0 {
		i += len(l)
	}
	if i < 0 || i >= len(l) {
		return nil
	}
	return l[i]
}

// appendTexts appends the texts in v, however nested, that are not empty. Objects have none.
func appendTexts(to []string, v any, depth int) []string {
	switch v := v.(type) {
	case nil, bool, map[string]any:
	case []any:
		if depth < 4 {
			for _, x := range v[:min(len(v), maxSet)] {
				to = appendTexts(to, x, depth+1)
			}
		}
	case []string:
		to = append(to, v...)
	default:
		if s := textOf(v); s != "" {
			to = append(to, s)
		}
	}
	return to
}

func length(v any) any {
	switch v := v.(type) {
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	}
	return utf8.RuneCountInString(textOf(v))
}

func isList(v any) any   { _, ok := v.([]any); return ok }
func isObject(v any) any { _, ok := v.(map[string]any); return ok }

func keysOf(v any) any {
	m, _ := v.(map[string]any)
	keys := sortedKeys(m)
	out := make([]any, 0, min(len(keys), maxList))
	for _, k := range keys[:min(len(keys), maxList)] {
		out = append(out, k)
	}
	return out
}

func valuesOf(v any) any {
	m, _ := v.(map[string]any)
	keys := sortedKeys(m)
	out := make([]any, 0, min(len(keys), maxList))
	for _, k := range keys[:min(len(keys), maxList)] {
		out = append(out, m[k])
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func member(v, in any) bool {
	if m, ok := in.(map[string]any); ok {
		_, has := m[textOf(v)]
		return has
	}
	return slices.ContainsFunc(listOf(in), func(x any) bool { return equal(v, x) })
}

func digFunction(args ...any) (any, error) {
	v := args[0]
	for _, key := range args[1:] {
		v = field(v, key)
	}
	return v, nil
}

func getFunction(args ...any) (any, error) { return field(args[0], args[1]), nil }

func firstFunction(args ...any) (any, error) {
	for _, v := range args {
		if truthy(v) {
			return v, nil
		}
	}
	return nil, nil
}

func flattenFunction(args ...any) (any, error) {
	var out []any
	for _, v := range args {
		for _, x := range listOf(v) {
			out = append(out, listOf(x)...)
			if len(out) > maxList {
				return out[:maxList], nil
			}
		}
	}
	return out, nil
}
