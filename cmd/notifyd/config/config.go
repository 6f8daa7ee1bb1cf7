// Package config reads the configuration: one YAML file with the environment laid over it.
//
// The file has sections, and each part of the program decodes its own: no central struct names the backends and the
// sources. A part asks for its section by name and gives a pointer to a struct that holds the defaults:
//
//	f, err := config.Read("/etc/notifyd/notifyd.yaml", os.Environ())
//	web := webSettings{Listen: "127.0.0.1:8080"}
//	err = f.Section("web")(&web)
//	err = f.Unknown() // after every part has asked for its section
//
// The rules:
//   - A key has the name in the tag yaml of its field. A key without a field is a mistake, and so is a section that no
//     part has asked for.
//   - NOTIFYD_WEB__LISTEN=value of the environment sets the key listen of the section web and wins over the file. An
//     empty value counts as not set.
//   - A field with the tag secret:"true" may also be set by the content of a file: key_file: PATH instead of key: VALUE.
//     Print masks it.
//   - An error begins with its position, file:line:column or the variable of the environment. It never quotes the lines
//     around, which may hold a password.
package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxBytes bounds the configuration file and every secret file.
const maxBytes = 1 << 20

// A File is a configuration as text. It is not safe for concurrent use.
type File struct {
	name    string
	root    *ast.MappingNode
	environ []override
	known   []string         // sections that a part has asked for
	decoded []decodedSection // in the order asked for, for `config print`
}

type decodedSection struct {
	path  string
	value any
}

// An override is one NOTIFYD_SECTION__KEY=value of the environment.
type override struct {
	variable string
	path     []string
	value    string
}

// Read reads the file called name; "" means no file, only defaults and environment.
func Read(name string, environ []string) (*File, error) {
	f := &File{name: name, root: emptyMapping(), environ: overrides(environ)}
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
	text, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxBytes {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxBytes)
	}
	return text, nil
}

// Name gives the path that the file was read from; "" where there is no file.
func (f *File) Name() string { return f.name }

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

// Has reports whether the file or the environment sets a key of a section.
func (f *File) Has(path string) bool {
	keys := strings.Split(path, ".")
	return find(f.root, keys) != nil || slices.ContainsFunc(f.environ, func(o override) bool {
		return len(o.path) > len(keys) && slices.Equal(o.path[:len(keys)], keys)
	})
}

// Unknown gives an error for every section of the file, and for every variable, that no part of the program has asked for.
func (f *File) Unknown() error {
	var errs []error
	f.walkUnknown(f.root, "", &errs)
	for _, o := range f.environ {
		path := strings.Join(o.path, ".")
		if !slices.ContainsFunc(f.known, func(k string) bool { return strings.HasPrefix(path, k+".") }) {
			errs = append(errs, fmt.Errorf("environment %s: there is no such setting", o.variable))
		}
	}
	return errors.Join(errs...)
}

func (f *File) walkUnknown(m *ast.MappingNode, prefix string, errs *[]error) {
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
