package catalogue

import (
	"fmt"
	"maps"
	"slices"

	"github.com/notifyd/notifyd/internal/yamltext"
)

// A Mistake is what is wrong with a file of a catalogue, written for the person who wrote the file.
type Mistake struct {
	File         string
	Line, Column int // 0 where the whole file is meant
	Problem      string
}

// Error gives file:line:column: problem.
func (m *Mistake) Error() string {
	return yamltext.Position{Line: m.Line, Column: m.Column}.In(m.File) + ": " + m.Problem
}

// A position is where a value stands: a line and column of a file.
type position struct {
	yamltext.Position
	file     string
	embedded bool // the file is part of the program
}

func (p position) mistake(format string, args ...any) *Mistake {
	return &Mistake{File: p.file, Line: p.Line, Column: p.Column, Problem: fmt.Sprintf(format, args...)}
}

func (p position) before(q position) bool {
	return p.file < q.file || p.file == q.file && p.Line < q.Line
}

// String gives file:line.
func (p position) String() string {
	if p.Line == 0 {
		return p.file
	}
	return fmt.Sprintf("%s:%d", p.file, p.Line)
}

// A located value is a text of a file and where it stands.
type located struct {
	text string
	at   position
}

// A named value is a key and what stands behind it.
type named struct {
	name  string
	value located
}

// An appSource is one application as its files say it, not compiled.
type appSource struct {
	name    located
	title   located
	icon    located
	keyword located
	hosts   []named
	// accounts says where the application's accounts are the community's.
	accounts []located
	model    string    // the application that these entries were written for; "" for its own
	like     located   // the application whose entries it has too, under its own name
	roots    []located // what its topics may begin with
	pages    []named   // addresses of pages, to the keys of objects
	vars     []named
	tables   []tableSource
	entries  []*entrySource
	// defaults are what its entries have that say nothing else: the phase and the roles.
	defaults map[string][]located
}

type tableSource struct {
	name located
	rows []named
}

// An entrySource is one entry as its file says it. values holds each key's values; most keys take one.
type entrySource struct {
	at     position
	values map[string][]located
	vars   []named
	// examples are messages that the entry takes.
	examples []Example
}

func (s *entrySource) one(key string) located {
	if v := s.values[key]; len(v) > 0 {
		return v[0]
	}
	return located{at: s.at}
}

func (s *entrySource) kind() string { return s.one("kind").text }

// The keys of the form, in the order of the manual.
var (
	appKeys = []string{"app", "title", "icon", "keyword", "accounts", "hosts", "like", "roots", "pages", "tables", "vars",
		"phase", "author", "assigned", "mentioned", "watchers", "entries"}
	entryKeys = []string{"topic", "when", "kind", "name", "vars", "summary", "link", "icon", "secondary_icon",
		"actor", "users", "packages", "objects", "phase", "author", "assigned", "mentioned", "watchers", "severity", "group", "plural", "examples", "keyword", "classic"}
	entryLists = map[string]bool{"topic": true, "link": true, "users": true, "packages": true, "objects": true,
		"author": true, "assigned": true, "mentioned": true, "watchers": true, "group": true, "classic": true}
)

// overridden gives an application with a site's over it: what the site says replaces what was there, entry by entry and
// variable by variable. A site's new entries come first, so that they can be more particular by a condition.
func (a *appSource) overridden(site *appSource) *appSource {
	changed := *a
	a = &changed
	a.tables, a.entries = slices.Clone(a.tables), slices.Clone(a.entries)
	if site.title.text != "" {
		a.title = site.title
	}
	if site.icon.text != "" {
		a.icon = site.icon
	}
	if site.keyword.text != "" {
		a.keyword = site.keyword
	}
	a.hosts = overrideNamed(a.hosts, site.hosts)
	a.pages = overrideNamed(a.pages, site.pages)
	if len(site.accounts) > 0 {
		a.accounts = site.accounts
	}
	if site.like.text != "" {
		a.like = site.like
	}
	a.roots = append(slices.Clip(a.roots), site.roots...)
	a.vars = overrideNamed(a.vars, site.vars)
	a.defaults = maps.Clone(a.defaults)
	for key, given := range site.defaults {
		a.defaults[key] = given
	}
	for _, t := range site.tables {
		a.overrideTable(t)
	}
	var added []*entrySource
	for _, e := range site.entries {
		if !a.replaceEntry(e) {
			added = append(added, e)
		}
	}
	a.entries = append(added, a.entries...)
	return a
}

func (a *appSource) replaceEntry(e *entrySource) bool {
	for i, old := range a.entries {
		if old.kind() == e.kind() {
			a.entries[i] = e
			return true
		}
	}
	return false
}

func (a *appSource) overrideTable(t tableSource) {
	for i, old := range a.tables {
		if old.name.text == t.name.text {
			a.tables[i].rows = overrideNamed(old.rows, t.rows)
			return
		}
	}
	a.tables = append(a.tables, t)
}

func overrideNamed(old, site []named) []named {
	out := append([]named(nil), old...)
next:
	for _, n := range site {
		for i := range out {
			if out[i].name == n.name {
				out[i] = n
				continue next
			}
		}
		out = append(out, n)
	}
	return out
}
