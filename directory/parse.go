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
)

// Parse reads a directory's file: YAML with `groups` (name: [members]), `packages` (name: {role: [persons, and groups as
// "@group"]}) and `accounts` (what somebody is called elsewhere: account). It is strict; the error joins the mistakes, each with its line and column.
func Parse(text []byte) (*Snapshot, error) {
	if len(text) > MaxFile {
		return nil, fmt.Errorf("the file is longer than %d bytes", MaxFile)
	}
	// The parser would take U+FFFD for what it cannot read.
	if !utf8.Valid(text) {
		return nil, errors.New("the file is not UTF-8")
	}
	if s, err := build(chunks(text, chunkSize)); s != nil || err != nil && !errors.Is(err, errSyntax) {
		return s, err
	}
	return build([]chunk{{text: text}})
}

// build makes the Snapshot of chunks, nil and no error of none.
func build(chunks []chunk) (*Snapshot, error) {
	if len(chunks) == 0 {
		return nil, nil
	}
	b := newBuilder()
	for _, c := range chunks {
		root, err := parseYAML(c.text)
		if err != nil {
			return nil, err
		}
		b.line = c.line
		b.read(root)
	}
	b.checkGroups()
	if len(b.errs) > 0 {
		return nil, errors.Join(b.errs...)
	}
	b.index()
	return b.Snapshot, nil
}

// maxErrors is how many mistakes are told; a file of a wrong form has one in every line.
const maxErrors = 20

// A builder fills a Snapshot.
type builder struct {
	*Snapshot
	line  int                 // of the chunk in hand
	names map[string]string   // each name once: a person of a thousand packages takes one string
	named map[string]groupUse // groups that packages name, by where the first does
	errs  []error
}

// A groupUse is a place that names a group.
type groupUse struct{ place, pkg string }

func newBuilder() *builder {
	return &builder{
		Snapshot: &Snapshot{
			members: map[string][]string{}, groups: map[string][]string{},
			owners: map[string][]owner{}, roles: map[string]bool{}, accounts: map[string]string{},
		},
		names: map[string]string{},
		named: map[string]groupUse{},
	}
}

func (b *builder) wrong(n ast.Node, format string, args ...any) {
	b.wrongAt(b.placeOf(n), format, args...)
}

func (b *builder) wrongAt(place, format string, args ...any) {
	if len(b.errs) < maxErrors {
		b.errs = append(b.errs, fmt.Errorf("%s: %s", place, fmt.Sprintf(format, args...)))
	}
}

func (b *builder) read(root ast.Node) {
	for _, e := range b.entries(root) {
		switch e.key {
		case "groups":
			b.readGroups(e.value)
		case "packages":
			b.readPackages(e.value)
		case "accounts":
			b.readAccounts(e.value)
		default:
			b.wrong(e.node, "unknown key %q: there is groups, packages and accounts", e.key)
		}
	}
}

func (b *builder) readGroups(n ast.Node) {
	for _, e := range b.entries(n) {
		if strings.HasPrefix(e.key, "@") {
			b.wrong(e.node, "group %q: the name stands without @ here", e.key)
			continue
		}
		if b.HasGroup(e.key) {
			b.wrong(e.node, "group %q stands here a second time", e.key)
		}
		members := b.list(e.value)
		for _, m := range members {
			if strings.HasPrefix(m, "@") {
				b.wrong(e.node, "group %q has %q as a member: groups have persons as members, not groups", e.key, m)
			}
		}
		slices.Sort(members)
		b.members[b.name(e.key)] = slices.Compact(members)
	}
}

func (b *builder) readPackages(n ast.Node) {
	for _, e := range b.entries(n) {
		if _, twice := b.owners[e.key]; twice {
			b.wrong(e.node, "package %q stands here a second time", e.key)
		}
		var owners []owner
		for _, role := range b.entries(e.value) {
			name := b.name(role.key)
			b.roles[name] = true
			for _, who := range b.list(role.value) {
				if group, ok := strings.CutPrefix(who, "@"); ok && b.named[group].place == "" {
					b.named[group] = groupUse{b.placeOf(role.value), e.key}
				}
				owners = append(owners, owner{who, name})
			}
		}
		slices.SortStableFunc(owners, func(a, b owner) int { return strings.Compare(a.role, b.role) })
		b.owners[b.name(e.key)] = owners
	}
}

// checkGroups is for the end: packages may stand before the groups that they name.
func (b *builder) checkGroups() {
	for _, group := range slices.Sorted(maps.Keys(b.named)) {
		if !b.HasGroup(group) {
			b.wrongAt(b.named[group].place, "package %q: there is no group %q", b.named[group].pkg, group)
		}
	}
}

// index makes the groups of each person.
func (b *builder) index() {
	for _, group := range slices.Sorted(maps.Keys(b.members)) {
		for _, member := range b.members[group] {
			b.groups[member] = append(b.groups[member], group)
		}
	}
}

// name gives the one copy of a name.
func (b *builder) name(s string) string {
	if known, ok := b.names[s]; ok {
		return known
	}
	s = strings.Clone(s)
	b.names[s] = s
	return s
}

// checkName says in words what is wrong with a name, "" for nothing.
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
