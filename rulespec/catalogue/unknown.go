package catalogue

import (
	"slices"
	"strings"
)

// The fields that by convention hold who did it, who else is involved and what packages it is about. The first that is
// there is the actor.
var (
	actorFields   = []string{"agent", "user", "username", "actor", "sender", "author", "submitter", "pusher", "owner_name"}
	userFields    = []string{"agent", "user", "username", "users", "actor", "sender", "author", "owner", "submitter", "assignee", "pusher", "owner_name", "maintainer", "person", "fas_username", "requester"}
	packageFields = []string{"package", "packages", "package_name", "pkg", "pkgname", "rpm", "rpms", "source_package"}
	linkFields    = []string{"url", "link", "html_url", "full_url", "web_url", "permalink"}
	subjectFields = []string{"summary", "subject", "title", "name", "nvr", "message", "description", "status", "state", "log"}
)

// describeUnknown describes a message that no entry knows, by convention.
func describeUnknown(e *Event, words []string, stated stated) {
	e.App = appName(words[0])
	e.Kind, e.KindName = e.App+".unknown", "Other messages of "+e.App
	body, _ := e.Body.(map[string]any)
	for _, name := range actorFields {
		if e.Actor = actorOf(nameIn(body[name])); e.Actor != "" {
			break
		}
	}
	users := stated.users
	if len(users) == 0 {
		users = conventional(body, userFields)
	}
	e.Users = cleanSet(append(users, e.Actor))
	e.Packages = stated.packages
	if len(e.Packages) == 0 {
		e.Packages = conventional(body, packageFields)
	}
	e.Packages = cleanSet(e.Packages)
	if stated.severity != 0 {
		e.Severity = stated.severity
	}
	e.relate = func() Relation { return Relation{Keys: []string{cutBytes(e.Title+" "+e.Actor, maxName)}} }
	e.describe = func() Prose { return unknownProse(e, words, body) }
}

func appName(word string) string {
	word = strings.ToLower(word)
	if isAppName(word) {
		return word
	}
	return "unknown"
}

// conventional collects the names in fields that look like it, at the top and one object down.
func conventional(body map[string]any, fields []string) []string {
	var out []string
	for _, key := range fields {
		out = append(out, namesIn(body[key])...)
	}
	for _, v := range body {
		if inner, ok := v.(map[string]any); ok {
			for _, key := range fields {
				out = append(out, namesIn(inner[key])...)
			}
		}
	}
	return slices.DeleteFunc(out, func(s string) bool { return strings.ContainsAny(s, " \n\t") || len(s) > 100 })
}

func namesIn(v any) []string {
	var out []string
	for _, x := range listOf(v) {
		if name := nameIn(x); name != nil {
			out = appendTexts(out, name, 0)
		}
	}
	return out
}

// nameIn gives what a person or package is called: the value itself, or the name in an object.
func nameIn(v any) any {
	switch v := v.(type) {
	case string:
		return openID(v)
	case map[string]any:
		for _, key := range []string{"username", "name", "login", "nick"} {
			if s, ok := v[key].(string); ok && s != "" {
				return openID(s)
			}
		}
	}
	return nil
}

func unknownProse(e *Event, words []string, body map[string]any) Prose {
	var b strings.Builder
	b.WriteString(strings.Join(words, " "))
	if e.Actor != "" {
		b.WriteString(" by " + e.Actor)
	}
	if len(e.Packages) > 0 {
		b.WriteString(": " + strings.Join(e.Packages[:min(len(e.Packages), 3)], ", "))
	}
	if subject := firstText(body, subjectFields); subject != "" {
		b.WriteString(" (" + oneLine(subject, 120) + ")")
	}
	return Prose{
		Summary:       oneLine(b.String(), maxSummary),
		Link:          cleanLink(firstText(body, linkFields)),
		SecondaryIcon: avatar(e.Actor),
	}
}

// firstText gives the first field that holds a text, at the top or one object down.
func firstText(body map[string]any, fields []string) string {
	for _, key := range fields {
		if s, ok := body[key].(string); ok && s != "" {
			return s
		}
	}
	for _, name := range sortedKeys(body) {
		if inner, ok := body[name].(map[string]any); ok {
			for _, key := range fields {
				if s, ok := inner[key].(string); ok && s != "" {
					return s
				}
			}
		}
	}
	return ""
}
