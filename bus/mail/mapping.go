package mail

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus/expression"
	"github.com/notifyd/notifyd/internal/yamltext"
)

// Kinds are the places that the expressions of a mapping may name.
var Kinds = expression.Kinds{
	"header":  true,  // header NAME, decoded, as one line
	"address": true,  // the address in header NAME, the first of several
	"person":  true,  // the name of the person in header NAME, or else the address
	"field":   true,  // field NAME of control data in the text
	"rows":    true,  // rows NAME COLUMN...: the lines of a field as objects
	"parts":   true,  // parts TYPE...: the texts of those parts, as a list
	"text":    false, // the text
	"id":      false, // the Message-ID without brackets, or a digest
}

// A mapping says which mails it is for, and what message they make. It is a file NAME.yaml with these keys; doc says
// what it is for, in a sentence.
type mapping struct {
	name string
	// order says which of several is asked first: that with the smaller number, and of equal ones that with the smaller
	// name. Those of a site are all asked before those of the program.
	order int
	// when are expressions that all must have something, unless those of which none may.
	when, unless []condition
	// named: it is asked only where it was named, since it would take every mail.
	named bool
	// automatic: mails are taken that a program has written of itself (Auto-Submitted: auto-generated).
	automatic bool
	// topic is without the prefix; id is what tells the mail from all others, by default {id}, the Message-ID.
	topic, id expression.Expression
	// fields are the message's body.
	fields object
}

// A condition is an expression that has something or not; source is how it was written.
type condition struct {
	expression.Expression
	source string
}

//go:embed mappings/*.yaml
var files embed.FS

// Mappings are mappings in the order in which they are asked.
type Mappings []*mapping

// mappingName is what a mapping may be called.
var mappingName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,40}$`)

// Load reads the mappings of the program, and those of a site in a folder; "" for none. One of the same name replaces
// that of the program.
func Load(folder string) (Mappings, error) {
	builtIn, err := fs.Sub(files, "mappings")
	if err != nil {
		return nil, err
	}
	all, err := load(builtIn, "mappings")
	if err != nil || folder == "" {
		return all, err
	}
	site, err := load(os.DirFS(folder), folder)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(m *mapping) bool { return site.find(m.name) != nil })
	return append(site, all...), nil
}

// load reads the mappings in a folder, in their order. where is its path, for mistakes.
func load(folder fs.FS, where string) (all Mappings, err error) {
	names, err := fs.Glob(folder, "*.yaml")
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("%s: no file *.yaml is there", where)
	}
	if err != nil {
		return nil, err
	}
	for _, file := range names {
		text, err := fs.ReadFile(folder, file)
		if err != nil {
			return nil, err
		}
		m := &mapping{name: strings.TrimSuffix(path.Base(file), ".yaml")}
		if err := m.read(text); err != nil {
			var at *yamltext.Error
			if errors.As(err, &at) {
				return nil, fmt.Errorf("%s: %s", at.In(filepath.Join(where, file)), at.Problem)
			}
			return nil, fmt.Errorf("%s: %w", filepath.Join(where, file), err)
		}
		all = append(all, m)
	}
	slices.SortStableFunc(all, func(a, b *mapping) int { return cmp.Compare(a.order, b.order) })
	return all, nil
}

// Named gives the mappings with some names, in the order of the names.
func (all Mappings) Named(names []string) (some Mappings, err error) {
	for _, name := range names {
		m := all.find(name)
		if m == nil {
			return nil, fmt.Errorf("mapping %q: one of %s was expected", name, strings.Join(all.Names(), ", "))
		}
		named := *m
		named.named = false
		some = append(some, &named)
	}
	return some, nil
}

func (all Mappings) find(name string) *mapping {
	if i := slices.IndexFunc(all, func(m *mapping) bool { return m.name == name }); i >= 0 {
		return all[i]
	}
	return nil
}

// Names gives the names, in the order in which the mappings are asked.
func (all Mappings) Names() (names []string) {
	for _, m := range all {
		names = append(names, m.name)
	}
	return names
}
