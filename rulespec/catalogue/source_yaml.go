package catalogue

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/internal/yamltext"
)

// maxFile bounds a file of a catalogue, in bytes.
const maxFile = 1 << 20

// bounds is what a file may cost. Messages that stand as examples are nested less than the bus allows.
var bounds = yamltext.Bounds{Bytes: maxFile, Nesting: 40}

// maxMistakes is how many mistakes of a file are reported.
const maxMistakes = 50

// A reader walks the tree of a file and collects mistakes with their positions.
type reader struct {
	yamltext.Reader
	file     string
	embedded bool
	mistakes []error
}

func newReader(file string, embedded bool) *reader {
	r := &reader{file: file, embedded: embedded}
	r.Report = func(at yamltext.Position, problem string) {
		if len(r.mistakes) < maxMistakes {
			r.mistakes = append(r.mistakes, r.position(at).mistake("%s", problem))
		}
	}
	return r
}

func (r *reader) parse(data []byte) (ast.Node, error) {
	root, err := yamltext.Parse(data, bounds)
	var wrong *yamltext.Error
	if errors.As(err, &wrong) {
		return nil, r.position(wrong.Position).mistake("%s", wrong.Problem)
	}
	if root == nil {
		return nil, r.position(yamltext.Position{}).mistake("file is empty; want the keys %s", strings.Join(appKeys, ", "))
	}
	return root, err
}

func (r *reader) position(at yamltext.Position) position { return position{at, r.file, r.embedded} }

func (r *reader) at(n ast.Node) position { return r.position(yamltext.PositionOf(n)) }

func (r *reader) fail(n ast.Node, format string, args ...any) {
	r.Report(yamltext.PositionOf(n), fmt.Sprintf(format, args...))
}

// pairs gives a mapping's entries; keys, where not nil, are those allowed.
func (r *reader) pairs(n ast.Node, what string, keys []string) []yamltext.Entry {
	expected := "a mapping of names to values"
	if keys != nil {
		expected = "a mapping with the keys " + strings.Join(keys, ", ")
	}
	return slices.DeleteFunc(r.Mapping(n, what+": want "+expected), func(e yamltext.Entry) bool {
		unknown := keys != nil && !slices.Contains(keys, e.Key)
		if unknown {
			r.fail(e.Node, "%s: unknown key %q; want one of %s", what, e.Key, strings.Join(keys, ", "))
		}
		return unknown
	})
}

// scalar gives a single value as text. Numbers and booleans count by what is written; a block loses its last line ends.
func (r *reader) scalar(n ast.Node, what string) (located, bool) {
	text, ok := r.Text(n, what+": want a single value")
	if _, block := n.(*ast.LiteralNode); block {
		text = strings.TrimRight(text, "\n")
	}
	return located{text, r.at(n)}, ok
}

// scalars gives a value, or a list of them where that is allowed.
func (r *reader) scalars(n ast.Node, what string, list bool) []located {
	items := []ast.Node{n}
	if sequence, ok := n.(*ast.SequenceNode); ok && list {
		items = sequence.Values
	}
	var out []located
	for _, item := range items {
		if v, ok := r.scalar(item, what); ok {
			out = append(out, v)
		}
	}
	return out
}
