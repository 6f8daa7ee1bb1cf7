package httpjson

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/fetch"
)

// A Mapping says by expressions what JSON means. Rows sees the answer as body; the others see one row of it as row. Of
// a mapping each entry is a row, with row.key and row.value.
type Mapping struct {
	Rows    string         `yaml:"rows"`
	Person  PersonMapping  `yaml:"person"`
	Group   GroupMapping   `yaml:"group"`
	Package PackageMapping `yaml:"package"`
	Account AccountMapping `yaml:"account"`
}

// PersonMapping makes a person of a row. A row without a name is none.
type PersonMapping struct {
	Name     string `yaml:"name"`
	Mails    string `yaml:"mails"`
	Nicks    string `yaml:"nicks"`
	Disabled string `yaml:"disabled"`
	Bot      string `yaml:"bot"`
	Private  string `yaml:"private"`
}

// GroupMapping makes a group, or adds members to one.
type GroupMapping struct {
	Name    string `yaml:"name"`
	Members string `yaml:"members"`
}

// PackageMapping makes a package, or adds owners to one.
type PackageMapping struct {
	Name      string `yaml:"name"`
	Namespace string `yaml:"namespace"`
	Owners    string `yaml:"owners"`
	Role      string `yaml:"role"` // without it, that of the source
}

// AccountMapping makes another name of an account.
type AccountMapping struct {
	Other string `yaml:"other"`
	Name  string `yaml:"name"`
}

// A mapping is a compiled Mapping, by the keys of its expressions.
type mapping struct {
	programs map[string]*vm.Program
	next     *vm.Program
}

// The bounds on expressions: the number of their parts, what one may keep in memory, and how many rows there are.
const (
	maxNodes  = 300
	maxMemory = 1 << 20
	maxRows   = 2_000_000
)

// compile compiles the expressions of a source. Its error begins with the key that is wrong.
func (s Settings) compile() (*mapping, error) {
	m := &mapping{programs: map[string]*vm.Program{}}
	var err error
	if s.Next != "" {
		if m.next, err = compile(s.Next, "body"); err != nil {
			return nil, fmt.Errorf("next: %w", err)
		}
	}
	all := s.Map.expressions()
	if s.Shape != "map" {
		if len(all) > 0 {
			return nil, fmt.Errorf("map: the shape %s has no mapping", s.Shape)
		}
		return m, nil
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		sees := "row"
		if key == "rows" {
			sees = "body"
		}
		if m.programs[key], err = compile(all[key], sees); err != nil {
			return nil, fmt.Errorf("map.%s: %w", key, err)
		}
	}
	for key, needs := range map[string]string{"group.name": "group.members", "package.name": "package.owners", "account.other": "account.name"} {
		if m.programs[key] != nil && m.programs[needs] == nil {
			return nil, fmt.Errorf("map.%s: it was expected beside %s", needs, key)
		}
	}
	if !m.has("person.name") && !m.has("group.name") && !m.has("package.name") && !m.has("account.other") {
		return nil, errors.New("map: one of person.name, group.name, package.name and account.other was expected")
	}
	return m, nil
}

// expressions returns what is set, by key.
func (m Mapping) expressions() map[string]string {
	all := map[string]string{
		"rows": m.Rows, "person.name": m.Person.Name, "person.mails": m.Person.Mails, "person.nicks": m.Person.Nicks,
		"person.disabled": m.Person.Disabled, "person.bot": m.Person.Bot, "person.private": m.Person.Private,
		"group.name": m.Group.Name, "group.members": m.Group.Members, "package.name": m.Package.Name,
		"package.namespace": m.Package.Namespace, "package.owners": m.Package.Owners, "package.role": m.Package.Role,
		"account.other": m.Account.Other, "account.name": m.Account.Name,
	}
	maps.DeleteFunc(all, func(_, expression string) bool { return expression == "" })
	return all
}

// compile compiles an expression that sees one variable. A panic of the library becomes an error.
func compile(text, variable string) (program *vm.Program, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot be compiled: %v", r)
		}
	}()
	program, err = expr.Compile(text, expr.Env(types.Map{variable: types.Any}), expr.MaxNodes(maxNodes))
	return program, oneLine(err)
}

// run evaluates an expression. A panic of the library becomes an error.
func run(program *vm.Program, variable string, value any) (result any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot be evaluated: %v", r)
		}
	}()
	machine := vm.VM{MemoryBudget: maxMemory}
	result, err = machine.Run(program, map[string]any{variable: value})
	return result, oneLine(err)
}

// oneLine cuts what the library shows of an expression below its message.
func oneLine(err error) error {
	if err == nil {
		return nil
	}
	message, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(message)
}

func (m *mapping) has(key string) bool { return m.programs[key] != nil }

// fetchMapped reads what expressions describe.
func fetchMapped(s *source, ctx context.Context, r request) (*directory.Facts, fetch.Stamp, error) {
	f := &directory.Facts{}
	if s.mapping.has("person.name") {
		f.People = map[string]directory.Person{}
	}
	if s.mapping.has("group.name") {
		f.Groups = map[string][]string{}
	}
	if s.mapping.has("package.name") {
		f.Packages = map[string][]directory.Owner{}
	}
	if s.mapping.has("account.other") {
		f.Accounts = map[string]string{}
	}
	rows := 0
	stamp, err := s.pages(ctx, r, func(page []byte) (string, error) {
		var body any
		if err := decode(page, &body); err != nil {
			return "", err
		}
		all, err := s.mapping.rows(body)
		if err != nil {
			return "", err
		}
		if rows += len(all); rows > maxRows {
			return "", fmt.Errorf("there are more than %d rows", maxRows)
		}
		for _, row := range all {
			if err := ctx.Err(); err != nil {
				return "", err
			}
			if err := s.takeRow(f, mapped{s.mapping, row, nil}); err != nil {
				return "", err
			}
		}
		return s.mapping.nextOf(body)
	})
	return f, stamp, err
}

// rows returns the rows of an answer.
func (m *mapping) rows(body any) ([]any, error) {
	found := body
	if program := m.programs["rows"]; program != nil {
		var err error
		if found, err = run(program, "body", body); err != nil {
			return nil, fmt.Errorf("map.rows: %w", err)
		}
	}
	switch found := found.(type) {
	case []any:
		return found, nil
	case map[string]any:
		rows := make([]any, 0, len(found))
		for _, key := range slices.Sorted(maps.Keys(found)) {
			rows = append(rows, map[string]any{"key": key, "value": found[key]})
		}
		return rows, nil
	}
	return nil, fmt.Errorf("map.rows: the answer has %T there; a list or a mapping was expected", found)
}

// nextOf returns the URL of the next page, "" for none.
func (m *mapping) nextOf(body any) (string, error) {
	if m.next == nil {
		return "", nil
	}
	found, err := run(m.next, "body", body)
	if err != nil {
		return "", fmt.Errorf("next: %w", err)
	}
	text, isText := found.(string)
	if found != nil && !isText {
		return "", fmt.Errorf("next: the answer has %T there; a text was expected", found)
	}
	return text, nil
}
