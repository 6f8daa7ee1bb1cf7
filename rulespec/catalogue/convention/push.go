package convention

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// isPush says whether commits were pushed.
func (r *Reading) isPush() bool {
	if r.verb.past != "pushed" && r.verb.past != "received" {
		return false
	}
	return r.first("ref", "commits", "commit", "total_commits") != nil
}

// pushed says who pushed what where, or which branch or tag is gone or new.
func (r *Reading) pushed(who string) string {
	ref, kind := r.ref()
	at := r.place()
	none := func(v any) bool { s, _ := v.(string); return len(s) >= 7 && strings.Trim(s, "0") == "" }
	deleted := r.first("deleted") == any(true) || none(r.first("after"))
	switch {
	case deleted && ref != "":
		return withIn(who+" deleted the "+kind+" "+ref, at)
	case kind == "tag" && ref != "":
		return withIn(who+" pushed the tag "+ref, at)
	}
	commits, _ := r.first("commits").([]any)
	if commit := r.pushedCommit(); len(commits) == 0 && commit != nil {
		commits = []any{commit[0]}
		if ref == "" {
			ref = values.Plain(commit[0]["branch"])
		}
	}
	n := len(commits)
	total, _ := values.Integer(r.first("total_commits_count", "total_commits", "commits_total", "size"))
	n = max(n, total)
	s := who + " pushed "
	switch {
	case n > 0:
		s += text.Plural(n, "commit", "commits")
	case none(r.first("before")) && ref != "":
		return withIn(who+" created the "+kind+" "+ref, at)
	default:
		s += "commits"
	}
	if at != "" {
		s += " to " + at
	}
	if ref != "" {
		s += " (" + ref + ")"
	}
	for _, c := range []any{r.first("head_commit"), values.Item(commits, -1)} {
		if object, ok := c.(map[string]any); ok {
			if line := oneLine(object, []string{"summary", "title", "subject", "message", "comment"}); line != "" {
				return withText(s, line)
			}
		}
	}
	return s
}

// ref gives the branch or tag, and which of both it is.
func (r *Reading) ref() (name, kind string) {
	s := values.Plain(r.first("ref", "refname", "ref_name", "branch"))
	if object, ok := r.first("ref").(map[string]any); ok {
		s = values.Plain(first(object, "displayId", "name", "id"))
	}
	kind = "branch"
	if r.first("ref_type") == any("tag") || strings.HasPrefix(s, "refs/tags/") || slices.Contains(r.nouns, "tag") {
		kind = "tag"
	}
	s = strings.TrimPrefix(strings.TrimPrefix(s, "refs/heads/"), "refs/tags/")
	if !isName(s) {
		return "", kind
	}
	return s, kind
}
