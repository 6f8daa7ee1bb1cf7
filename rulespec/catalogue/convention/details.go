package convention

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A Subject is what a message is about: the texts of its body.
type Subject struct {
	places []map[string]any // where texts are looked for: the body, the objects in it, last those of others
}

// SubjectOf looks for what the message with that body is about.
func SubjectOf(body map[string]any) Subject {
	s := Subject{places: []map[string]any{body}}
	var others []map[string]any
	for _, name := range values.FirstKeys(body, maxObjects, isObject) {
		if inner := body[name].(map[string]any); slices.Contains(otherObjects, name) {
			others = append(others, inner)
		} else {
			s.places = append(s.places, inner)
		}
	}
	s.places = append(s.places, others...)
	return s
}

// Details gives at most four texts, without those that the sentence has already.
func (s Subject) Details(said []string) string {
	const most, longest = 4, 70
	var out []string
	for _, key := range SubjectFields {
		line := values.Line(s.first(key), longest)
		if line == "" || slices.Contains(said, line) {
			continue
		}
		out = append(out, line)
		if said = append(said, line); len(out) == most {
			break
		}
	}
	return strings.Join(out, ", ")
}

// Link gives the link to it, "" where there is none that can stand in a text.
func (s Subject) Link() string { return values.Link(s.first(LinkFields...)) }

// first gives the first field that holds a text. A field that holds an object gives the name in it.
func (s Subject) first(fields ...string) string {
	for _, object := range s.places {
		for _, key := range fields {
			if text := textOrName(object[key]); text != "" {
				return text
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
