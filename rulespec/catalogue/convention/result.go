package convention

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A Result is how something came out.
type Result struct {
	Words string // as a sentence says it after its subject: failed, is queued
	Level string // the severity: error, warning, debug; "" where it is no news
}

// The fields that say how something came out, the surest first.
var resultKeys = []string{"result", "outcome", "conclusion", "test_result", "overall_result", "build_result", "status",
	"state", "build_status", "state_name", "status_name", "new_state", "newstate", "new_status", "new", "to", "verdict",
	"phase", "resolution"}

// kojiStates are the numbers that Koji has for the states of a build.
var kojiStates = map[string]string{"0": "building", "1": "complete", "2": "deleted", "3": "failed", "4": "cancelled"}

// wordOf makes words for results comparable: TIMED-OUT, "timed out" and timedOut are timed_out.
func wordOf(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(c rune) bool { return strings.ContainsRune("_- .", c) }), "_")
	if s == strings.ToUpper(s) || !strings.ContainsAny(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		return strings.ToLower(s)
	}
	return strings.ToLower(strings.Join(Camels(strings.ReplaceAll(s, "_", "")), "_"))
}

// Result gives how it came out: what the body says, else the word of the topic. said says that a result was found.
func (r *Reading) Result() (res Result, said bool) {
	stated, said := r.statedResult()
	if said && stated.Level != "" && stated.Level != "debug" {
		return stated, true
	}
	if w := wordOf(r.last); r.verb.does == byItself || r.verb.past == "cancelled" {
		if topic, ok := resultWords[w]; ok && (topic.Level != "" || !said) && topic.Words != "" {
			return r.levelled(topic), true
		}
	}
	return stated, said
}

// statedResult reads the result that the body states.
func (r *Reading) statedResult() (Result, bool) {
	for _, o := range r.withResults() {
		for _, key := range resultKeys {
			v := o[key]
			if object, ok := v.(map[string]any); ok {
				v = object["name"]
			}
			s := ""
			switch v := v.(type) {
			case string:
				s = v
			case json.Number:
				if key == "new" && o["attribute"] == any("state") {
					s = kojiStates[string(v)]
				}
			}
			if s == "" || len(s) > 40 {
				continue
			}
			if res, ok := resultWords[wordOf(s)]; ok && res.Words != "" && !r.isTicketState(key, wordOf(s)) {
				return r.levelled(res), true
			}
		}
		if res, ok := flagged(o); ok {
			return res, true
		}
	}
	return Result{}, false
}

// flagged reads results that are true or false. A number is a count.
func flagged(o map[string]any) (Result, bool) {
	for _, key := range []string{"success", "succeeded", "passed", "successful"} {
		if ok, isBool := o[key].(bool); isBool && !ok {
			return resultWords["failed"], true
		} else if isBool {
			return resultWords[wordOf(key)], true
		}
	}
	for _, key := range []string{"failed", "failure", "error"} {
		if failed, isBool := o[key].(bool); isBool && failed {
			return resultWords["failed"], true
		}
	}
	return Result{}, false
}

// isTicketState reports words such as closed that an issue or a pull request has as its state: they are no result.
func (r *Reading) isTicketState(key, word string) bool {
	if key != "state" && key != "status" && key != "resolution" {
		return false
	}
	return slices.Contains([]string{"closed", "done", "fixed", "resolved", "pending", "up", "down", "info", "deleted",
		"published", "ok"}, word) && (r.numbered() || r.verb.does == byPeople)
}

// resultThings are things that come out in some way.
var resultThings = []string{"test", "run", "build", "job", "checkrun", "workflowrun", "checksuite", "deploymentstatus",
	"pipeline", "task", "artifact", "flag", "result"}

// withResults gives the objects whose results count: the event and the things in it that have one.
func (r *Reading) withResults() []map[string]any {
	var out []map[string]any
	for _, t := range r.things {
		if r.names(t.key) || slices.Contains(resultThings, t.key) && !r.numbered() {
			out = append(out, t.object)
		}
	}
	for _, b := range slices.Backward(r.main) {
		out = append(out, b)
	}
	return out
}

// levelled settles the level of an error: what broke is the reader's where it is a build or a test.
func (r *Reading) levelled(res Result) Result {
	if res.Level == "broken" {
		res.Level = Broken(r.nouns)
	}
	return res
}

// Broken gives how much it matters that something broke, by the nouns of a topic: what was built or tested is the
// reader's, and the machinery is not.
func Broken(nouns []string) string {
	theirs := []string{"build", "test", "job", "pipeline", "run", "deploy", "check", "update", "task"}
	for _, noun := range nouns {
		if slices.ContainsFunc(theirs, func(word string) bool { return strings.Contains(noun, word) }) {
			return "error"
		}
	}
	return "warning"
}

// alarms are words of a topic that tell of harm, whoever did it.
var alarms = map[string]string{"vulnerability": "error", "vulnerabilities": "error", "failed": "error",
	"failure": "error", "fail": "error", "broken": "error", "crash": "error", "crashed": "error", "error": "error",
	"rejected": "error", "reject": "error", "timeout": "error", "breach": "error", "leak": "error", "outage": "error",
	"security": "warning", "aborted": "warning", "abort": "warning", "denied": "warning", "cancel": "warning",
	"cancelled": "warning", "canceled": "warning", "down": "error", "alert": "warning", "expired": "warning", "unpushed": "warning"}

// harmless are verbs after which an alarm is over, or is only talked about.
var harmless = []string{"fixed", "resolved", "dismissed", "closed", "commented", "edited", "deleted", "withdrawn",
	"recovered", "assigned", "reviewed", "acknowledged", "labeled", "unassigned"}

// Severity gives the word for how much it matters, "" where nothing says so.
func (r *Reading) Severity() string {
	res, said := r.Result()
	if said && res.Level != "" && res.Level != "debug" {
		return res.Level
	}
	if !slices.Contains(harmless, r.verb.past) {
		for _, word := range append(slices.Clone(r.nouns), append([]string{r.last}, r.rest...)...) {
			if level := alarms[word]; level != "" && !(r.numbered() && level == "error" && word == "rejected") {
				return level
			}
		}
	}
	if said {
		return res.Level
	}
	if level := values.Plain(r.first("severity", "level")); level != "" {
		switch wordOf(level) {
		case "error", "warning", "debug":
			return wordOf(level)
		case "critical", "fatal", "alert", "emergency":
			return "error"
		}
	}
	switch r.last {
	case "queued", "pending", "running", "waiting", "scheduled", "ignored":
		return "debug"
	}
	return ""
}

// first gives the first of these fields of the event itself that has a value.
func (r *Reading) first(keys ...string) any {
	for _, b := range r.main {
		for _, key := range keys {
			if v := b[key]; v != nil && v != "" {
				return v
			}
		}
	}
	return nil
}
