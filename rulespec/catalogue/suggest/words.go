package suggest

import (
	"slices"
	"strings"
	"unicode"
)

// irregular are words of events that do not end in -ed, and what happened then.
var irregular = map[string]string{
	"create": "created", "delete": "deleted", "update": "updated", "push": "pushed", "fork": "forked",
	"publish": "published", "open": "opened", "close": "closed", "merge": "merged", "add": "added", "remove": "removed",
	"start": "started", "finish": "finished", "complete": "completed", "end": "ended", "fail": "failed",
	"restart": "restarted", "cancel": "cancelled", "edit": "edited", "upload": "uploaded", "rename": "renamed",
	"move": "moved", "change": "changed", "join": "joined", "leave": "left", "request": "requested",
	"comment": "commented", "approve": "approved", "reject": "rejected", "assign": "assigned", "schedule": "scheduled",
	"trigger": "triggered", "import": "imported", "register": "registered", "sync": "synced", "star": "starred",
	"reopen": "reopened", "abort": "aborted", "retry": "retried", "submit": "submitted", "post": "posted",
	"done": "done", "sent": "sent", "lent": "lent", "built": "built", "begun": "begun", "lost": "lost",
	"found": "found", "set": "set", "new": "new", "out": "out",
}

// happened gives what a word of a topic says has happened: created for create and created, "" for a thing.
func happened(word string) string {
	if past, ok := irregular[word]; ok {
		return past
	}
	if len(word) > 4 && strings.HasSuffix(word, "ed") && !slices.Contains([]string{"speed", "embed", "shared"}, word) {
		return word
	}
	return ""
}

// things are words of topics that name what an event is about. A list of such words is one of events, not of names that
// people have made up.
var things = []string{"issue", "issues", "comment", "comments", "pull", "merge", "request", "review", "push", "tag",
	"branch", "release", "repository", "project", "package", "build", "job", "task", "test", "user", "group", "member",
	"team", "wiki", "page", "bug", "ticket", "change", "commit", "status", "state", "deployment", "pipeline", "workflow",
	"check", "run", "alert", "update", "event", "patchset", "ref", "star", "watch", "fork", "topic", "milestone",
	"label", "key", "hook", "receive", "compose", "image", "message", "mail", "error", "warning", "queue", "host",
	"stop", "start", "reviewer", "assignee", "note", "snippet", "discussion", "vote", "title", "hashtags", "file"}

// isEvent says whether a word, or a part of one, is a word that programmers call events by.
func isEvent(word string) bool {
	return slices.ContainsFunc(parts(word), func(part string) bool {
		return happened(part) != "" || slices.Contains(things, part)
	})
}

// parts divides a word of a topic as people read it: patchset and created in patchset-created and patchsetCreated.
func parts(word string) []string {
	var out []string
	for _, piece := range strings.FieldsFunc(word, func(r rune) bool { return r == '-' || r == '_' || r == ':' }) {
		start := 0
		for i, r := range piece {
			if i > start && unicode.IsUpper(r) && !unicode.IsUpper(rune(piece[i-1])) {
				out = append(out, strings.ToLower(piece[start:i]))
				start = i
			}
		}
		out = append(out, strings.ToLower(piece[start:]))
	}
	return out
}

// keywords are the words that speak for a keyword, keyword by keyword; the first that fits counts.
var keywords = []struct {
	keyword string
	words   []string
}{
	{"security", []string{"security", "advisory", "vulnerability", "cve", "leak"}},
	{"test", []string{"test", "tests", "ci", "check", "checks", "scan", "testing", "qa", "gating", "lint"}},
	{"review", []string{"pull", "merge", "review", "reviewer", "patchset", "pr", "mr", "pullrequest", "patch"}},
	{"build", []string{"build", "builds", "buildsys", "buildtask", "rebuild", "pipeline", "workflow"}},
	{"update", []string{"update", "updates", "erratum", "errata", "stable"}},
	{"ticket", []string{"issue", "issues", "bug", "bugs", "ticket", "tickets", "incident"}},
	{"release", []string{"release", "releases", "compose", "version", "tag", "upload", "artifact", "publish", "image"}},
	{"commit", []string{"push", "commit", "commits", "receive", "ref", "refs", "branch", "git"}},
	{"membership", []string{"group", "groups", "member", "members", "user", "users", "account", "star", "watch", "fork",
		"team", "badge", "follow"}},
	{"discussion", []string{"mail", "mails", "comment", "comments", "topic", "post", "chat", "meeting", "discussion",
		"thread", "forum", "news"}},
	{"infrastructure", []string{"deploy", "deployment", "host", "playbook", "mirror", "server", "outage", "backup",
		"monitor", "disk"}},
}

// keywordOf gives the keyword of a kind by the words of its topic, the last first; "" where none says.
func keywordOf(words []string) string {
	for _, k := range keywords {
		for _, word := range words {
			if slices.ContainsFunc(parts(word), func(part string) bool { return slices.Contains(k.words, part) }) {
				return k.keyword
			}
		}
	}
	return ""
}
