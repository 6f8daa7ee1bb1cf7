package convention

import (
	"encoding/json"
	"slices"
	"strings"
)

// numberedNouns are things that people call by a number in what they are in: acme/tool#12.
var numberedNouns = []string{"issue", "pullrequest", "mergerequest", "ticket", "bug", "change", "discussion",
	"workitem"}

// ticketOf gives the thing with a number that the event is about, or on, and its noun.
func (r *Reading) ticketOf() (noun string, object map[string]any) {
	for _, noun := range slices.Backward(r.nouns) {
		k := singular(keyOf(noun))
		if !slices.Contains(numberedNouns, k) {
			continue
		}
		for _, t := range r.things {
			if t.key == k {
				return singular(noun), t.object
			}
		}
		if len(r.main) > 0 && !r.talks() {
			return singular(noun), r.main[len(r.main)-1]
		}
	}
	if r.talks() || slices.Contains(r.nouns, "review") || slices.Contains(r.nouns, "patch set") {
		for _, t := range r.things {
			if slices.Contains(numberedNouns, t.key) {
				return spaced(t.key), t.object
			}
		}
		for _, noun := range slices.Backward(r.nouns) {
			if len(r.main) > 0 && slices.Contains(numberedNouns, singular(keyOf(noun))) {
				return singular(noun), r.main[len(r.main)-1]
			}
		}
	}
	return "", nil
}

// numbered says whether the event is about a thing with a number.
func (r *Reading) numbered() bool {
	noun, _ := r.ticketOf()
	return noun != ""
}

// talks says whether the event is a comment.
func (r *Reading) talks() bool {
	if r.verb.past == "published" { // a page of notes
		return false
	}
	return r.verb.past == "commented" || slices.ContainsFunc(r.nouns, func(n string) bool {
		n = singular(n)
		return n == "comment" || n == "note" || n == "reply"
	})
}

// number gives the number of a thing: "" where it has none that a person would say.
func number(object map[string]any, noun string) string {
	key := keyOf(noun)
	for _, k := range []string{"number", "iid", "displayId", "display_id", key + "_id", "pull_request_id", "pullRequestId",
		"issue_id", "bug_id", "ticket_id", "id"} {
		switch v := object[k].(type) {
		case json.Number:
			if isCount(string(v)) {
				return string(v)
			}
		case string:
			if isCount(v) || (k == "displayId" || k == "display_id") && len(v) < 20 && !strings.ContainsAny(v, " /{") {
				return v
			}
		}
	}
	return ""
}

// isCount says whether a text is a number that people can say: digits, not too many.
func isCount(s string) bool {
	return s != "" && len(s) <= 10 && strings.Trim(s, "0123456789") == "" && strings.Trim(s, "0") != ""
}
