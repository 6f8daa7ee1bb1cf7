package convention

import (
	"slices"
	"strings"
)

// phases lead from what happened to where a thing stands after it. Other verbs say nothing about that.
var phases = map[string]string{
	"started": "started", "is running": "started", "is being built": "started", "is starting": "started",
	"resumed": "started", "restarted": "started",

	"finished": "finished", "completed": "finished", "ended": "finished", "concluded": "finished", "passed": "finished",
	"succeeded": "finished", "failed": "finished", "failed with an error": "finished", "timed out": "finished",
	"crashed": "finished", "aborted": "finished", "cancelled": "finished", "broke": "finished", "died": "finished",
	"errored": "finished", "stopped": "finished", "skipped": "finished",

	"closed": "solved", "resolved": "solved", "solved": "solved", "merged": "solved", "obsoleted": "solved",
	"fixed": "solved", "abandoned": "solved", "withdrawn": "solved", "recovered": "solved", "dismissed": "solved",
	"declined": "solved",

	"reopened": "reopened", "restored": "reopened", "reintroduced": "reopened",
}

// solvedStates are states of a ticket in which nothing is left to do.
var solvedStates = []string{"closed", "resolved", "solved", "merged", "fixed", "done", "obsolete", "withdrawn",
	"abandoned", "wontfix", "duplicate", "recovered", "verified"}

// PhaseOf gives where a thing stands, by the words of a topic or of the name of a kind: started, finished, solved,
// reopened; "" where they do not say.
func PhaseOf(words []string) string { return headingOf(words).phase() }

func (h heading) phase() string {
	if h.both && len(h.nouns) == 0 {
		return ""
	}
	return phases[h.verb.past]
}

// Phase gives where the thing stands after the message: by what happened, by how it came out, and for a ticket that was
// changed by its new state.
func (r *Reading) Phase() string {
	if phase := r.phase(); phase != "" && !r.talks() {
		return phase
	}
	if r.talks() {
		return ""
	}
	if r.numbered() {
		return r.newState()
	}
	result, said := r.Result()
	switch {
	case !said:
		return ""
	case phases[result.Words] != "":
		return phases[result.Words]
	case slices.Contains(outcomesOfEnd, result.Words) || strings.HasPrefix(result.Words, "failed"):
		return "finished"
	}
	return ""
}

// outcomesOfEnd are how something has come out that goes on no more.
var outcomesOfEnd = []string{"passed with notes", "is done", "was cancelled", "was aborted", "was killed",
	"was interrupted", "was stopped", "is incomplete", "was skipped", "ended neutrally", "needs inspection"}

// newState gives the phase of a ticket whose state was changed.
func (r *Reading) newState() string {
	if past := r.verb.past; past != "" && past != "changed" && past != "updated" && past != "moved" &&
		past != "transferred" && past != "set" {
		return ""
	}
	for _, key := range []string{"new_state", "new_status", "newstate", "newstatus", "to", "new", "resolution"} {
		if s, ok := r.first(key).(string); ok && len(s) <= 40 {
			switch word := wordOf(s); {
			case slices.Contains(solvedStates, word):
				return "solved"
			case word == "reopened":
				return "reopened"
			}
		}
	}
	return ""
}
