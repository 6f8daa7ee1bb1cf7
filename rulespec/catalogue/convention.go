package catalogue

import (
	"slices"
	"strings"
)

// The fields that by convention hold who did it, who else is involved, what packages it is about, where it can be looked at
// and what tells most of it. The first that is there is the actor, the link.
var (
	actorFields = []string{"agent", "agent_name", "user", "username", "userid", "user_text", "actor", "sender_username", "sender",
		"author", "submitter", "pusher", "owner_name", "openid"}
	userFields = []string{"agent", "agent_name", "user", "username", "userid", "user_text", "users", "usernames", "actor",
		"sender_username", "sender", "author", "owner", "submitter", "assignee", "assigned_to", "reporter", "pusher", "owner_name",
		"maintainer", "person", "nickname", "fas_username", "fas_name", "openid", "requester", "recipient"}
	packageFields = []string{"package", "packages", "package_name", "pkg", "pkgname", "pkg_name", "rpm", "rpms", "source_package",
		"components"}
	linkFields    = []string{"url", "link", "html_url", "full_url", "web_url", "permalink"}
	subjectFields = []string{"title", "summary", "subject", "repository", "project", "nvr", "name", "group", "message", "description",
		"branch", "tag", "version", "action", "status", "state", "new", "result", "reason", "log"}
)

// otherObjects are objects in a body that carry people and names of their own, who have nothing to do with the event: whoever owns
// a repository, and what a message was answered with.
var otherObjects = []string{"project", "repository", "repo", "forkee", "parent", "headers", "trigger", "webhook_headers", "instance"}

// wrappers are objects that some senders put their whole body into once more.
var wrappers = []string{"msg", "message", "body"}

// nobody are accounts that stand for no person.
var nobody = []string{"orphan", "anonymous", "nobody", "None", "null"}

// A convention reads sets from a body that no entry knows.
type convention struct{ accounts map[string]string }

func (c convention) actor(body map[string]any) string {
	for _, b := range unwrapped(body) {
		for _, key := range actorFields {
			if name := c.person(b[key]); name != "" {
				return cleanName(name)
			}
		}
	}
	return ""
}

// unwrapped gives a body and what it wraps.
func unwrapped(body map[string]any) []map[string]any {
	out := []map[string]any{body}
	for _, key := range wrappers {
		if inner, ok := body[key].(map[string]any); ok {
			out = append(out, inner)
		}
	}
	return out
}

// users collects the people in fields that look like it, at the top and one object down. A body wrapped together with its agent
// came through a web hook: the names inside are another site's.
func (c convention) users(body map[string]any) []string {
	_, hasAgent := body["agent"]
	_, hasBody := body["body"].(map[string]any)
	out := c.people(body)
	if hasAgent && hasBody {
		return out
	}
	for _, b := range unwrapped(body) {
		for _, key := range sortedKeys(b) {
			if inner, ok := b[key].(map[string]any); ok && !slices.Contains(otherObjects, key) {
				out = append(out, c.people(inner)...)
			}
		}
	}
	return out
}

func (c convention) people(object map[string]any) []string {
	var out []string
	for _, key := range userFields {
		for _, x := range listOf(object[key]) {
			if name := c.person(x); name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}

// person gives the account in a value: a text, or the name in an object. A mail address that the accounts do not know is none,
// and neither is a login at a forge.
func (c convention) person(v any) string {
	switch v := v.(type) {
	case string:
		name, _ := accountFunction(c.accounts, v)
		nick := before(textOf(name), ".id.")
		if nick == "" || len(nick) > maxName || strings.ContainsAny(nick, "@/ \n\t") || slices.Contains(nobody, nick) {
			return ""
		}
		return nick
	case map[string]any:
		for _, key := range []string{"username", "name", "nick", "nickname"} {
			if s, ok := v[key].(string); ok && s != "" {
				return c.person(s)
			}
		}
		if login, ok := v["login"].(string); ok && strings.Contains(login, "@") {
			return c.person(login)
		}
	}
	return ""
}

// packages collects the packages in a body, in fields that look like it and in objects that are shaped like a build, a commit or
// a bug, a few objects down.
func (c convention) packages(body map[string]any) []string {
	return packagesIn(nil, body, 0)
}

func packagesIn(out []string, v any, depth int) []string {
	const deepest = 4
	if depth > deepest || len(out) > maxSet {
		return out
	}
	switch v := v.(type) {
	case []any:
		for _, x := range v[:min(len(v), maxList)] {
			if _, ok := x.(map[string]any); ok {
				out = packagesIn(out, x, depth)
			}
		}
	case map[string]any:
		out = append(out, packagesOf(v)...)
		for _, key := range sortedKeys(v) {
			if inner, ok := v[key].(map[string]any); ok {
				out = append(out, packagesByPlace(key, inner)...)
			}
			out = packagesIn(out, v[key], depth+1)
		}
	}
	return out
}

// packagesOf gives the packages that an object itself names.
func packagesOf(object map[string]any) []string {
	var out []string
	for _, key := range packageFields {
		if ours(object["distro"]) {
			out = appendPackages(out, object[key])
		}
	}
	s := func(key string) string { x, _ := object[key].(string); return x }
	switch {
	case s("nvr") != "":
		out = appendPackages(out, nvrName(s("nvr")))
	case s("name") != "" && s("version") != "" && s("release") != "" && s("arch") == "": // with an architecture it is only a part
		out = appendPackages(out, object["name"])
	case s("namespace") == "rpms":
		out = appendPackages(out, object["name"])
	case s("Source") != "" && s("Version") != "": // Debian's fields
		out = appendPackages(out, object["Source"])
	}
	return out
}

// packagesByPlace gives the package of a bug, and that of a commit to its sources.
func packagesByPlace(key string, object map[string]any) []string {
	namespace, named := object["namespace"].(string)
	switch {
	case key == "bug":
		return appendPackages(nil, object["component"])
	case key == "commit" && (!named || namespace == "rpms"):
		return appendPackages(nil, object["repo"])
	}
	return nil
}

// ours says whether a package of that distribution is one that people here have: the others only share its upstream.
func ours(distro any) bool {
	s, ok := distro.(string)
	return !ok || strings.EqualFold(s, "fedora") || strings.EqualFold(s, "debian")
}

func appendPackages(out []string, v any) []string {
	for _, x := range listOf(v) {
		name, _ := x.(string)
		if object, ok := x.(map[string]any); ok {
			for _, key := range []string{"package_name", "name"} {
				if s, ok := object[key].(string); ok && name == "" && ours(object["distro"]) {
					name = s
				}
			}
		}
		if name != "" && len(name) <= maxName && !strings.ContainsAny(name, " \n\t") {
			out = append(out, name)
		}
	}
	return out
}
