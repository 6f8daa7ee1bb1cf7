package directory

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/internal/yamltext"
)

// bounds limit the size and nesting of a text, or of a piece of one.
var bounds = yamltext.Bounds{Bytes: MaxFile, Nesting: 20}

// Parse reads a directory's file, and makes a Snapshot of it alone. See ParseFacts.
func Parse(text []byte) (*Snapshot, error) {
	f, err := ParseFacts(text)
	if err != nil {
		return nil, err
	}
	return Merge(Policy{}, Part{Facts: f}), nil
}

// ParseFacts reads a directory's file: YAML with `groups` (name: [members]), `packages` (name: {role: [persons, and
// groups as "@group"]}), `accounts` (another name: account) and `people` (account: {mails, nicks, disabled, bot,
// private}). It is strict; the error joins the mistakes, each with its line and column. A section that is not there is
// unknown, and not empty.
func ParseFacts(text []byte) (*Facts, error) { return parse(text, true) }

// parse reads a file. If it is alone, packages may name only groups that it has; else others may know them.
func parse(text []byte, alone bool) (*Facts, error) {
	if f, err := parseInChunks(text, chunkSize, alone); !errors.Is(err, errNotCut) {
		return f, err
	}
	return parseWhole(text, alone)
}

func parseWhole(text []byte, alone bool) (*Facts, error) {
	root, err := yamltext.Parse(text, bounds)
	if err != nil {
		return nil, err
	}
	if root == nil {
		return nil, &yamltext.Error{Problem: "the file is empty; the keys groups, packages, accounts and people are expected"}
	}
	b := newBuilder(alone)
	b.read(root)
	return b.finish()
}

// maxErrors is the largest number of mistakes that are reported. A file of a wrong form has one in every line.
const maxErrors = 20

// A builder fills Facts.
type builder struct {
	*Facts
	alone bool // no other source can know a group that packages name
	yaml  yamltext.Reader
	line  int                 // chunk.line of the current chunk
	names map[string]string   // each name once: a person with a thousand packages takes one string
	named map[string]groupUse // groups that packages name, with the first position that names each
	errs  []error
}

// A groupUse is a package that names a group, and where.
type groupUse struct {
	at  yamltext.Position
	pkg string
}

func newBuilder(alone bool) *builder {
	b := &builder{Facts: &Facts{}, alone: alone, names: map[string]string{}, named: map[string]groupUse{}}
	b.yaml.Report = func(at yamltext.Position, problem string) { b.wrongAt(b.inFile(at), "%s", problem) }
	return b
}

// inFile turns a position in the current chunk into one in the file.
func (b *builder) inFile(at yamltext.Position) yamltext.Position {
	if at.Line > 0 {
		at.Line += b.line
	}
	return at
}

func (b *builder) wrong(n ast.Node, format string, args ...any) {
	b.wrongAt(b.inFile(yamltext.PositionOf(n)), format, args...)
}

func (b *builder) wrongAt(at yamltext.Position, format string, args ...any) {
	if len(b.errs) < maxErrors {
		b.errs = append(b.errs, &yamltext.Error{Position: at, Problem: fmt.Sprintf(format, args...)})
	}
}

func (b *builder) read(root ast.Node) {
	for _, e := range b.entries(root) {
		switch e.Key {
		case "groups":
			b.Groups = made(b.Groups)
			b.readGroups(e.Value)
		case "packages":
			b.Packages = made(b.Packages)
			b.readPackages(e.Value)
		case "accounts":
			b.Accounts = made(b.Accounts)
			b.readAccounts(e.Value)
		case "people":
			b.People = made(b.People)
			b.readPeople(e.Value)
		default:
			b.wrong(e.Node, "unknown key %q: there is groups, packages, accounts and people", e.Key)
		}
	}
}

// made returns a part, made where it is not there yet: a large section comes in pieces.
func made[V any](part map[string]V) map[string]V {
	if part == nil {
		return map[string]V{}
	}
	return part
}

