package convention

import (
	"slices"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// The fields that by convention say who is what to a thing.
var (
	authorFields = []string{"author", "creator", "reporter", "submitter", "created_by", "createdBy", "opened_by", "user",
		"requester", "reported_by"}
	assignedFields = []string{"assignee", "assignees", "assigned_to", "assigned", "assignedTo", "requested_reviewer",
		"requested_reviewers", "reviewers"}
	watcherFields = []string{"watchers", "cc", "ccs", "cc_list", "subscribers", "followers"}
	textFields    = []string{"body", "text", "note", "notes", "content", "description", "message", "comment", "raw"}
)

// The things that have an author, and what is said about them.
var (
	authored = []string{"issue", "pullrequest", "mergerequest", "ticket", "bug", "change", "update", "discussion",
		"topic", "build", "task", "workitem", "card", "request", "advisory", "report"}
	saidOn = []string{"comment", "note", "review", "reply", "post", "journal", "article"}
)

// freshVerbs are those after which the text of a thing itself is new.
var freshVerbs = []string{"created", "opened", "submitted", "filed", "reported", "published", "posted", "sent"}

// RolesOf gives by the names of fields who is what to the thing that a message is about, as accounts: author, assigned,
// mentioned, watchers. Roles that are not wanted are left out.
func RolesOf(words []string, body any, accounts *values.Accounts, wanted func(role string) bool) map[string][]string {
	found := map[string][]string{}
	object, ok := body.(map[string]any)
	if !ok || !wanted("author") && !wanted("assigned") && !wanted("mentioned") && !wanted("watchers") {
		return found
	}
	r := roles{people: people{accounts, values.Bridged(object)}, found: found, wanted: wanted}
	main := unwrapped(object)
	things := r.things(main)
	for _, thing := range things {
		r.add("author", thing, authorFields, false)
	}
	for i, b := range main {
		if len(things) == 0 {
			r.add("author", b, authorFields[:len(authorFields)-3], i == 0)
		}
		r.add("assigned", b, assignedFields, i == 0)
		r.add("watchers", b, watcherFields, i == 0)
	}
	for _, thing := range things {
		r.add("assigned", thing, assignedFields, false)
		r.add("watchers", thing, watcherFields, false)
	}
	if wanted("mentioned") {
		r.mentioned(words, main, things)
	}
	return found
}

type roles struct {
	people
	found  map[string][]string
	wanted func(string) bool
}

// add adds the people in some fields of an object.
func (r *roles) add(role string, object map[string]any, fields []string, top bool) {
	if !r.wanted(role) {
		return
	}
	for _, key := range fields {
		for _, x := range values.List(object[key]) {
			if name := r.account(key, x, top); name != "" && len(r.found[role]) < values.MaxSet {
				r.found[role] = append(r.found[role], name)
			}
		}
	}
}

// things gives the objects in the event that have an author.
func (r *roles) things(main []map[string]any) []map[string]any {
	return childrenOf(main, authored)
}

// childrenOf gives the objects in others whose key is one of some.
func childrenOf(main []map[string]any, keys []string) []map[string]any {
	var out []map[string]any
	for _, b := range main {
		for _, key := range values.FirstKeys(b, maxObjects, isObject) {
			if slices.Contains(keys, keyOf(key)) {
				out = append(out, b[key].(map[string]any))
			}
		}
	}
	return out
}

// mentioned reads the texts that are new in the event: what was said on a thing, or the thing's own where it was made.
func (r *roles) mentioned(words []string, main, things []map[string]any) {
	texts := childrenOf(main, saidOn)
	if len(texts) == 0 && r.fresh(words, main) {
		texts = things
	}
	if len(things) == 0 || len(texts) == 0 {
		texts = append(texts, main...)
	}
	for _, object := range texts {
		for _, key := range textFields {
			if text, ok := object[key].(string); ok && len(r.found["mentioned"]) < values.MaxSet {
				r.found["mentioned"] = AppendMentioned(r.found["mentioned"], text, r.accounts)
			}
		}
	}
}

// fresh reports whether the event is the making of its thing.
func (r *roles) fresh(words []string, main []map[string]any) bool {
	if slices.Contains(freshVerbs, headingOf(words).verb.past) {
		return true
	}
	for _, b := range main {
		action, _ := b["action"].(string)
		if v, ok := verbOf(wordOf(action[:min(len(action), maxMention)])); ok {
			return slices.Contains(freshVerbs, v.past)
		}
	}
	return false
}
