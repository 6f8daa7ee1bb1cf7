package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxConfigBytes bounds the configuration file and every secret file.
const maxConfigBytes = 1 << 20

// A configFile is the configuration as text: the YAML file with the environment laid over it. Each part of the program
// decodes its own section, so that no central struct names the media and the buses.
type configFile struct {
	name    string
	root    *ast.MappingNode
	environ []override
	known   []string         // sections that were asked for
	decoded []decodedSection // in the order asked for, for `config print`
}

type decodedSection struct {
	path  string
	value any
}

// override is one NOTIFYD_SECTION__KEY=value of the environment.
type override struct {
	variable string
	path     []string
	value    string
}

// readConfig reads the file called name; "" means no file, only defaults and environment.
func readConfig(name string, environ []string) (*configFile, error) {
	f := &configFile{name: name, root: emptyMapping(), environ: overrides(environ)}
	if name == "" {
		return f, nil
	}
	text, err := readBounded(name)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, f.inFile(err)
	}
	if len(tree.Docs) > 1 {
		return nil, fmt.Errorf("%s: more than one YAML document; expected one", name)
	}
	if len(tree.Docs) == 0 || tree.Docs[0].Body == nil || tree.Docs[0].Body.Type() == ast.CommentType {
		return f, nil
	}
	root, ok := asMapping(tree.Docs[0].Body)
	if !ok {
		return nil, fmt.Errorf("%s: expected sections like \"database:\" at the top, found %s", name, tree.Docs[0].Body.Type())
	}
	f.root = root
	return f, nil
}

func readBounded(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxConfigBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxConfigBytes {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxConfigBytes)
	}
	return text, nil
}

// overrides picks NOTIFYD_A__B__C=value, sorted by name, out of an environment. Names without "__" are other settings;
// an empty value counts as not set.
func overrides(environ []string) []override {
	var found []override
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		path, ok := strings.CutPrefix(name, "NOTIFYD_")
		if !ok || !strings.Contains(path, "__") || value == "" {
			continue
		}
		found = append(found, override{name, strings.Split(strings.ToLower(path), "__"), value})
	}
	slices.SortFunc(found, func(a, b override) int { return strings.Compare(a.variable, b.variable) })
	return found
}

// has says whether the file or the environment says anything of a section.
func (f *configFile) has(path string) bool {
	keys := strings.Split(path, ".")
	return find(f.root, keys) != nil || slices.ContainsFunc(f.environ, func(o override) bool {
		return len(o.path) > len(keys) && slices.Equal(o.path[:len(keys)], keys)
	})
}

// section gives the decode function of one section, such as "backends.email". Decoding is strict, lays the environment
// over the file, and fills secrets from their _file keys.
func (f *configFile) section(path string) func(any) error {
	f.known = append(f.known, path)
	return func(into any) error {
		keys := strings.Split(path, ".")
		node := find(f.root, keys)
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
			if len(o.path) <= len(keys) || !slices.Equal(o.path[:len(keys)], keys) {
				continue
			}
			merged, err := f.overlay(node, o.value, o.path[len(keys):], into)
			if err != nil {
				return mistake{"environment " + o.variable, err.Error()}
			}
			node = merged
		}
		f.decoded = append(f.decoded, decodedSection{path, into})
		return nil
	}
}

// overlay decodes node with one value of the environment on top, and gives the two merged. It tries the value as a string
// first, so that a password like 0123 or {x stays what it is, then as YAML.
func (f *configFile) overlay(node ast.Node, value string, path []string, into any) (ast.Node, error) {
	base, ok := asMapping(node)
	if !ok {
		return nil, errors.New("cannot be laid over this section, which is no mapping")
	}
	var first error
	for _, text := range []string{fmt.Sprintf("%q", value), value} {
		merged, err := f.lay(base, nest(path, text), into)
		if err == nil {
			return merged, nil
		}
		first = cmp.Or(first, err)
	}
	return nil, first
}

// lay decodes base with the text of a mapping on top. Its errors do not quote the text, which may hold a secret.
func (f *configFile) lay(base *ast.MappingNode, text string, into any) (ast.Node, error) {
	tree, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		return nil, errors.New("the value is no YAML")
	}
	over, ok := asMapping(tree.Docs[0].Body)
	if !ok {
		return nil, errors.New("the value is no YAML")
	}
	if found := mismatches(over, reflect.TypeOf(into)); len(found) > 0 {
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

// mistakes says what of a section of the file is not as the struct that it is decoded into expects.
func (f *configFile) mistakes(node ast.Node, into any) []error {
	var errs []error
	for _, m := range mismatches(node, reflect.TypeOf(into)) {
		errs = append(errs, mistake{f.position(m.node.GetToken()), m.text})
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

func (f *configFile) decode(node ast.Node, into any) error {
	filled, err := fillSecrets(node, into)
	if err != nil {
		return err
	}
	return yaml.NodeToValue(filled, into, yaml.Strict())
}

// unknown names every section of the file, and every variable, that no part of the program has asked for.
func (f *configFile) unknown() error {
	var errs []error
	f.walkUnknown(f.root, "", &errs)
	for _, o := range f.environ {
		if !slices.ContainsFunc(f.known, func(k string) bool { return strings.HasPrefix(strings.Join(o.path, "."), k+".") }) {
			errs = append(errs, fmt.Errorf("environment %s: there is no such setting", o.variable))
		}
	}
	return errors.Join(errs...)
}

func (f *configFile) walkUnknown(m *ast.MappingNode, prefix string, errs *[]error) {
	for _, v := range m.Values {
		path := prefix + keyOf(v)
		if slices.Contains(f.known, path) {
			continue
		}
		inner := slices.ContainsFunc(f.known, func(k string) bool { return strings.HasPrefix(k, path+".") })
		if sub, ok := asMapping(v.Value); ok && inner {
			f.walkUnknown(sub, path+".", errs)
			continue
		}
		if inner && v.Value.Type() == ast.NullType {
			continue
		}
		at := v.Key.GetToken().Position
		*errs = append(*errs, fmt.Errorf("%s:%d:%d: unknown section %q; expected one of %s",
			f.name, at.Line, at.Column, path, strings.Join(f.known, ", ")))
	}
}
