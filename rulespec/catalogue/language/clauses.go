package language

import (
	"errors"
	"strings"
)

// clauseFunction is what a template of ours asks where an optional part begins. No entry can write that name.
const clauseFunction = "clause_"

// withClauses turns the optional parts of a sentence, [ … ], into a form that text/template parses. Brackets inside of
// actions stay, and a bracket that shall be read is written {{"["}}.
func withClauses(src string) (string, error) {
	if !strings.ContainsAny(src, "[]") {
		return src, nil
	}
	var out strings.Builder
	open := 0
	for i := 0; i < len(src); {
		if strings.HasPrefix(src[i:], "{{") {
			n := actionLength(src[i:])
			out.WriteString(src[i : i+n])
			i += n
			continue
		}
		switch src[i] {
		case '[':
			open++
			out.WriteString("{{if " + clauseFunction + "}}")
		case ']':
			if open--; open < 0 {
				return "", errors.New(`"]" without "[", which begins an optional part; write {{"]"}} for a bracket`)
			}
			out.WriteString("{{end}}")
		default:
			out.WriteByte(src[i])
		}
		i++
	}
	if open > 0 {
		return "", errors.New(`"[" begins an optional part, and "]" is missing; write {{"["}} for a bracket`)
	}
	return out.String(), nil
}

// actionLength gives the length of the action that a text begins with, or of the whole text where it does not end.
func actionLength(s string) int {
	quoted := byte(0)
	for i := 2; i < len(s); i++ {
		switch c := s[i]; {
		case quoted != 0:
			if c == '\\' && quoted != '`' {
				i++
			} else if c == quoted {
				quoted = 0
			}
		case c == '"' || c == '`' || c == '\'':
			quoted = c
		case c == '}' && strings.HasPrefix(s[i:], "}}"):
			return i + 2
		}
	}
	return len(s)
}
