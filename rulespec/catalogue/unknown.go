package catalogue

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
)

// describeUnknown describes a message that no entry knows, by convention (see convention.go).
func describeUnknown(c *Catalogue, e *Event, words []string, stated stated) {
	e.App = appName(words[0])
	e.Kind, e.KindName = e.App+".unknown", "Other messages of "+e.App
	known := c.appNamed(e.App)
	if known != nil {
		e.KindName = "Other messages of " + known.title
	}
	conv := convention{c.accounts}
	body, _ := e.Body.(map[string]any)
	e.Actor = conv.actor(body)
	users := stated.users
	if len(users) == 0 {
		users = conv.users(body)
	}
	e.Users = cleanSet(append(users, e.Actor))
	e.Packages = stated.packages
	if len(e.Packages) == 0 {
		e.Packages = conv.packages(body)
	}
	e.Packages = cleanSet(e.Packages)
	if stated.severity != 0 {
		e.Severity = stated.severity
	}
	e.relate = func() Relation { return Relation{Keys: []string{text.CutBytes(e.Title+" "+e.Actor, maxName)}} }
	e.describe = func() Prose {
		p := unknownProse(e, words, body)
		if known != nil {
			p.Icon = known.icon
		}
		return p
	}
}

func appName(word string) string {
	word = strings.ToLower(word)
	if isAppName(word) {
		return word
	}
	return "unknown"
}

func (c *Catalogue) appNamed(name string) *app {
	i, found := slices.BinarySearchFunc(c.apps, name, func(a *app, name string) int { return strings.Compare(a.name, name) })
	if !found {
		return nil
	}
	return c.apps[i]
}

// unknownProse says the topic in words, who did it, the packages, and a few telling texts of the body.
func unknownProse(e *Event, words []string, body map[string]any) Prose {
	var b strings.Builder
	b.WriteString(strings.Join(words, " "))
	if e.Actor != "" {
		b.WriteString(" by " + e.Actor)
	}
	if len(e.Packages) > 0 {
		b.WriteString(": " + strings.Join(e.Packages[:min(len(e.Packages), 3)], ", "))
	}
	if details := details(body, append([]string{e.Actor}, e.Packages...)); details != "" {
		b.WriteString(" (" + details + ")")
	}
	return Prose{
		Summary:       oneLine(b.String(), maxSummary),
		Link:          cleanLink(firstText(body, linkFields)),
		SecondaryIcon: avatar(e.Actor),
	}
}

// details gives at most four texts that tell what a message is about, without those that the sentence has already.
func details(body map[string]any, said []string) string {
	const most, longest = 4, 70
	var out []string
	for _, key := range subjectFields {
		s := oneLine(firstText(body, []string{key}), longest)
		if s == "" || slices.Contains(said, s) {
			continue
		}
		out = append(out, s)
		if said = append(said, s); len(out) == most {
			break
		}
	}
	return strings.Join(out, ", ")
}

// firstText gives the first field that holds a text, at the top or one object down, last in objects of others. An object in
// the field's place gives its name.
func firstText(body map[string]any, fields []string) string {
	var objects, others []map[string]any
	for _, name := range sortedKeys(body) {
		if inner, ok := body[name].(map[string]any); !ok {
			continue
		} else if slices.Contains(otherObjects, name) {
			others = append(others, inner)
		} else {
			objects = append(objects, inner)
		}
	}
	for _, object := range slices.Concat([]map[string]any{body}, objects, others) {
		for _, key := range fields {
			if s := textOrName(object[key]); s != "" {
				return s
			}
		}
	}
	return ""
}

func textOrName(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		for _, key := range []string{"full_name", "fullname", "title", "name"} {
			if s, ok := v[key].(string); ok && s != "" {
				return s
			}
		}
	}
	return ""
}
