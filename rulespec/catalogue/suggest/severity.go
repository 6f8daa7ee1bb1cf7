package suggest

import (
	"slices"
	"strings"
)

// harms are the words of results and states by the severity they have for the reader: error is what is theirs and
// broken, warning what may need them, debug what is under way.
var harms = []struct {
	severity string
	words    []string
}{
	{"error", []string{"failed", "failure", "fail", "broken", "rejected", "crashed", "unresolvable", "failing"}},
	{"warning", []string{"error", "errored", "aborted", "cancelled", "canceled", "timeout", "timed_out", "unstable",
		"needs_inspection", "incomplete", "action_required", "changes_requested", "stale", "denied"}},
	{"debug", []string{"queued", "pending", "running", "started", "scheduled", "in_progress", "waiting", "building",
		"assigned", "skipped", "ignored", "init"}},
	{"info", []string{"success", "successful", "succeeded", "passed", "pass", "ok", "complete", "completed", "done",
		"finished", "fixed", "neutral", "softfailed", "succeed", "info"}},
}

// harmOf gives the severity that a word means, "" for none.
func harmOf(word string) string {
	word = strings.ToLower(word)
	for _, h := range harms {
		if slices.Contains(h.words, word) {
			return h.severity
		}
	}
	return ""
}

// resultFields are the names of fields that say how something came out, the clearest first.
var resultFields = []string{"result", "conclusion", "outcome", "status", "state", "build_status", "new_state", "new",
	"test_result", "verdict"}

// resultOf gives the field that says in most messages how something came out, nil for none.
func (f *fields) resultOf() *path {
	var best *path
	most, bestRank := 0, 0
	for _, p := range f.paths {
		rank := slices.Index(resultFields, p.key())
		if rank < 0 || p.list != "" {
			continue
		}
		rank += 20 * len(p.keys)
		n := 0
		for i := range f.messages {
			if harmOf(p.text(i)) != "" {
				n++
			}
		}
		if n > most || n == most && n > 0 && rank < bestRank {
			best, most, bestRank = p, n, rank
		}
	}
	return best
}

// numberedResult gives a field that has the name of a result, and only numbers; nil for none.
func (f *fields) numberedResult() *path {
	for _, p := range f.paths {
		if slices.Contains(resultFields, p.key()) && p.list == "" && len(p.keys) <= 2 && f.isNumber(p) {
			return p
		}
	}
	return nil
}

// resultWords gives the words that a field says, in small letters, sorted.
func (f *fields) resultWords(p *path) []string {
	var words []string
	for i := range f.messages {
		if word := strings.ToLower(p.text(i)); word != "" {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// topicHarm gives the severity that the words of a topic speak for, "" for none or the usual one.
func topicHarm(words []string) string {
	for _, word := range words {
		for _, part := range append([]string{word}, parts(word)...) {
			if harm := harmOf(part); harm != "" && harm != "info" {
				return harm
			}
		}
	}
	return ""
}
