package catalogue

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/notifyd/notifyd/rulespec/catalogue/topics"
)

// readApp reads one file. It is strict: what the form does not know is a mistake. All mistakes found are returned.
func readApp(file string, data []byte, embedded bool) (*appSource, []error) {
	r := newReader(file, embedded)
	body, err := r.parse(data)
	if err != nil {
		return nil, []error{err}
	}
	app := r.app(body)
	return app, r.mistakes
}

func (r *reader) named(n ast.Node, what string) []named {
	var out []named
	for _, pair := range r.pairs(n, what, nil) {
		if value, ok := r.scalar(pair.Value, fmt.Sprintf("%s %s", what, pair.Key)); ok {
			out = append(out, named{pair.Key, value})
		}
	}
	return out
}

func (r *reader) app(body ast.Node) *appSource {
	a := &appSource{name: located{at: r.at(body)}, defaults: map[string][]located{}}
	for _, pair := range r.pairs(body, "application", appKeys) {
		switch pair.Key {
		case "app":
			a.name, _ = r.scalar(pair.Value, "app")
		case "title":
			a.title, _ = r.scalar(pair.Value, "title")
		case "icon":
			a.icon, _ = r.scalar(pair.Value, "icon")
		case "keyword":
			a.keyword, _ = r.scalar(pair.Value, "keyword")
		case "hosts":
			a.hosts = r.named(pair.Value, "hosts")
		case "pages":
			a.pages = r.named(pair.Value, "pages")
		case "accounts":
			a.accounts = r.scalars(pair.Value, "accounts", true)
		case "like":
			a.like, _ = r.scalar(pair.Value, "like")
		case "roots":
			a.roots = r.scalars(pair.Value, "roots", true)
			for _, root := range a.roots {
				if !topics.IsRoot(root.text) {
					r.mistakes = append(r.mistakes, root.at.mistake("roots: want words with dots between them, not %q", root.text))
				}
			}
		case "vars":
			a.vars = r.named(pair.Value, "vars")
		case "tables":
			a.tables = r.tables(pair.Value)
		case "phase", "author", "assigned", "mentioned", "watchers":
			a.defaults[pair.Key] = r.scalars(pair.Value, pair.Key, entryLists[pair.Key])
		case "entries":
			a.entries = r.entries(pair.Value)
		}
	}
	if !topics.IsApp(a.name.text) && len(r.mistakes) == 0 {
		r.mistakes = append(r.mistakes,
			a.name.at.mistake("app: want a name of small letters, digits, _ and -, not %q", a.name.text))
	}
	return a
}

func (r *reader) tables(n ast.Node) []tableSource {
	var out []tableSource
	for _, pair := range r.pairs(n, "tables", nil) {
		out = append(out, tableSource{located{pair.Key, r.at(pair.Node)}, r.named(pair.Value, "table "+pair.Key)})
	}
	return out
}

func (r *reader) entries(n ast.Node) []*entrySource {
	var out []*entrySource
	for _, item := range r.List(n, "entries: want a list") {
		e := &entrySource{at: r.at(item), values: map[string][]located{}}
		for _, pair := range r.pairs(item, "entry", entryKeys) {
			switch pair.Key {
			case "vars":
				e.vars = r.named(pair.Value, "vars")
				continue
			case "examples":
				e.examples = r.examples(pair.Value)
				continue
			}
			e.values[pair.Key] = r.scalars(pair.Value, pair.Key, entryLists[pair.Key])
		}
		for _, key := range []string{"topic", "kind", "name", "summary"} {
			if e.one(key).text == "" && len(r.mistakes) == 0 {
				r.mistakes = append(r.mistakes,
					e.at.mistake("entry: %s is missing; an entry needs topic, kind, name and summary", key))
			}
		}
		out = append(out, e)
	}
	return out
}
