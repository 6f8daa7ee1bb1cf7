// Package config reads the configuration: one YAML file with the environment laid over it.
//
// The file has sections, and each part of the program decodes its own: no central struct names the backends and the
// sources. A part decodes its section by name into a struct that holds the defaults:
//
//	f, err := config.Read("/etc/notifyd/notifyd.yaml", os.Environ())
//	web := webSettings{Listen: "127.0.0.1:8080"}
//	err = f.Section("web")(&web)
//	err = f.Unknown() // after every part has decoded its section
//
// The rules:
//   - A key has the name in the tag yaml of its field. A key without a field is a mistake, and so is a section that no
//     part has decoded.
//   - NOTIFYD_WEB__LISTEN=value of the environment sets the key listen of the section web and wins over the file. An
//     empty value counts as not set.
//   - A field whose name ends in token, password, secret, key, dsn, cookie or the like is a secret, unless its tag says
//     secret:"false"; so is one that says secret:"true". Print masks a secret, and it may also be set by the content of
//     a file: key_file: PATH instead of key: VALUE.
//   - A text field gets the text as it is written: 0123 and 1.10 are no numbers there.
//   - A struct with a method SetDefaults (see Defaulter) fills in its own defaults after it was decoded.
//   - An error begins with its position, file:line:column or the variable of the environment. It never quotes the lines
//     around, which may hold a password.
package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/internal/watch"
	"github.com/notifyd/notifyd/internal/yamltext"
)

// maxBytes bounds the configuration file and every secret file.
const maxBytes = 1 << 20

// bounds apply to every text of YAML that is read here.
var bounds = yamltext.Bounds{Bytes: maxBytes, Nesting: 50}

// A File is a configuration as text. It is not safe for concurrent use.
type File struct {
	name    string
	root    *ast.MappingNode
	environ []override
	known   []string         // sections that a part has decoded
	decoded []decodedSection // in the order of decoding, for `config print`

	secretFiles []string // files that secrets were read from
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
	text, err := watch.ReadFile(name, maxBytes)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	tree, err := yamltext.Parse(text, bounds)
	if err == nil && tree != nil {
		tree, err = resolveAliases(tree)
	}
	if err != nil || tree == nil {
		return f, f.inFile(err)
	}
	root, ok := asMapping(tree)
	if !ok {
		return nil, f.mistakeAt(tree, "expected sections like \"database:\" at the top, found "+yamltext.Describe(tree))
	}
	f.root = root
	return f, nil
}

// Name returns the path that the file was read from; "" where there is no file.
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

// Unknown returns an error for every section of the file, and every variable, that no part of the program uses.
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
		*errs = append(*errs, f.mistakeAt(v.Key, fmt.Sprintf("unknown section %q; expected one of %s",
			path, strings.Join(f.known, ", "))))
	}
}
