package convention

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// Sentence says what happened. packages are those that the message is about.
func (r *Reading) Sentence(packages []string) string {
	s := r.said(packages)
	return values.WithoutDomains(s)
}

func (r *Reading) said(packages []string) string {
	if len(r.main) == 0 {
		return withText(r.head(), r.plain)
	}
	who := r.Who()
	switch {
	case r.talks() && who != "" && r.commented(who) != "":
		return r.commented(who)
	case r.isPush() && who != "":
		return r.pushed(who)
	case who != "" && r.verb.known && r.verb.does == byPeople && !r.isState() && r.thing() != "":
		return r.active(who)
	}
	return r.passive(who, packages)
}

// isState says whether the topic tells of a state: nobody changed that, the thing came to it.
func (r *Reading) isState() bool {
	return slices.Contains(r.nouns, "state") || slices.Contains(r.nouns, "status")
}

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
		if s := oneOf([]map[string]any{t.object}, []string{"title", "name", "fullname", "subject", "alias", "updateid"}); s != "" {
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
	if total, ok := values.Integer(r.first("total_commits_count", "total_commits", "commits_total", "size")); ok && total > n {
		n = total
	}
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
	if t := values.Plain(r.first("ref_type")); t == "tag" || strings.HasPrefix(s, "refs/tags/") || slices.Contains(r.nouns, "tag") {
		kind = "tag"
	}
	s = strings.TrimPrefix(strings.TrimPrefix(s, "refs/heads/"), "refs/tags/")
	if !isName(s) {
		return "", kind
	}
	return s, kind
}

// thing names what somebody did something to, with an article where it needs one; "" where it has no name.
func (r *Reading) thing() string {
	noun := r.noun()
	if t := r.ticket(); t != "" {
		more := r.beyondTicket()
		switch {
		case more == "" || slices.Contains([]string{"approved", "unapproved", "reviewed", "assigned", "unassigned"}, r.verb.past):
			return t
		case strings.HasSuffix(more, "patch set"):
			if n := number(r.thingOf("patchset"), "patch set"); n != "" {
				return "patch set " + n + " of " + t
			}
		}
		return "the " + more + " of " + t
	}
	if ref, kind := r.ref(); (noun == "" || noun == kind) && r.first("ref") != nil && ref != "" {
		return "the " + kind + " " + ref
	}
	if noun == "" {
		if name := values.Plain(r.first("title", "name")); isName(name) && (len(r.things) == 0 || r.first("title") != nil) {
			return name
		}
		return r.place()
	}
	if r.placeIs(noun) {
		return "the " + noun + " " + r.place()
	}
	if name := r.name(); name != "" {
		return "the " + noun + " " + name
	}
	if _, titled := r.first("title").(string); titled || r.id() == "" {
		return "the " + noun
	}
	return "the " + noun + " " + r.id()
}

// thingOf gives the object under a key, or nil.
func (r *Reading) thingOf(key string) map[string]any {
	for _, t := range r.things {
		if t.key == key {
			return t.object
		}
	}
	return nil
}

// beyondTicket gives the words of the topic after that for the thing with a number: the flag of a pull request.
func (r *Reading) beyondTicket() string {
	noun, _ := r.ticketOf()
	for i, n := range slices.Backward(r.nouns) {
		if singular(n) == noun {
			return strings.Join(r.nouns[i+1:], " ")
		}
	}
	return strings.Join(r.nouns, " ")
}

// placeIs says whether a noun is the repository itself.
func (r *Reading) placeIs(noun string) bool {
	return slices.Contains(places, keyOf(noun)) && r.place() != ""
}

// noun gives the words for the thing.
func (r *Reading) noun() string {
	nouns := slices.Clone(r.nouns)
	for i, n := range nouns {
		if n == "git" || n == "event" && len(nouns) > 1 && i > 0 {
			nouns[i] = ""
		}
		if len(nouns) == 1 || i == len(nouns)-1 {
			if s := singular(n); r.named(s) {
				nouns[i] = s
			}
		}
	}
	if len(nouns) > 1 && slices.Contains(places, keyOf(nouns[0])) && r.place() != "" {
		nouns[0] = "" // the sentence names the repository
	}
	nouns = slices.DeleteFunc(nouns, func(n string) bool {
		return n == "" || n == "recent change" || n == "state" || n == "status" && len(nouns) > 1
	})
	return strings.Join(nouns, " ")
}

