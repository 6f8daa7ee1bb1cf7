package config

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
)

// maxResolved bounds the number of nodes that aliases expand to: a few lines of aliases can expand to billions.
const maxResolved = 100_000

// resolveAliases replaces each alias by the value of its anchor, so that all later steps see a plain tree.
func resolveAliases(root ast.Node) (ast.Node, error) {
	r := &resolver{anchors: map[string]ast.Node{}}
	return r.resolve(root)
}

// A resolver knows the anchors that precede the node that it visits.
type resolver struct {
	anchors map[string]ast.Node
	nodes   int
}

func (r *resolver) resolve(node ast.Node) (ast.Node, error) {
	if r.nodes++; r.nodes > maxResolved {
		return nil, mismatch{node: node, text: fmt.Sprintf("aliases expand to more than %d values", maxResolved)}
	}
	switch n := node.(type) {
	case *ast.AnchorNode:
		value, err := r.resolve(n.Value)
		r.anchors[n.Name.GetToken().Value] = value
		return value, err
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		value, ok := r.anchors[name]
		if !ok {
			return nil, mismatch{node: node, text: "there is no such anchor before this alias; " +
				"put a text that begins with * into quotes"} // unnamed: it may be a password
		}
		return r.resolve(value)
	case *ast.TagNode:
		value, err := r.resolve(n.Value)
		copied := *n
		copied.Value = value
		return &copied, err
	case *ast.MappingValueNode:
		value, err := r.resolve(n.Value)
		if err != nil {
			return nil, err
		}
		return ast.MappingValue(n.Start, n.Key, value), nil
	case *ast.MappingNode:
		copied := *n
		copied.Values = make([]*ast.MappingValueNode, len(n.Values))
		for i, v := range n.Values {
			value, err := r.resolve(v.Value)
			if err != nil {
				return nil, err
			}
			copied.Values[i] = ast.MappingValue(v.Start, v.Key, value)
		}
		return &copied, nil
	case *ast.SequenceNode:
		copied := *n
		copied.Values = make([]ast.Node, len(n.Values))
		for i, v := range n.Values {
			value, err := r.resolve(v)
			if err != nil {
				return nil, err
			}
			copied.Values[i] = value
		}
		return &copied, nil
	}
	return node, nil
}
