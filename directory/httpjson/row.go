package httpjson

import (
	"fmt"
	"strconv"

	"github.com/notifyd/notifyd/directory"
)

// mapped is a row as its expressions see it. Its methods return what a key has there; the first mistake stays in err.
type mapped struct {
	*mapping
	row any
	err error
}

// value returns what an expression makes of the row; nil without the expression, or after a mistake.
func (m *mapped) value(key string) any {
	program := m.programs[key]
	if program == nil || m.err != nil {
		return nil
	}
	found, err := run(program, "row", m.row)
	if err != nil {
		m.err = fmt.Errorf("map.%s: %w", key, err)
	}
	return found
}

func (m *mapped) wrong(key string, found any, expected string) {
	if m.err == nil {
		m.err = fmt.Errorf("map.%s: a row has %T there; %s was expected", key, found, expected)
	}
}

// text returns a text; a whole number is one too. Nothing is "".
func (m *mapped) text(key string) string {
	found := m.value(key)
	text, ok := asText(found)
	if !ok {
		m.wrong(key, found, "a text")
	}
	return text
}

func asText(value any) (string, bool) {
	switch v := value.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case int:
		return strconv.Itoa(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), v == float64(int64(v))
	}
	return "", false
}

// list returns texts: of a list, or the one of a text. Nothing, and null within a list, are left out.
func (m *mapped) list(key string) []string {
	found := m.value(key)
	texts := []string{}
	items, isList := found.([]any)
	if strings, ok := found.([]string); ok {
		return strings
	}
	if !isList {
		items = []any{found}
	}
	for _, item := range items {
		text, ok := asText(item)
		if !ok {
			m.wrong(key, item, "a text")
		}
		if text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// truth returns whether something is so. Nothing is not.
func (m *mapped) truth(key string) bool {
	found := m.value(key)
	truth, ok := found.(bool)
	if !ok && found != nil {
		m.wrong(key, found, "true or false")
	}
	return truth
}

// takeRow adds what a row says.
func (s *source) takeRow(f *directory.Facts, m mapped) error {
	if name := m.text("person.name"); name != "" && name != orphan {
		f.People[name] = s.person(f, &m, name)
	}
	if name := m.text("group.name"); name != "" {
		f.Groups[name] = append(f.Groups[name], m.list("group.members")...)
		if f.Groups[name] == nil {
			f.Groups[name] = []string{}
		}
	}
	if name := m.text("package.name"); name != "" {
		role := m.text("package.role")
		if role == "" {
			role = s.Role
		}
		name = s.pkg(m.text("package.namespace"), name)
		f.Packages[name] = append(f.Packages[name], held(m.list("package.owners"), role)...)
	}
	if other := m.text("account.other"); other != "" {
		if name := m.text("account.name"); name != "" {
			f.Accounts[other] = name
		}
	}
	return m.err
}

func (s *source) person(f *directory.Facts, m *mapped, name string) directory.Person {
	p := directory.Person{Disabled: m.truth("person.disabled"), Bot: m.truth("person.bot"),
		Private: m.truth("person.private")}
	if m.has("person.mails") {
		p.Mails = m.list("person.mails")
	}
	if !m.has("person.nicks") {
		return p
	}
	p.Nicks = []directory.Nick{}
	for _, text := range m.list("person.nicks") {
		nick, err := directory.ParseNick(text, s.Servers)
		if err != nil {
			f.Note("a nick of " + name + " cannot be read")
			continue
		}
		p.Nicks = append(p.Nicks, nick)
	}
	return p
}
