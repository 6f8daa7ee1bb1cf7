package convention

import "strings"

// outcomes are words for results: how a sentence says them, the severity, and the words as wordOf gives them. The
// severity "broken" is settled by what broke. The table of severities in the manual says why.
var outcomes = []struct{ said, level, words string }{
	{"failed", "error", "failed failure fail fatal unsuccessful"},
	{"is failing", "error", "failing"},
	{"is broken", "error", "broken"},
	{"is unresolvable", "warning", "unresolvable"},
	{"failed with another", "error", "parallel_failed"},
	{"failed in part", "error", "partially_failed partial_failure"},
	{"failed to start", "error", "startup_failure"},
	{"is incomplete", "error", "incomplete"},
	{"timed out", "error", "timed_out timeout timeout_exceeded"},
	{"needs inspection", "warning", "needs_inspection"},
	{"crashed", "error", "crashed crash"},
	{"got worse", "error", "regression"},
	{"was rejected", "error", "rejected"},
	{"is unhealthy", "error", "unhealthy"},
	{"is down", "error", "down"},
	{"is critical", "error", "critical"},
	{"failed with an error", "broken", "error errored errors exception"},
	{"met an error of infrastructure", "warning", "infra_error infra_failure"},
	{"failed softly", "warning", "softfailed soft_failed"},
	{"was cancelled", "warning", "cancelled canceled user_cancelled user_canceled"},
	{"was aborted", "warning", "aborted abort"},
	{"was killed", "warning", "killed"},
	{"was interrupted", "warning", "interrupted"},
	{"was stopped", "warning", "stopped"},
	{"was denied", "warning", "denied"},
	{"is unstable", "warning", "unstable"},
	{"is degraded", "warning", "degraded"},
	{"expired", "warning", "expired"},
	{"needs an action", "warning", "action_required"},
	{"has warnings", "warning", "warning warnings"},
	{"was sent back for changes", "warning", "changes_requested"},
	{"passed", "", "pass passed"},
	{"passed with notes", "", "info"},
	{"succeeded", "", "success successful succeeded succeed built"},
	{"is ok", "", "ok"},
	{"is up", "", "up"},
	{"is healthy", "", "healthy"},
	{"recovered", "", "recovered"},
	{"completed", "", "complete completed"},
	{"finished", "", "finished"},
	{"is done", "", "done"},
	{"is closed", "", "closed"},
	{"is fixed", "", "fixed"},
	{"is published", "", "published"},
	{"ended neutrally", "debug", "neutral stale"},
	{"was skipped", "", "skipped skip"},
	{"was waived", "", "waived"},
	{"was deleted", "", "deleted"},
	{"started", "", "started"},
	{"is being built", "", "building"},
	{"is queued", "debug", "queued"},
	{"is pending", "debug", "pending"},
	{"is scheduled", "debug", "scheduled"},
	{"is waiting", "debug", "waiting"},
	{"is running", "debug", "running in_progress inprogress"},
	{"is ignored", "debug", "ignored"},
}

// silent are states that are no result.
const silent = " created open opened active new unknown "

var resultWords = func() map[string]Result {
	table := map[string]Result{}
	for _, o := range outcomes {
		for word := range strings.FieldsSeq(o.words) {
			table[word] = Result{o.said, o.level}
		}
	}
	return table
}()
