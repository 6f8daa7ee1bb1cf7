package values

import (
	"encoding/json"
	"slices"
	"strings"
)

// List gives v as a list: nothing is the empty one, a single value a list of one.
func List(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		if v == "" {
			return nil
		}
	case []any:
		return v[:min(len(v), MaxList)]
	}
	return []any{v}
}

// names are the fields that hold the name of a thing. Where a text stands instead of the thing, it is that name.
var names = map[string]bool{"name": true, "login": true, "username": true, "nick": true, "full_name": true,
	"title": true, "nvr": true}

// Field gives an object's field or a list's element, or nil. Senders write {"user": {"name": "bob"}} today and
// {"user": "bob"} tomorrow, or a list of one: the name of a text is the text itself, a number is its own id, and the
// field of a list of one is that of its element.
func Field(v, key any) any {
	switch v := v.(type) {
	case map[string]any:
		if k, ok := key.(string); ok {
			return Said(v[k])
		}
		return Said(v[Text(key)])
	case map[string]string:
		if s, ok := v[Text(key)]; ok {
			return s
		}
	case string:
		if k, ok := key.(string); ok && v != "" && (names[k] || k == "id" && strings.Trim(v, "0123456789") == "") {
			return v
		}
	case json.Number:
		if key == "id" {
			return v
		}
	case []any:
		if i, ok := Integer(key); ok {
			return Item(v, i)
		}
		if len(v) == 1 {
			if _, isList := v[0].([]any); !isList {
				return Field(v[0], key)
			}
		}
	}
	return nil
}

// Said gives a field's value, and nothing for a text in which a program says that it has nothing to say.
func Said(v any) any {
	if s, isText := v.(string); isText && len(s) < 16 && IsPlaceholder(s) {
		return nil
	}
	return v
}

// Item gives a list's element, counted from the end where i is negative, or nil.
func Item(v any, i int) any {
	l := List(v)
	if i < 0 {
		i += len(l)
	}
	if i < 0 || i >= len(l) {
		return nil
	}
	return l[i]
}

// maxTexts bounds the texts of lists in lists.
const maxTexts = 2 * MaxSet

// Texts gives the texts in v, however nested, that are not empty. Objects have none.
func Texts(v any) []string { return AppendTexts(nil, v) }

// AppendTexts appends the Texts of v.
func AppendTexts(to []string, v any) []string { return appendTexts(to, v, 0) }

func appendTexts(to []string, v any, depth int) []string {
	switch v := v.(type) {
	case nil, bool, map[string]any:
	case []any:
		if depth < 4 {
			for _, x := range v[:min(len(v), MaxSet)] {
				if len(to) >= maxTexts {
					break
				}
				to = appendTexts(to, x, depth+1)
			}
		}
	case []string:
		to = append(to, v...)
	default:
		if s := Text(v); s != "" {
			to = append(to, s)
		}
	}
	return to
}

// AppendNames appends the names of things in v: the texts, and of objects their names. A number or a bool is none.
func AppendNames(to []string, v any) []string { return appendNames(to, v, 0) }

func appendNames(to []string, v any, depth int) []string {
	switch v := v.(type) {
	case string:
		if v != "" {
			to = append(to, v)
		}
	case map[string]any:
		if name := NameOf(v); name != "" {
			to = append(to, name)
		}
	case []any:
		if depth < 4 {
			for _, x := range v[:min(len(v), MaxSet)] {
				if len(to) >= maxTexts {
					break
				}
				to = appendNames(to, x, depth+1)
			}
		}
	}
	return to
}

// Keys gives the keys of a map, sorted.
func Keys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// maxKeys is how many fields an object may have for FirstKeys.
const maxKeys = 5000

// FirstKeys gives the first so many of the sorted keys whose values are kept. It does not sort the others, and gives
// none of an object that has more fields than anybody reads.
func FirstKeys[V any](m map[string]V, most int, keep func(V) bool) []string {
	if len(m) > maxKeys {
		return nil
	}
	var keys []string
	last, full := "", false // once there are enough, the last of the first
	for k, v := range m {
		if full && k > last || !keep(v) {
			continue
		}
		if keys = append(keys, k); len(keys) >= 2*most {
			slices.Sort(keys)
			keys = keys[:most]
			last, full = keys[most-1], true
		}
	}
	slices.Sort(keys)
	return keys[:min(len(keys), most)]
}
