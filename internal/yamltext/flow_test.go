package yamltext

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
)

// listOf gives the texts below the key l, with blanks between.
func listOf(root ast.Node) string {
	var texts []string
	var add func(n ast.Node)
	add = func(n ast.Node) {
		if entries, ok := Entries(n); ok {
			for _, e := range entries {
				add(e.Value)
			}
		} else if list, ok := n.(*ast.SequenceNode); ok {
			for _, item := range list.Values {
				if text, ok := Text(item); ok {
					texts = append(texts, text)
				}
			}
		} else if text, ok := Text(n); ok {
			texts = append(texts, text)
		}
	}
	at, _ := Find(root, "l")
	add(at.Value)
	return strings.Join(texts, " ")
}

// TestTextsWithColons: a colon without a blank behind it is part of a text in a list, in braces too.
func TestTextsWithColons(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"{l: [tcp://h:1]}", "tcp://h:1"},
		{"a: 1\nl: {l: [tcp://h:1, nats://*:2], m: tcp://i:3}", "tcp://h:1 nats://*:2 tcp://i:3"},
		{"{l: [\n tcp://h:1, # one\n a:b:c,\n 'q:1' ]}", "tcp://h:1 a:b:c q:1"},
		{"l: [tcp://h:1]", "tcp://h:1"},
		{"{l: [tcp://h:01, x:true]}", "tcp://h:01 x:true"},
	} {
		root, err := Parse([]byte(c.text), Bounds{Bytes: 1000, Nesting: 9})
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := listOf(root); got != c.want {
			t.Errorf("%s: %q, want %q", c.text, got, c.want)
		}
	}
	root, err := Parse([]byte("{l: [k: v]}"), Bounds{Bytes: 1000, Nesting: 9})
	if err != nil || root == nil {
		t.Fatal(err)
	}
	if got := listOf(root); got != "" {
		t.Errorf("k: v is read as the text %q", got)
	}
}
