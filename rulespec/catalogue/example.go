package catalogue

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/yamltext"
)

// fixtures are the messages of the embedded entries. The tests describe them, and operators see them as examples.
//
//go:embed testdata/*.json
var fixtures embed.FS

// maxExamples bounds the examples of one entry.
const maxExamples = 20

// exampleTime is the time of reception of examples: later than any of their own.
var exampleTime = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// An Example is a message that shows a kind, and where it stands.
type Example struct {
	Message *bus.Message
	at      position
}

// Examples gives the messages that show a kind: those that its entry carries, then those built in. None for a kind that
// is not known.
func (c *Catalogue) Examples(kind string) ([]Example, error) {
	for _, a := range c.apps {
		for _, e := range a.entries {
			if e.kind == kind {
				built, err := fixturesOf(a.name, kind)
				return append(e.examples[:len(e.examples):len(e.examples)], built...), err
			}
		}
	}
	return nil, nil
}

// fixturesOf gives the embedded messages of a kind.
func fixturesOf(app, kind string) ([]Example, error) {
	file := "testdata/" + app + ".json"
	data, err := fixtures.ReadFile(file)
	if err != nil {
		return nil, nil // an application of the site
	}
	var all []struct {
		Message json.RawMessage `json:"message"`
		Event   struct {
			Kind string `json:"kind"`
		} `json:"event"`
	}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("bug: read %s: %w", file, err)
	}
	var out []Example
	for _, f := range all {
		if f.Event.Kind != kind {
			continue
		}
		m, err := bus.DecodeLine(f.Message, exampleTime)
		if err != nil {
			return nil, fmt.Errorf("bug: decode an example of %s: %w", kind, err)
		}
		out = append(out, Example{Message: m, at: position{file: file}})
	}
	return out, nil
}

// examples reads an entry's examples: messages as the bus carries them, each written as YAML (JSON is YAML) or as a
// text that holds JSON.
func (r *reader) examples(n ast.Node) []Example {
	list := r.List(n, "examples: want a list of messages")
	if len(list) > maxExamples {
		r.fail(n, "examples: %d messages; at most %d", len(list), maxExamples)
		return nil
	}
	var out []Example
	for _, item := range list {
		line, err := jsonOf(item)
		if err != nil {
			r.fail(item, "examples: %v", err)
			continue
		}
		m, err := bus.DecodeLine(line, exampleTime)
		if err != nil {
			r.fail(item, "examples: %v", err)
			continue
		}
		out = append(out, Example{m, r.at(item)})
	}
	return out
}

func jsonOf(n ast.Node) ([]byte, error) {
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		text, _ := yamltext.Text(n)
		return []byte(text), nil
	}
	if len(ast.Filter(ast.AliasType, n)) > 0 {
		return nil, errors.New("want a message without aliases")
	}
	var v any
	if err := yaml.NodeToValue(n, &v); err != nil {
		return nil, fmt.Errorf("want a message: %w", err)
	}
	line, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("want a message: %w", err)
	}
	return line, nil
}
