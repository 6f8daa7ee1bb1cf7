package yamltext

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// joinTexts mends what the lexer takes apart: of {list: [tcp://host:1]} it makes a mapping from tcp://host to 1. Within
// a list, a colon with no blank behind it belongs to the text (YAML 1.2, 7.3.3).
func joinTexts(tokens token.Tokens) token.Tokens {
	var joined token.Tokens
	var open []token.Type // brackets
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			open = append(open, t.Type)
		case token.SequenceEndType, token.MappingEndType:
			open = open[:max(0, len(open)-1)]
		case token.StringType:
			inList := len(open) > 0 && open[len(open)-1] == token.SequenceStartType
			for inList && i+2 < len(tokens) && continues(t, tokens[i+1], tokens[i+2]) {
				t = t.Clone()
				t.Value += ":" + strings.TrimSpace(tokens[i+2].Origin)
				t.Origin += ":" + tokens[i+2].Origin
				i += 2
			}
		}
		joined = append(joined, t)
	}
	if len(joined) == len(tokens) {
		return tokens
	}
	var linked token.Tokens
	for _, t := range joined {
		t.Prev, t.Next = nil, nil
		linked.Add(t)
	}
	return linked
}

// plain are the types of what is written without quotes.
var plain = []token.Type{
	token.StringType, token.IntegerType, token.FloatType, token.BoolType, token.NullType, token.BinaryIntegerType,
	token.OctetIntegerType, token.HexIntegerType, token.InfinityType, token.NanType,
}

// continues reports whether a colon and what is behind it stand in one line with a text, without blanks between.
func continues(text, colon, rest *token.Token) bool {
	return colon.Type == token.MappingValueType && slices.Contains(plain, rest.Type) &&
		text.Position.Line == rest.Position.Line && !strings.HasSuffix(text.Origin, " ") &&
		rest.Origin != "" && !strings.ContainsAny(rest.Origin[:1], " \t\r\n")
}
