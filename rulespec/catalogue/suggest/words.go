package suggest

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
)

// happened gives what a word of a topic says has happened: created for create and created, "" for a thing.
func happened(word string) string {
	if v, ok := convention.VerbOf(word); ok && !v.Thing {
		return v.Past
	}
	return ""
}

// byItself says whether that is what things do: nobody fails a job.
func byItself(word string) bool {
	v, ok := convention.VerbOf(word)
	return ok && v.ByItself
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
		_, verb := convention.VerbOf(part)
		return verb || slices.Contains(things, part)
	})
}

// parts divides a word of a topic as people read it: patchset and created in patchset-created and patchsetCreated.
func parts(word string) []string {
	var out []string
	for _, piece := range strings.FieldsFunc(word, func(r rune) bool { return r == '-' || r == '_' || r == ':' }) {
		for _, part := range convention.Camels(piece) {
			out = append(out, strings.ToLower(part))
		}
	}
	return out
}
