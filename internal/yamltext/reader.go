package yamltext

import (
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// A Reader takes nodes for what they should be. What is expected is said by the caller, in words that can stand before
// "; this is a list".
type Reader struct {
	// Report takes each mistake, in the order in which the nodes are read. It must be set.
	Report func(at Position, problem string)
}

// Wrong reports that a node is not what is expected.
func (r Reader) Wrong(n ast.Node, expected string) {
	r.Report(PositionOf(n), expected+"; this is "+Describe(n))
}

// Mapping gives the entries of a mapping in their order. Each key that is no scalar is reported and left out.
func (r Reader) Mapping(n ast.Node, expected string) []Entry {
	values, ok := pairs(n)
	if !ok {
		r.Wrong(n, expected)
		return nil
	}
	entries := make([]Entry, 0, len(values))
	for _, v := range values {
		key, ok := Text(v.Key)
		if !ok {
			r.Wrong(v.Key, "a key is a word")
			continue
		}
		entries = append(entries, Entry{key, v.Key, v.Value})
	}
	return entries
}

// List gives the items of a list.
func (r Reader) List(n ast.Node, expected string) []ast.Node {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		r.Wrong(n, expected)
		return nil
	}
	return list.Values
}

// Text gives a scalar as it is written; see the function Text.
func (r Reader) Text(n ast.Node, expected string) (string, bool) {
	text, ok := Text(n)
	if !ok {
		r.Wrong(n, expected)
	}
	return text, ok
}

// Describe says what a node is, for a person: "a list", "empty", the scalar itself in quotes.
func Describe(n ast.Node) string {
	switch n.(type) {
	case nil, *ast.NullNode:
		return "empty"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.AnchorNode, *ast.AliasNode:
		return "an anchor or an alias, which is not used here"
	case *ast.TagNode:
		return "a tag, which is not used here"
	}
	text, ok := Text(n)
	if !ok {
		text = n.GetToken().Value
	}
	return quoted(text)
}

// maxQuoted bounds what an error repeats, in characters.
const maxQuoted = 60

// quoted gives a text as it can stand in an error.
func quoted(text string) string {
	runes := []rune(text)
	if len(runes) > maxQuoted {
		text = string(runes[:maxQuoted-1]) + "…"
	}
	return strconv.Quote(text)
}
