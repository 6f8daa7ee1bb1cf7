package convention

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A Reading is a message seen by convention. It is used by one goroutine.
type Reading struct {
	heading
	main    []map[string]any // the event itself: the body, and what it wraps
	things  []thing          // the objects in it, the most particular first
	where   []map[string]any // the repository or project
	plain   string           // the text of a body that is no object
	bridged bool             // another site's event, brought by a bridge that says who of us did it
}

// A thing is an object in the body under the name of its field, as keyOf gives it.
type thing struct {
	key    string
	object map[string]any
}

// wrappers are objects that senders put their whole body into, or what an event is about.
var wrappers = []string{"msg", "message", "body", "payload", "event", "data", "resource", "object_attributes", "info",
	"notification", "content", "action"}

// Read reads a message with the words of its topic.
func Read(words []string, body any) *Reading {
	object, isObject := body.(map[string]any)
	r := &Reading{heading: headingOf(cloudEvent(words, object))}
	if !isObject {
		r.plain = values.Line(values.Plain(body), maxTitle)
		return r
	}
	r.bridged = values.Bridged(object)
	r.main = unwrapped(object)
	r.readAction()
	r.findThings()
	return r
}

// unwrapped gives a body and what it wraps, the outermost first.
func unwrapped(body map[string]any) []map[string]any {
	const most = 5
	out := []map[string]any{body}
	for i := 0; i < len(out) && len(out) < most; i++ {
		for _, key := range wrappers {
			if inner := one(out[i][key]); inner != nil && !isText(inner) && len(out) < most {
				out = append(out, inner)
			}
		}
	}
	return out
}

// isText says whether an object is a text in several formats.
func isText(object map[string]any) bool {
	_, text := object["text"].(string)
	_, raw := object["raw"].(string)
	return text && len(object) <= 4 || raw
}

// actionKeys are the fields that say what happened where the topic does not.
var actionKeys = []string{"action", "event_action", "operation", "eventType", "event_type", "eventKey", "event_name",
	"event", "type", "change_type", "what"}

// readAction takes the verb from the body where the topic has none, or only a name that could be one.
func (r *Reading) readAction() {
	if r.verb.past != "" && !r.both || r.last == "update" && len(r.nouns) > 0 {
		return
	}
	for _, key := range actionKeys {
		for _, b := range slices.Backward(r.main) {
			s, _ := b[key].(string)
			if s == "" || len(s) > 60 || strings.ContainsAny(s, " \n[]{}()<>\"@") {
				continue
			}
			h := headingOf([]string{"", s})
			if h.verb.past == "" || h.both && len(h.nouns) == 0 && r.both {
				continue
			}
			if old, _ := verbOf(r.last); r.both && old.past != h.verb.past {
				r.nouns = append(slices.Clone(r.nouns), r.last)
			}
			for _, noun := range h.nouns {
				if !slices.Contains(r.nouns, noun) && key == "action" {
					r.nouns = append(slices.Clip(r.nouns), noun)
				}
			}
			r.verb, r.both, r.last = h.verb, false, h.last
			if key == "action" {
				r.rest = h.rest
			}
			return
		}
	}
}

// particular are the names of things, the most particular first: a comment on an issue of a repository.
var particular = []string{"comment", "note", "review", "run", "checkrun", "workflowjob", "workflowrun", "job",
	"pipeline", "checksuite", "test", "deploymentstatus", "deployment", "release", "pullrequest", "mergerequest",
	"issue", "ticket", "bug", "patchset", "change", "update", "patch", "advisory", "alert", "discussion", "topic", "page",
	"article", "post", "milestone", "label", "build", "artifact", "task", "package", "testcase", "commit", "headcommit",
	"new", "flag"}

// places are the names of what things are in.
var places = []string{"repo", "project", "parentproject"}

