package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/internal/yamltext"
)

// Section returns the function that decodes one section, such as "backends.email", into a pointer to a struct. Sections
// may stand within it, if they were named by Section before it is decoded.
// Decoding is strict, lays the environment over the file, and reads secrets from the files that their _file keys
// name. Keys that are not set keep the value in the struct.
func (f *File) Section(path string) func(any) error {
	if !slices.Contains(f.known, path) {
		f.known = append(f.known, path)
	}
	return func(into any) error {
		keys := strings.Split(path, ".")
		node := f.withoutInner(find(f.root, keys), path)
		if node == nil {
			node = emptyMapping()
		}
		if errs := f.mistakes(node, into); len(errs) > 0 {
			return errors.Join(errs...)
		}
		if err := f.decode(node, into); err != nil {
			return f.inFile(err)
		}
		for _, o := range f.environ {
			if len(o.path) <= len(keys) || !slices.Equal(o.path[:len(keys)], keys) ||
				slices.Contains(f.known, path+"."+o.path[len(keys)]) {
				continue
			}
			merged, err := f.overlay(node, o.value, o.path[len(keys):], into)
			if err != nil {
				return mistake{"environment " + o.variable, err.Error()}
			}
			node = merged
		}
		if d, ok := into.(Defaulter); ok {
			if !f.Has(path) || isEmpty(node) {
				return nil // the section is not used: nothing to fill in, nothing to print
			}
			d.SetDefaults()
		}
		f.decoded = append(f.decoded, decodedSection{path, into})
		return nil
	}
}

// withoutInner returns the node of a section without the sections that stand within it and were named before, as
// directory.http stands within directory.
func (f *File) withoutInner(node ast.Node, path string) ast.Node {
	m, ok := node.(*ast.MappingNode)
	if !ok || !slices.ContainsFunc(f.known, func(k string) bool { return strings.HasPrefix(k, path+".") }) {
		return node
	}
	copied := *m
	copied.Values = slices.DeleteFunc(slices.Clone(m.Values), func(v *ast.MappingValueNode) bool {
		return slices.Contains(f.known, path+"."+keyOf(v))
	})
	return &copied
}

// A Defaulter is a section that replaces zero values by its defaults, so that Print shows what is in effect.
type Defaulter interface {
	SetDefaults()
}

// overlay lays one value of the environment over node, and returns the result. It tries the value first as a string,
// so that a password like 0123 or {x stays as it is, and then as YAML.
func (f *File) overlay(node ast.Node, value string, path []string, into any) (ast.Node, error) {
	base, ok := asMapping(node)
	if !ok {
		return nil, errors.New("cannot be laid over this section, which is no mapping")
	}
	if !utf8.ValidString(value) {
		return nil, errors.New("the value is not UTF-8")
	}
	var first error
	for _, text := range []string{fmt.Sprintf("%q", value), value} {
		merged, err := f.lay(base, nest(path, text), into)
		if err == nil {
			return merged, nil
		}
		if tree, broken := yamltext.Parse([]byte(value), bounds); first == nil || broken == nil && isCollection(tree) {
			first = err
		}
	}
	return nil, first
}

func isCollection(n ast.Node) bool {
	_, list := n.(*ast.SequenceNode)
	_, mapping := n.(*ast.MappingNode)
	return list || mapping
}

// lay decodes base with the text of a mapping on top. Its errors do not quote the text, which may hold a secret.
func (f *File) lay(base *ast.MappingNode, text string, into any) (ast.Node, error) {
	tree, err := yamltext.Parse([]byte(text), bounds)
	if err != nil {
		return nil, errors.New("the value is no YAML")
	}
	if tree, err = resolveAliases(tree); err != nil {
		return nil, err
	}
	over, ok := asMapping(tree)
	if !ok {
		return nil, errors.New("the value is no YAML")
	}
	if found := mismatches(over, reflect.TypeOf(into)); len(found) > 0 {
		if found[0].expected != "" {
			return nil, errors.New("expected " + found[0].expected)
		}
		return nil, found[0]
	}
	merged := merge(base, over)
	err = f.decode(merged, into)
	var e yaml.Error
	if errors.As(err, &e) {
		err = errors.New(e.GetMessage())
	}
	return merged, err
}

// mistakes returns an error for each part of a section that does not fit the struct that it is decoded into.
func (f *File) mistakes(node ast.Node, into any) []error {
	var errs []error
	for _, m := range mismatches(node, reflect.TypeOf(into)) {
		errs = append(errs, f.mistakeAt(m.node, m.text))
	}
	return errs
}

// nest writes the one-line YAML mapping {a: {b: text}}.
func nest(path []string, text string) string {
	var b strings.Builder
	for _, key := range path {
		fmt.Fprintf(&b, "{%q: ", key)
	}
	b.WriteString(text)
	b.WriteString(strings.Repeat("}", len(path)))
	return b.String()
}

func (f *File) decode(node ast.Node, into any) error {
	filled, err := filler{read: f.noteSecretFile}.fill(node, reflect.TypeOf(into))
	if err != nil {
		return err
	}
	return yaml.NodeToValue(filled, into, yaml.Strict())
}
