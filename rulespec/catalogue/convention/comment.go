package convention

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// commented says who wrote what on which thing; "" where the thing is not known.
func (r *Reading) commented(who string) string {
	on := r.ticket()
	if on == "" {
		on = r.parent()
	}
	if on == "" {
		return ""
	}
	var texts []map[string]any
	for _, t := range r.things {
		if t.key == "comment" || t.key == "note" || t.key == "reply" || t.key == "post" {
			texts = append(texts, t.object)
		}
	}
	words := oneOf(append(texts, r.main...), []string{"text", "body", "note", "content", "message", "comment"})
	switch r.verb.past {
	case "deleted", "removed":
		return who + " deleted a comment on " + on
	case "edited", "updated", "changed", "modified":
		return withText(who+" edited a comment on "+on, words)
	}
	return withText(who+" commented on "+on, words)
}

func oneOf(objects []map[string]any, keys []string) string {
	for _, object := range objects {
		if s := oneLine(object, keys); s != "" {
			return s
		}
	}
	return ""
}

// parent names what a comment is on where that has no number: a job, a page, a commit, a repository.
func (r *Reading) parent() string {
	for _, t := range r.things {
		if t.key == "comment" || t.key == "note" || slices.Contains(notThings, t.key) {
			continue
		}
		s := oneLine(t.object, []string{"title", "name", "fullname", "subject", "alias", "updateid"})
		if s != "" {
			return "the " + spaced(t.key) + " " + s
		}
		if n := number(t.object, t.key); n != "" {
			return spaced(t.key) + " " + n
		}
	}
	for _, key := range []string{"job_id", "build_id", "task_id", "issue_id", "bug_id"} {
		if s := values.Plain(r.first(key)); isName(s) {
			return strings.TrimSuffix(key, "_id") + " " + s
		}
	}
	for _, object := range slices.Concat(r.main, r.objects()) {
		if s, ok := first(object, "commit_id", "commit_hash", "commit").(string); ok && len(s) >= 7 && isName(s) {
			return withIn("commit "+s[:min(len(s), 8)], r.place())
		}
	}
	if title := r.title(); title != "" {
		return title
	}
	if len(r.nouns) > 1 { // a comment on what else the topic names
		if at := r.place(); at != "" {
			return at
		}
	}
	return r.place()
}

// spaced gives the words of a key.
func spaced(key string) string {
	for short, long := range compounds {
		if keyOf(long) == key && len(short) > 2 {
			return long
		}
	}
	return key
}

// ticket names the thing with a number: acme/tool#12, or the issue 12.
func (r *Reading) ticket() string {
	noun, object := r.ticketOf()
	if noun == "" {
		return ""
	}
	n := number(object, noun)
	if n == "" {
		n = number(r.main[len(r.main)-1], noun)
	}
	if at := r.place(); n != "" && at != "" && !strings.Contains(at, " ") && isCount(n) {
		return at + "#" + n
	} else if n != "" && isCount(n) {
		return noun + " " + n
	}
	return ""
}
