package convention

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// Actor gives the account of who did it, "" where nobody of us is named.
func (r *Reading) Actor(accounts *values.Accounts) string {
	p := people{accounts, r.bridged}
	for i, b := range r.main {
		for _, key := range r.actorFields() {
			if name := p.account(key, b[key], i == 0); name != "" {
				return values.Name(name)
			}
		}
	}
	for _, object := range r.made() {
		for _, key := range r.actorFields() {
			if name := p.account(key, object[key], false); name != "" {
				return values.Name(name)
			}
		}
	}
	if owner, ok := r.owner().(string); ok {
		return values.Name(p.account("owner", owner, !r.bridged))
	}
	return ""
}

// owner gives the owner of a build or a task: who started it.
func (r *Reading) owner() any {
	for _, noun := range r.nouns {
		if noun == "build" || noun == "task" || noun == "job" {
			return r.first("owner")
		}
	}
	return nil
}

// Who gives the name of who did it as a sentence says it: the account, or what the body calls them.
func (r *Reading) Who() string {
	for _, object := range slices.Concat(r.main, r.made()) {
		for _, key := range slices.Concat(r.actorFields(), []string{"user_name", "pusher_name", "author_name"}) {
			if s := called(object[key]); s != "" && !(key == "who" && strings.Contains(s, ".")) {
				return s
			}
		}
	}
	if owner, ok := r.owner().(string); ok {
		return called(owner)
	}
	return ""
}

// actorFields are the fields that can name who did it: who made a thing did not reject it.
func (r *Reading) actorFields() []string {
	if !slices.Contains(notByAuthor, r.verb.past) {
		return ActorFields
	}
	return slices.DeleteFunc(slices.Clone(ActorFields), func(key string) bool {
		return slices.Contains([]string{"uploader", "submitter", "author", "creator", "createdBy", "created_by", "requester"}, key)
	})
}

// made gives the thing that the event is the making of: its author is the actor.
func (r *Reading) made() []map[string]any {
	if commit := r.pushedCommit(); commit != nil {
		return commit
	}
	if t := r.edited(); t != nil {
		return t
	}
	for _, key := range []string{"journal", "article"} { // what was written with a change of a ticket
		if t := r.thingOf(key); t != nil && r.numbered() {
			return []map[string]any{t}
		}
	}
	switch r.verb.past {
	case "created", "opened", "submitted", "commented", "published", "pushed", "added", "uploaded", "":
	default:
		return nil
	}
	for _, t := range r.things {
		if r.names(t.key) {
			return []map[string]any{t.object}
		}
	}
	return nil
}

// edited gives what a thing that was changed says of who changed it.
func (r *Reading) edited() []map[string]any {
	if r.verb.past != "updated" && r.verb.past != "edited" && r.verb.past != "changed" {
		return nil
	}
	for _, t := range r.things {
		for _, key := range []string{"updated_by", "updatedBy", "modified_by", "changed_by"} {
			if v := t.object[key]; v != nil && r.names(t.key) {
				return []map[string]any{{key: v}}
			}
		}
	}
	return nil
}

// pushedCommit gives the one commit of a push.
func (r *Reading) pushedCommit() []map[string]any {
	if r.verb.past == "pushed" || r.verb.past == "received" {
		if commit, ok := r.first("commit").(map[string]any); ok {
			return []map[string]any{commit}
		}
	}
	return nil
}

// called gives the name in a value that names somebody, as a sentence says it.
func called(v any) string {
	s := values.Line((&values.Accounts{}).Person(v), 60)
	if object, ok := v.(map[string]any); ok && strings.ContainsAny(s, "/{}<>@\\") {
		s = values.Line(values.Shown(first(object, "displayName", "display_name", "name")), 60)
	}
	if values.IsUnnamed(s) || values.Plain(s) == "" || strings.ContainsAny(s, "/{}<>@") {
		return ""
	}
	return s
}

// Users collects the people in the fields of UserFields, at the top and one object down.
func (r *Reading) Users(accounts *values.Accounts) []string {
	if len(r.main) == 0 {
		return nil
	}
	p := people{accounts, r.bridged}
	left := maxPeople
	out := p.in(r.main[0], &left, true)
	for i, b := range r.main {
		if i > 0 {
			out = append(out, p.in(b, &left, false)...)
		}
		for _, key := range values.FirstKeys(b, maxObjects, isObject) {
			if !slices.Contains(otherObjects, key) && !slices.Contains(wrappers, key) && key != "extra" {
				out = append(out, p.in(b[key].(map[string]any), &left, false)...)
			}
		}
	}
	return out
}

// people reads who is named. The names inside of what a bridge brought are logins at another site.
type people struct {
	accounts *values.Accounts
	bridged  bool
}

// in collects the people in an object, and looks at no more than are left.
func (p people) in(object map[string]any, left *int, top bool) []string {
	var out []string
	for _, key := range UserFields {
		if _, has := object["user"].(map[string]any); has && (key == "username" || key == "nickname") {
			continue // a label: the user is an object
		}
		for _, x := range values.List(object[key]) {
			if *left--; *left < 0 {
				return out
			}
			if name := p.account(key, x, top); name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}

// spacedKeys are the fields whose names of accounts may have spaces in them.
var spacedKeys = []string{"user", "user_text", "username", "performer"}

// account gives the account in a value under a key: a text, or the name in an object.
func (p people) account(key string, v any, top bool) string {
	if s, isText := v.(string); v == nil || isText && (s == "" || len(s) > maxPerson) {
		return ""
	}
	name := ""
	foreign := p.bridged && !top || p.accounts.Told != nil && isObject(v)
	if foreign || isObject(v) {
		name = p.accounts.Login(v)
	}
	if name == "" && !foreign {
		name = p.accounts.Account(v)
	}
	switch {
	case len(name) > values.MaxName || strings.ContainsAny(name, "@/\n\t<>{}") || slices.Contains(nobody, name),
		values.Plain(name) == "":
		return ""
	case strings.Contains(name, " ") && (!slices.Contains(spacedKeys, key) || strings.Count(name, " ") > 3):
		return ""
	}
	return name
}
