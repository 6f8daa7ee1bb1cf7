package yamltext

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// An Entry is a key of a mapping and its value. Entries of lists have the item as Node and Value.
type Entry struct {
	Key   string   // as written, without quotes
	Node  ast.Node // of the key
	Value ast.Node
}

// Position is that of the key.
func (e Entry) Position() Position { return PositionOf(e.Node) }

// PositionOf says where a node is: where its first key is for a mapping in block style. The zero Position stands for
// a node that the text does not have.
func PositionOf(n ast.Node) Position {
	switch m := n.(type) {
	case *ast.MappingNode:
		if len(m.Values) > 0 && !m.IsFlowStyle {
			n = m.Values[0].Key // the token of such a mapping is its first colon
		}
	case *ast.MappingValueNode:
		n = m.Key
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return Position{}
	}
	p := n.GetToken().Position
	return Position{p.Line, p.Column}
}

// Text gives a scalar as it is written, a quoted one or a block (| and >) as what it stands for: 0123 is "0123", 1.10
// is "1.10", true is "true". Not ok is anything else, null and an empty value among it.
func Text(n ast.Node) (text string, ok bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		if n.Value == nil {
			return "", true
		}
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// IsEmpty says whether a node is null or a key without a value.
func IsEmpty(n ast.Node) bool {
	_, null := n.(*ast.NullNode)
	return null || n == nil
}

// Entries gives the entries of a mapping in their order. Those whose key is no scalar (<< and ? a) are left out;
// a Reader reports them. Not ok is a node that is no mapping.
func Entries(n ast.Node) (entries []Entry, ok bool) {
	values, ok := pairs(n)
	for _, v := range values {
		if key, isText := Text(v.Key); isText {
			entries = append(entries, Entry{key, v.Key, v.Value})
		}
	}
	return entries, ok
}

// pairs gives what a mapping consists of.
func pairs(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode: // made by programs; the parser gives a MappingNode
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// Find goes down a path: a key of a mapping or an index of a list, written "[2]", at each step. Not ok is a path that
// the tree does not have; at is then the Entry of the last step that it has, zero where there is none.
func Find(root ast.Node, path ...string) (at Entry, ok bool) {
	at.Value = root
	for i, step := range path {
		next, ok := child(at.Value, step)
		if !ok {
			if i == 0 {
				return Entry{}, false
			}
			return at, false
		}
		at = next
	}
	return at, true
}

func child(n ast.Node, step string) (Entry, bool) {
	if list, ok := n.(*ast.SequenceNode); ok {
		i, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(step, "["), "]"))
		if err != nil || i < 0 || i >= len(list.Values) {
			return Entry{}, false
		}
		return Entry{step, list.Values[i], list.Values[i]}, true
	}
	entries, _ := Entries(n)
	for _, e := range entries {
		if e.Key == step {
			return e, true
		}
	}
	return Entry{}, false
}

// checkKeys finds a key that a mapping has twice. The parser's own check misses some in flow style.
func checkKeys(n ast.Node) error {
	switch n := n.(type) {
	case *ast.MappingNode:
		seen := make(map[string]Position, len(n.Values))
		for _, v := range n.Values {
			if key, ok := Text(v.Key); ok {
				if first, twice := seen[key]; twice {
					return &Error{PositionOf(v.Key), fmt.Sprintf("the key %q is there twice, first in line %d", key, first.Line)}
				}
				seen[key] = PositionOf(v.Key)
			}
			if err := checkKeys(v.Value); err != nil {
				return err
			}
		}
	case *ast.SequenceNode:
		for _, v := range n.Values {
			if err := checkKeys(v); err != nil {
				return err
			}
		}
	case *ast.AnchorNode:
		return checkKeys(n.Value)
	case *ast.TagNode:
		return checkKeys(n.Value)
	}
	return nil
}