// notThings are objects that are not what happened: people, teams, the senders of the message, other events.
var notThings = append([]string{"contact", "ci", "sender", "user", "actor", "author", "owner", "organization", "org",
	"enterprise", "installation", "team", "assignee", "reporter", "committer", "creator", "pusher", "member", "uploader",
	"submitter", "changes", "meta", "links", "old", "previous", "before", "system", "pipeline", "assignedto", "qacontact",
	"createdby", "updatedby", "modifiedby", "by", "membercreator", "lastchangeuser", "pushedby", "requester", "account", "agent", "environment", "reactions", "base", "head", "source", "target",
	"webhookheaders"}, otherKeys()...)

func otherKeys() []string {
	var keys []string
	for _, name := range otherObjects {
		keys = append(keys, keyOf(name))
	}
	return keys
}

// findThings collects the objects of the event: those that the topic names, the last word first, then by particular,
// then the event itself, then the others.
func (r *Reading) findThings() {
	var found []thing
	for _, b := range slices.Backward(r.main) {
		for _, key := range values.FirstKeys(b, maxObjects, holdsOne) {
			object := one(b[key])
			if slices.Contains(wrappers, key) || isText(object) {
				continue // it is among the events themselves, or only a text
			}
			k := keyOf(key)
			if _, list := b[key].([]any); list {
				k = singular(k)
			}
			if slices.Contains(places, k) || k == "new" && (object["full_name"] != nil || object["slug"] != nil) {
				if len(r.where) < maxThings {
					r.where = append(r.where, object)
				}
				if !r.names(k) {
					continue
				}
			}
			found = append(found, thing{k, object})
		}
	}
	if r.both && slices.Contains([]string{"build", "test", "update", "release", "review", "patch", "report"}, r.last) &&
		slices.ContainsFunc(found, func(t thing) bool { return t.key == keyOf(r.last) }) {
		r.nouns, r.verb, r.both, r.last = append(slices.Clone(r.nouns), r.last), verb{}, false, "" // the name of a thing
	}
	slices.SortStableFunc(found, func(a, b thing) int { return r.rank(a.key) - r.rank(b.key) })
	for _, t := range found {
		if len(r.things) < maxThings && !slices.Contains(notThings, t.key) || r.names(t.key) {
			r.things = append(r.things, t)
		}
	}
	for _, t := range r.things[:min(len(r.things), 3)] { // a pull request knows its repository
		for _, key := range []string{"repository", "project", "repo", "toRef", "destination", "base", "target"} {
			if inner, ok := t.object[key].(map[string]any); ok {
				if within, ok := inner["repository"].(map[string]any); ok {
					inner = within
				} else if within, ok := inner["repo"].(map[string]any); ok {
					inner = within
				}
				r.where = append(r.where, inner)
			}
		}
	}
}

// rank orders things. Smaller is more particular.
func (r *Reading) rank(key string) int {
	for i, noun := range slices.Backward(r.nouns) {
		if k := keyOf(noun); k == key || singular(k) == key {
			return len(r.nouns) - i
		}
	}
	if i := slices.Index(particular, key); i >= 0 {
		return 100 + i
	}
	return 1000
}

// names says whether the topic names a thing of that key.
func (r *Reading) names(key string) bool { return r.rank(key) < 100 }

// holdsOne says whether a value is an object, or a list of one.
func holdsOne(v any) bool { return one(v) != nil }

func one(v any) map[string]any {
	if list, ok := v.([]any); ok && len(list) == 1 {
		v = list[0]
	}
	object, _ := v.(map[string]any)
	return object
}

// about gives the objects that say most of the event, the most particular first: the things that the topic names, the
// event itself, then the other things.
func (r *Reading) about() []map[string]any {
	var out, others []map[string]any
	for _, t := range r.things {
		switch {
		case slices.Contains(places, t.key) && !r.isLast(t.key): // only where it happened
		case r.names(t.key):
			out = append(out, t.object)
		default:
			others = append(others, t.object)
		}
	}
	for _, b := range slices.Backward(r.main) {
		out = append(out, b)
	}
	return append(out, others...)
}

// isLast says whether the last name in the topic is that of a key.
func (r *Reading) isLast(key string) bool {
	return len(r.nouns) > 0 && singular(keyOf(r.nouns[len(r.nouns)-1])) == key
}
