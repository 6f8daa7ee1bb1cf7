package values

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
)

// What is looked at of a value that is to be read by people.
const (
	maxWithin = 3  // how deep a name may lie in an object
	maxNamed  = 10 // names of a list; of more it says how many there are
)

// Shown gives a value as it stands in a sentence: what Plain gives, and a mail address in it without its domain. A
// sentence goes to mailing lists and pages, where an address would be collected.
func Shown(v any) string { return WithoutDomains(Plain(v)) }

// Plain gives a value as a person reads it: a text or number as it is, an object by its name (NameOf), a list as a
// series of names. It never gives JSON: what has no name gives nothing, and so does what a program writes where it has
// nothing to say (see IsPlaceholder).
func Plain(v any) string { return plain(v, maxWithin) }

func plain(v any, within int) string {
	if within < 0 {
		return ""
	}
	switch v := read(v).(type) {
	case nil, map[string]string:
		return ""
	case []any:
		return plainList(v, within)
	case []string:
		return text.CutBytes(text.Series(v[:min(len(v), maxNamed)], "and"), MaxText)
	case map[string]any:
		return nameOf(v, within)
	default:
		return Text(v)
	}
}

func plainList(list []any, within int) string {
	var names []string
	others := 0
	for _, x := range list[:min(len(list), MaxList)] {
		name := plain(x, within-1)
		switch {
		case name == "" || slices.Contains(names, name):
		case len(names) < maxNamed:
			names = append(names, name)
		default:
			others++
		}
	}
	if others > 0 {
		names = append(names, text.Plural(others, "other", "others"))
	}
	return text.CutBytes(text.Series(names, "and"), MaxText)
}

// read gives what a value is: nothing for a placeholder, and for a text that is an object or a list as JSON, that.
func read(v any) any {
	s, isText := v.(string)
	if !isText {
		return v
	}
	if IsPlaceholder(s) {
		return nil
	}
	if inner, is := nested(s); is {
		return inner
	}
	return s
}

// IsPlaceholder reports whether a text says nothing: it is empty, or the nothing of a programming language.
func IsPlaceholder(s string) bool {
	if len(s) > 40 {
		return strings.TrimSpace(s) == ""
	}
	switch strings.TrimSpace(s) { // every field that is read is asked
	case "", "null", "NULL", "None", "nil", "undefined", "NaN", "(null)", "(none)", "<nil>", "<null>", "<none>",
		"<no value>", "<undefined>", "[]", "{}", "()", "[null]", "[None]", "[object Object]", "map[]", "''", `""`:
		return true
	}
	return false
}

// maxNested bounds the texts that are read as JSON, in bytes: that takes far longer than to show them.
const maxNested = 4 << 10

// nested gives the object or list in a text that is JSON; nothing for one that another language has written, or that is
// longer than anybody reads.
func nested(s string) (any, bool) {
	s = strings.TrimSpace(s)
	if len(s) < 2 || len(s) > MaxText {
		return nil, false
	}
	first, last := s[0], s[len(s)-1]
	if (first != '{' || last != '}') && (first != '[' || last != ']') {
		return nil, isGo(s)
	}
	if len(s) > maxNested {
		return nil, isPython(s) || isGo(s) || isJSON(s)
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var out any
	if d.Decode(&out) == nil && !d.More() {
		return out, true
	}
	return nil, isPython(s) || isGo(s)
}

// isJSON reports whether a text begins as an object or a list in JSON does.
func isJSON(s string) bool {
	inner := strings.TrimLeft(s, "[{ \n\t\r")
	return inner == "" || strings.IndexByte("\"-0123456789]}", inner[0]) >= 0
}

// isPython reports whether a text is an object or a list of texts as Python prints it, and isGo whether it is one of
// Go.
func isPython(s string) bool {
	inner := strings.TrimLeft(s, "[{( ")
	return strings.HasPrefix(inner, "'") || strings.HasPrefix(inner, "u'")
}

func isGo(s string) bool {
	return strings.HasSuffix(s, "]") && strings.HasPrefix(strings.TrimLeft(s, "["), "map[") ||
		strings.HasSuffix(s, "}") && strings.HasPrefix(s, "&{")
}

// nameKeys are the fields that hold the name of a thing, the most telling first.
var nameKeys = []string{"full_name", "path_with_namespace", "fullname", "name", "title", "nvr", "component", "slug",
	"key", "login", "username", "user_name", "nickname", "nick", "display_name", "displayName", "label", "subject",
	"summary", "value", "text", "id", "number", "uuid"}

// NameOf gives the name of a thing: a text or number is one, an object has one among its fields, a list's is that of
// its first element.
func NameOf(v any) string {
	v = read(v)
	if list, is := v.([]any); is {
		for _, x := range list[:min(len(list), MaxList)] {
			if name := plain(x, maxWithin); name != "" {
				return name
			}
		}
		return ""
	}
	return plain(v, maxWithin)
}

// nameOf gives the name in an object. An object with one field is only a wrapper.
func nameOf(object map[string]any, within int) string {
	for _, key := range nameKeys {
		if v, has := object[key]; has {
			if _, isBool := v.(bool); isBool {
				continue
			}
			if name := plain(v, within-1); name != "" {
				return name
			}
		}
	}
	if len(object) == 1 {
		for _, v := range object {
			if _, isBool := v.(bool); !isBool {
				return plain(v, within-1)
			}
		}
	}
	return ""
}
