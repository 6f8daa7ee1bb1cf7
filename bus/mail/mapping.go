package mail

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/notifyd/notifyd/bus/expression"
)

// A Mapping says which mails it is for, and what message they make. It is a file NAME.yaml.
type Mapping struct {
	// Doc is what it is for, in a sentence.
	Doc string `yaml:"doc"`
	// Order says which of several mappings is asked first: that with the smaller number, and of equal ones that with
	// the smaller name. Those of a site are all asked before those of the program.
	Order int `yaml:"order"`
	// When are expressions that all must have something, Unless those of which none may.
	When   []string `yaml:"when"`
	Unless []string `yaml:"unless"`
	// Named says that the mapping is asked only where it was named: it would take every mail.
	Named bool `yaml:"named"`
	// Automatic says that mails are taken that a program has written of itself (Auto-Submitted: auto-generated).
	Automatic bool `yaml:"automatic"`
	// Topic is an expression, without the prefix. ID is one too, of what tells the mail from all others; its default is
	// {id}, the Message-ID.
	Topic string `yaml:"topic"`
	ID    string `yaml:"id"`
	// Fields are the message's body: texts are expressions, objects have fields again. A field that gives nothing is
	// left out.
	Fields map[string]any `yaml:"fields"`
}

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

// A mapping is a Mapping that was checked.
type mapping struct {
	Mapping
	name         string
	site         bool
	when, unless []condition
	topic, id    expression.Expression
	fields       object
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
	all, err := load(builtIn, false)
	if err != nil || folder == "" {
		return all, err
	}
	site, err := load(os.DirFS(folder), true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", folder, err)
	}
	all = slices.DeleteFunc(all, func(m *mapping) bool { return site.find(m.name) != nil })
	return append(site, all...), nil
}

// maxFile bounds a file of a mapping.
const maxFile = 64 << 10

// load reads the mappings in a folder, in their order.
func load(folder fs.FS, site bool) (all Mappings, err error) {
	names, err := fs.Glob(folder, "*.yaml")
	if err == nil && len(names) == 0 {
		err = errors.New("no file *.yaml is there")
	}
	if err != nil {
		return nil, err
	}
	for _, file := range names {
		text, err := fs.ReadFile(folder, file)
		if err != nil {
			return nil, err
		}
		m := &mapping{name: strings.TrimSuffix(path.Base(file), ".yaml"), site: site}
		if err := m.read(text); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, m)
	}
	slices.SortStableFunc(all, func(a, b *mapping) int { return a.Order - b.Order })
	return all, nil
}

// read reads a mapping, and checks it.
func (m *mapping) read(text []byte) error {
	if len(text) > maxFile {
		return fmt.Errorf("%d bytes; at most %d were expected", len(text), maxFile)
	}
	if err := yaml.UnmarshalWithOptions(text, &m.Mapping, yaml.Strict()); err != nil {
		return err
	}
	switch {
	case !mappingName.MatchString(m.name):
		return errors.New("a name of small letters, digits, _ and - was expected")
	case m.Topic == "":
		return errors.New("topic: an expression was expected")
	case len(m.When) == 0 && !m.Named:
		return errors.New("when: expressions were expected, or named: true, or every mail would be taken")
	case len(m.Fields) == 0:
		return errors.New("fields: some were expected")
	case m.ID == "":
		m.ID = "{id}"
	}
	return m.compile()
}

// compile checks the expressions.
func (m *mapping) compile() (err error) {
	if m.topic, err = expression.Parse(m.Topic, Kinds); err != nil {
		return fmt.Errorf("topic: %w", err)
	}
	if m.id, err = expression.Parse(m.ID, Kinds); err != nil {
		return fmt.Errorf("id: %w", err)
	}
	if m.when, err = conditions("when", m.When); err != nil {
		return err
	}
	if m.unless, err = conditions("unless", m.Unless); err != nil {
		return err
	}
	m.fields, err = compileObject("fields", m.Fields, 0)
	return err
}

func conditions(key string, sources []string) (all []condition, err error) {
	for i, source := range sources {
		e, err := expression.Parse(source, Kinds)
		if err != nil {
			return nil, fmt.Errorf("%s: %d: %w", key, i+1, err)
		}
		all = append(all, condition{e, source})
	}
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
		named.Named = false
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
