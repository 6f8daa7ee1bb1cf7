package catalogue

import "github.com/notifyd/notifyd/rulespec/catalogue/values"

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
		Severity: "varies", Entry: e.at.String(), Own: !e.at.embedded}
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

// A Failure says how often a field of a kind could not be computed for a message.
type Failure struct {
	Kind  string // "" for a variable of the application
	App   string
	Field string // summary, users, vars.update, …
	Count uint64 // since the catalogue was loaded
}

// Failures lists the fields that failed at least once. Their number is bounded by the catalogue's own size.
func (c *Catalogue) Failures() []Failure {
	var out []Failure
	for _, a := range c.apps {
		for _, name := range values.Keys(a.vars) {
			out = c.appendFailure(out, a, "", a.vars[name].origin)
		}
		for _, e := range a.entries {
			for _, name := range values.Keys(e.vars) {
				if v := e.vars[name]; v != a.vars[name] {
					out = c.appendFailure(out, a, e.kind, v.origin)
				}
			}
			for _, v := range e.allValues() {
				if v != nil {
					out = c.appendFailure(out, a, e.kind, v.origin)
				}
			}
			for _, p := range e.allProse() {
				if p != nil {
					out = c.appendFailure(out, a, e.kind, p.origin)
				}
			}
		}
	}
	return out
}

func (e *entry) allValues() []*fieldExpression {
	all := []*fieldExpression{e.when, e.actor, e.severity}
	all = append(all, e.users...)
	all = append(all, e.packages...)
	all = append(all, e.objects...)
	return append(all, e.group...)
}

func (c *Catalogue) appendFailure(out []Failure, a *app, kind string, f origin) []Failure {
	if n := c.failures[a][f.number].Load(); n > 0 {
		out = append(out, Failure{Kind: kind, App: a.name, Field: f.field, Count: n})
	}
	return out
}

// failed counts a field that could not be computed for a message.
func (c *Catalogue) failed(a *app, f origin) { c.failures[a][f.number].Add(1) }
