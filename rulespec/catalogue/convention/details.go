package convention

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// Details gives at most four texts about the subject of a message, without those that the sentence has already.
func Details(body map[string]any, said []string) string {
	const most, longest = 4, 70
	var out []string
	for _, key := range SubjectFields {
		s := values.Line(firstText(body, []string{key}), longest)
		if s == "" || slices.Contains(said, s) {
			continue
		}
		out = append(out, s)
		if said = append(said, s); len(out) == most {
			break
		}
	}
	return strings.Join(out, ", ")
}

// Link gives the link to what it is about, "" where there is none that can stand in a text.
func Link(body map[string]any) string { return values.Link(firstText(body, LinkFields)) }

// firstText gives the first field that holds a text, at the top or one object down, last in objects of others. A field
// that holds an object gives the name in it.
func firstText(body map[string]any, fields []string) string {
	var objects, others []map[string]any
	for _, name := range values.Keys(body) {
		if inner, ok := body[name].(map[string]any); !ok {
			continue
		} else if slices.Contains(otherObjects, name) {
			others = append(others, inner)
		} else {
			objects = append(objects, inner)
		}
	}
	for _, object := range slices.Concat([]map[string]any{body}, objects, others) {
		for _, key := range fields {
			if s := textOrName(object[key]); s != "" {
				return s
			}
		}
	}
	return ""
}

func textOrName(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		for _, key := range []string{"full_name", "fullname", "title", "name"} {
			if s, ok := v[key].(string); ok && s != "" {
				return s
			}
		}
	}
	return ""
}
