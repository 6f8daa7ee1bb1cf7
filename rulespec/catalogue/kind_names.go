package catalogue

import (
	"cmp"
	"strings"
)

// KnownKinds gives the predicate of the kinds of message that a filter may name: those of the catalogue, and the kind by
// convention of any application.
func (c *Catalogue) KnownKinds() func(string) bool {
	known := map[string]bool{}
	for _, k := range c.Kinds() {
		known[k.Kind] = true
	}
	return func(name string) bool { return known[name] || strings.HasSuffix(name, ".unknown") }
}

// KindNames gives the function from a kind of message to what people call it, "" where the catalogue has no such kind. A kind
// by convention is called as its events are. Where two kinds have one name, the name of the application follows.
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
