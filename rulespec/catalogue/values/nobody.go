package values

import (
	"slices"
	"strings"
)

// placeholders are what programs write where they know no person: the nothing of their language as a text, or a word
// for it.
var placeholders = []string{"null", "(null)", "none", "nil", "<nil>", "<none>", "undefined", "unknown", "(unknown)",
	"<unknown>", "anonymous", "nan", "n/a"}

// IsNobody reports whether a name stands for no person: "null", "None", "anonymous".
func IsNobody(name string) bool {
	return len(name) < 20 && slices.Contains(placeholders, strings.ToLower(strings.TrimSpace(name)))
}

// People leaves out the names that stand for no person. An account that the map has by that name is a person.
func People(accounts map[string]string, names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		_, person := accountOf(accounts, name)
		return !person && IsNobody(name)
	})
}