func (r *Reading) named(noun string) bool {
	return slices.ContainsFunc(r.things, func(t thing) bool { return t.key == keyOf(noun) }) || r.numbered()
}

// prepositions are those of verbs that need one.
var prepositions = map[string]string{"commented": "on ", "replied": "to ", "voted": "on ", "reacted": "to ",
	"subscribed": "to ", "unsubscribed": "from ", "reported": "on "}

// active says who did what.
func (r *Reading) active(who string) string {
	past, thing := r.verb.past, r.thing()
	ticket := r.ticket()
	if ticket != "" && past == "created" {
		past = "opened"
	}
	if past == "synchronized" {
		past = "updated"
	}
	s := who + " " + past + " " + prepositions[past] + thing
	if to := called(r.first("assignee")); past == "assigned" && to != "" && ticket != "" {
		s += " to " + to
	}
	if len(r.rest) > 0 && r.rest[0] != "v2" {
		s += " " + strings.Join(r.rest, " ")
	}
	if at := r.place(); ticket == "" && at != "" && !strings.Contains(s, at) {
		s += " in " + at
	}
	if d := r.details(s); d != "" && ticket == "" {
		s += " (" + d + ")"
	}
	line := r.title()
	if line == "" && ticket == "" {
		line = r.text(r.main)
	}
	return withText(s, without(s, line))
}

// passive says what happened to what.
func (r *Reading) passive(who string, packages []string) string {
	s := r.head()
	name, of := r.name(), false
	if t := r.ticket(); t != "" {
		if name = t; !strings.Contains(t, "#") {
			noun, _ := r.ticketOf()
			s = strings.TrimSpace(strings.TrimSuffix(s, noun))
		}
	}
	at := r.place()
	if name == "" {
		switch {
		case len(packages) > 0:
			name = strings.Join(packages[:min(len(packages), 3)], ", ")
		case at != "" && r.made2(at):
			name = at
		case len(r.nouns) == 0:
			if name = values.Line(values.Plain(r.first("name", "title")), maxTitle); !isName(name) {
				name = ""
			}
		case r.id() != "":
			name = r.id()
		}
	}
	if name != "" && s != "" && !strings.Contains(s, name) {
		of = r.made2(name)
		switch {
		case of:
			s += " of " + name
		case len(r.noun()) > 0:
			s += " " + name
		}
	}
	res, said := r.Result()
	predicate := ""
	switch {
	case said:
		predicate = res.Words
	case r.verb.past != "":
		predicate = r.verb.past
		if r.verb.past == r.last || r.verb.known {
			predicate = strings.TrimSpace(r.verb.past + " " + strings.Join(r.rest, " "))
		}
	}
	its := said || r.verb.does == byItself
	its = its && (of || name != "" && strings.Contains(s, name))
	if who != "" && its {
		s += " by " + who
	}
	if predicate != "" {
		s += " " + predicate
	}
	if who != "" && !its {
		s += " by " + who
	}
	if !strings.Contains(s, name) {
		s += ": " + name
		name = ""
	}
	if at != "" && !strings.Contains(s, at) && !of {
		s += " in " + at
	}
	s += r.moved(said)
	if d := r.details(s); d != "" {
		s += " (" + d + ")"
	}
	line := r.title()
	if line == "" || strings.Contains(s, line) {
		line = r.text(r.main)
	}
	if s2 := without(s, line); s2 != "" {
		return withText(s, s2)
	}
	if s == r.head() {
		return s + r.leftovers()
	}
	return s
}

// moved says from what to what something changed.
func (r *Reading) moved(said bool) string {
	if said {
		return ""
	}
	to, from := values.Plain(r.first("to", "new", "new_state", "new_status", "state_name")), values.Plain(r.first("from", "old"))
	switch {
	case !isName(to) || len(to) > 40 || strings.ContainsAny(to, "/@") || isCount(to) || to == "0":
		return ""
	case isName(from) && len(from) <= 40:
		return " from " + from + " to " + to
	}
	return " to " + to
}

// made2 says whether a noun is made of what the name says: the build of tea-1.0.
func (r *Reading) made2(name string) bool {
	noun := r.noun()
	for _, n := range []string{"build", "test", "pipeline", "scan", "analysis", "rebuild", "comparison", "image", "upload", "check",
		"result", "decision"} {
		if strings.HasSuffix(noun, n) || strings.Contains(noun, n+" ") {
			return !isCount(name)
		}
	}
	return false
}

