package catalogue

import (
	"cmp"
	"strings"
)

// An App is an application and its kinds of message, as a page lists them.
type App struct {
	Name  string
	Title string
	Icon  string        // URL or ""
	Kinds []MessageKind // in the order of its file
}

// A MessageKind is a catalogue entry as the pages list it.
type MessageKind struct {
	Kind     string   // bodhi.update.comment
	Name     string   // Comments on updates
	App      string   // bodhi
	AppTitle string   // Bodhi
	Classic  []string // the classic FMN rules that it stands for
	Topics   []string // patterns, after root and environment
	Keyword  Keyword  // build, test, …
	Severity string   // debug, info, …; "varies" where it is computed
	Entry    string   // file:line
	Own      bool     // the entry is a site's, not built in
}

// Apps lists the applications that the catalogue knows, sorted by name, each with its kinds.
func (c *Catalogue) Apps() []App {
	apps := make([]App, 0, len(c.apps))
	for _, a := range c.apps {
		listed := App{Name: a.name, Title: a.title, Icon: a.icon}
		for _, e := range a.entries {
			listed.Kinds = append(listed.Kinds, e.listed())
		}
		apps = append(apps, listed)
	}
	return apps
}

func (e *entry) listed() MessageKind {
	k := MessageKind{Kind: e.kind, Name: e.name, App: e.app.name, AppTitle: e.app.title, Classic: e.classic,
		Keyword: e.keyword, Severity: "varies", Entry: e.at.String(), Own: !e.at.embedded}
	for _, p := range e.patterns {
		k.Topics = append(k.Topics, p.Text)
	}
	if e.constant != 0 {
		k.Severity = e.constant.String()
	} else if e.severity == nil {
		k.Severity = Info.String()
	}
	return k
}

// Kinds lists every kind of message, application by application.
func (c *Catalogue) Kinds() []MessageKind {
	var kinds []MessageKind
	for _, a := range c.Apps() {
		kinds = append(kinds, a.Kinds...)
	}
	return kinds
}

// KnownKinds gives a function that reports whether a filter may name a kind of message: one of the catalogue, or the
// kind by convention of any application.
func (c *Catalogue) KnownKinds() func(string) bool {
	known := map[string]bool{}
	for _, k := range c.Kinds() {
		known[k.Kind] = true
	}
	return func(name string) bool { return known[name] || strings.HasSuffix(name, ".unknown") }
}

// AppNames gives a function from an application to its title, "" where the catalogue does not know it.
func (c *Catalogue) AppNames() func(string) string {
	titles := make(map[string]string, len(c.apps))
	for _, a := range c.apps {
		titles[a.name] = a.title
	}
	return func(app string) string { return titles[app] }
}

// KindNames gives a function from a kind of message to its name on pages, "" where the catalogue has no such kind. A
// kind by convention has the name that its events have. The name of the application follows where two kinds share a
// name.
func (c *Catalogue) KindNames() func(string) string {
	kinds, shared := c.Kinds(), map[string]int{}
	for _, k := range kinds {
		shared[k.Name]++
	}
	names, apps := make(map[string]string, len(kinds)), map[string]string{}
	for _, k := range kinds {
		apps[k.App] = k.AppTitle
		names[k.Kind] = k.Name
		if shared[k.Name] > 1 {
			names[k.Kind] = k.Name + " (" + k.AppTitle + ")"
		}
	}
	return func(kind string) string {
		if app, other := strings.CutSuffix(kind, ".unknown"); other && names[kind] == "" {
			return "Other messages of " + cmp.Or(apps[app], app)
		}
		return names[kind]
	}
}
