// Package convention finds by the names of fields what a message means: who did it, who else is involved, which
// packages it is about, and where a page about it is.
//
// Many services call the same things by the same names (agent, package, url), though nobody laid that down. The
// catalogue describes messages that no entry knows by these names, and drafts of entries begin with them. A guess must
// not be worse than none: names from parts of a body that belong to somebody else, such as the owner of a forge's
// repository, are left out, and so is a mail address or a login that no account is known for.
package convention

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// The names of fields that by convention hold the actor, the people involved, the packages, the link, and what a
// message is about. The first name that a body has counts for the actor, the link and the subject.
var (
	ActorFields = []string{"agent", "agent_name", "user", "username", "userid", "user_text", "actor",
		"sender_username", "sender", "author", "submitter", "pusher", "owner_name", "openid"}
	UserFields = []string{"agent", "agent_name", "user", "username", "userid", "user_text", "users", "usernames",
		"actor", "sender_username", "sender", "author", "owner", "submitter", "assignee", "assigned_to", "reporter",
		"pusher", "owner_name", "maintainer", "person", "nickname", "fas_username", "fas_name", "openid", "requester",
		"recipient"}
	PackageFields = []string{"package", "packages", "package_name", "pkg", "pkgname", "pkg_name", "rpm", "rpms",
		"source_package", "components"}
	LinkFields    = []string{"url", "link", "html_url", "full_url", "web_url", "permalink"}
	SubjectFields = []string{"title", "summary", "subject", "repository", "project", "nvr", "name", "group",
		"message", "description", "branch", "tag", "version", "action", "status", "state", "new", "result", "reason",
		"log"}
)

// otherObjects are objects in a body with people and names that have nothing to do with the event: the owner of a
// repository, the headers of an answer.
var otherObjects = []string{"project", "repository", "repo", "forkee", "parent", "headers", "trigger",
	"webhook_headers", "instance"}

// wrappers are objects that some senders put their whole body into once more.
var wrappers = []string{"msg", "message", "body"}

// nobody are accounts that stand for no person, beside what values.IsNobody knows.
var nobody = []string{"orphan", "nobody"}

// What is looked at of a body, which may hold far more than any service sends.
const (
	maxObjects = 200  // objects among the fields of one, the first by name
	maxPeople  = 2000 // people, named or not
	maxPerson  = 1024 // bytes of a text that may name one
)

func isObject(v any) bool { _, ok := v.(map[string]any); return ok }

// A Reader reads bodies. Accounts has the accounts that people know, by what else they are called.
type Reader struct{ Accounts map[string]string }

// Actor gives who did it, "" where nobody is named.
func (r Reader) Actor(body map[string]any) string {
	for _, b := range unwrapped(body) {
		for _, key := range ActorFields {
			if name := r.person(b[key]); name != "" {
				return values.Name(name)
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

// Users collects the people in the fields of UserFields, at the top and one object down. A body that is wrapped
// together with its agent came through a web hook: the names inside are those of another site.
func (r Reader) Users(body map[string]any) []string {
	_, hasAgent := body["agent"]
	_, hasBody := body["body"].(map[string]any)
	left := maxPeople
	out := r.people(body, &left)
	if hasAgent && hasBody {
		return out
	}
	for _, b := range unwrapped(body) {
		for _, key := range values.FirstKeys(b, maxObjects, isObject) {
			if inner := b[key].(map[string]any); !slices.Contains(otherObjects, key) {
				out = append(out, r.people(inner, &left)...)
			}
		}
	}
	return out
}

// people collects the people in an object, and looks at no more than are left.
func (r Reader) people(object map[string]any, left *int) []string {
	var out []string
	for _, key := range UserFields {
		for _, x := range values.List(object[key]) {
			if *left--; *left < 0 {
				return out
			}
			if name := r.person(x); name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}

// person gives the account in a value: a text, or the name in an object. A mail address that the accounts do not have
// is no account, and neither is a login at a forge.
func (r Reader) person(v any) string {
	switch v := v.(type) {
	case string:
		if len(v) > maxPerson {
			return ""
		}
		nick, _, _ := strings.Cut(values.Account(r.Accounts, v), ".id.")
		if nick == "" || len(nick) > values.MaxName || strings.ContainsAny(nick, "@/ \n\t") ||
			slices.Contains(nobody, nick) || len(values.People(r.Accounts, []string{nick})) == 0 {
			return ""
		}
		return nick
	case map[string]any:
		for _, key := range []string{"username", "name", "nick", "nickname"} {
			if s, ok := v[key].(string); ok && s != "" {
				return r.person(s)
			}
		}
		if login, ok := v["login"].(string); ok && strings.Contains(login, "@") {
			return r.person(login)
		}
	}
	return ""
}