func (b *builder) readGroups(n ast.Node) {
	for _, e := range b.entries(n) {
		if strings.HasPrefix(e.Key, "@") {
			b.wrong(e.Node, "group %q: the name stands without @ here", e.Key)
			continue
		}
		if _, twice := b.Groups[e.Key]; twice {
			b.wrong(e.Node, "group %q stands here a second time", e.Key)
		}
		members := b.list(e.Value)
		for _, m := range members {
			if strings.HasPrefix(m, "@") {
				b.wrong(e.Node, "group %q has %q as a member: groups have persons as members, not groups", e.Key, m)
			}
		}
		slices.Sort(members)
		b.Groups[b.name(e.Key)] = slices.Compact(members)
	}
}

func (b *builder) readPackages(n ast.Node) {
	for _, e := range b.entries(n) {
		if _, twice := b.Packages[e.Key]; twice {
			b.wrong(e.Node, "package %q stands here a second time", e.Key)
		}
		owners := []Owner{}
		for _, role := range b.entries(e.Value) {
			name := b.name(role.Key)
			all := b.list(role.Value)
			if len(all) == 0 {
				owners = append(owners, Owner{Role: name})
			}
			for _, who := range all {
				if group, ok := strings.CutPrefix(who, "@"); ok && b.named[group].pkg == "" {
					b.named[group] = groupUse{b.inFile(yamltext.PositionOf(role.Value)), e.Key}
				}
				owners = append(owners, Owner{who, name})
			}
		}
		b.Packages[b.name(e.Key)] = owners
	}
}

// checkGroups runs at the end, since packages may come before the groups that they name.
func (b *builder) checkGroups() {
	for _, group := range slices.Sorted(maps.Keys(b.named)) {
		if _, known := b.Groups[group]; !known && b.alone {
			b.wrongAt(b.named[group].at, "package %q: there is no group %q", b.named[group].pkg, group)
		}
	}
}

// finish returns the Facts of everything that was read.
func (b *builder) finish() (*Facts, error) {
	b.checkGroups()
	if len(b.errs) > 0 {
		return nil, errors.Join(b.errs...)
	}
	return b.Facts, nil
}

// entries returns the entries of a mapping; an empty value is an empty mapping.
func (b *builder) entries(n ast.Node) []yamltext.Entry {
	if yamltext.IsEmpty(n) {
		return nil
	}
	return slices.DeleteFunc(b.yaml.Mapping(n, "a mapping is expected here"), func(e yamltext.Entry) bool {
		return !b.isName(e.Node, e.Key)
	})
}

// list returns a list of names; an empty value is an empty list.
func (b *builder) list(n ast.Node) []string {
	if yamltext.IsEmpty(n) {
		return nil
	}
	items := b.yaml.List(n, "a list of names is expected here")
	names := make([]string, 0, len(items))
	for _, item := range items {
		if name, ok := b.text(item); ok {
			names = append(names, b.name(name))
		}
	}
	return names
}

// text returns a name as it is written, even if YAML reads it as a number or a word of its own.
func (b *builder) text(n ast.Node) (string, bool) {
	s, ok := b.yaml.Text(n, "a name is expected here")
	return s, ok && b.isName(n, s)
}

// isName reports a text that is no name.
func (b *builder) isName(n ast.Node, s string) bool {
	problem := checkName(s)
	if problem != "" {
		b.wrong(n, "%s", problem)
	}
	return problem == ""
}

// name returns the one copy of a name.
func (b *builder) name(s string) string {
	if known, ok := b.names[s]; ok {
		return known
	}
	s = strings.Clone(s)
	b.names[s] = s
	return s
}

// checkName returns the problem with a name in words, "" for none.
func checkName(s string) string {
	switch {
	case s == "" || s == "@":
		return "a name is empty"
	case len(s) > MaxName:
		return fmt.Sprintf("a name is longer than %d bytes", MaxName)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Sprintf("%q is no name", s)
	}
	return ""
}