// head gives the words of the topic without the verb.
func (r *Reading) head() string {
	if len(r.main) == 0 {
		words := append([]string{r.app}, r.nouns...)
		if r.last != "" {
			words = append(words, r.verb.past)
		}
		return strings.Join(append(words, r.rest...), " ")
	}
	return strings.TrimSpace(r.appPart() + " " + r.noun())
}

// appPart gives the application where the sentence needs it to be understood.
func (r *Reading) appPart() string {
	if slices.Contains([]string{"ci", "git", "github", "gitlab", "umb"}, strings.ToLower(r.app)) && len(r.noun()) > 0 {
		return ""
	}
	return r.app
}

// detailKeys hold where and with what something happened.
var detailKeys = []string{"chroot", "arch", "architecture", "basearch", "stream", "release", "product_version", "distro",
	"branch", "target", "environment", "tier", "CI_tier", "testcase", "test_case", "label", "priority", "access_level", "flavor"}

// details gives a few words about where and with what.
func (r *Reading) details(said string) string {
	const most = 3
	var out []string
	add := func(s string) {
		s = values.Line(values.Shown(s), 50)
		if len(out) < most && isName(s) && !strings.Contains(said, s) && !slices.Contains(out, s) && !isCount(s) {
			out = append(out, s)
		}
	}
	if rest := strings.Join(r.rest, " "); rest != "" && !strings.Contains(said, rest) {
		add(rest)
	}
	for _, t := range r.things {
		if t.key == "test" || t.key == "testcase" {
			add(strings.Trim(values.Plain(t.object["namespace"])+"."+values.Plain(first(t.object, "type", "name")), "."))
		}
	}
	if ns := values.Plain(r.first("namespace")); isName(ns) && strings.Contains(ns, ".") {
		add(strings.Trim(ns+"."+values.Plain(r.first("type")), "."))
	}
	for _, object := range r.main {
		for _, key := range detailKeys {
			if v := values.Plain(object[key]); strings.Trim(v, "0123456789.") != "" {
				add(v)
			}
		}
	}
	for _, key := range []string{"result", "status", "state"} { // a word of the application's own
		if s, ok := r.first(key).(string); ok && len(s) <= 40 && resultWords[wordOf(s)] == (Result{}) && wordOf(s) != "unknown" {
			switch wordOf(s) {
			case "created", "open", "opened", "active", "new":
			default:
				add(strings.ToLower(strings.ReplaceAll(s, "_", " ")))
			}
		}
	}
	for _, key := range []string{"build_id", "version", "new_version"} {
		if key == "version" && strings.ContainsAny(r.name(), "0123456789") {
			continue
		}
		if v := values.Plain(r.first(key)); strings.Count(v, ".") > 0 && !(key == "version" && strings.HasPrefix(v, "0.") && len(r.things) > 0) {
			add(v)
		}
	}
	return strings.Join(out, ", ")
}

// leftovers gives a few fields with their names, where nothing else could be said.
func (r *Reading) leftovers() string {
	const most = 3
	var out []string
	isPlain := func(v any) bool {
		switch v := v.(type) {
		case string:
			return isName(v) && len(v) <= 60
		case json.Number:
			return len(v) <= 12
		}
		return false
	}
	for _, b := range slices.Backward(r.main) {
		for _, key := range values.FirstKeys(b, 20, isPlain) {
			if len(out) == most || strings.ContainsAny(key, " $") || strings.Contains(key, "time") || strings.Contains(key, "token") ||
				strings.HasSuffix(key, "_at") || key == "version" || strings.Contains(key, "secret") || strings.Contains(key, "uuid") {
				continue
			}
			if s := values.Line(values.Shown(b[key]), 50); s != "" && s != "0" {
				out = append(out, strings.ToLower(strings.ReplaceAll(key, "_", " "))+" "+s)
			}
		}
	}
	if len(out) == 0 {
		return ""
	}
	return ": " + strings.Join(out, ", ")
}

func withIn(s, at string) string {
	if at == "" || strings.Contains(s, at) {
		return s
	}
	return s + " of " + at
}

// withText gives a sentence with a text after a colon.
func withText(s, line string) string {
	if line == "" {
		return s
	}
	if s == "" {
		return line
	}
	return s + ": " + line
}

// without leaves out a text that the sentence has already.
func without(s, line string) string {
	if strings.Contains(s, line) {
		return ""
	}
	return line
}
