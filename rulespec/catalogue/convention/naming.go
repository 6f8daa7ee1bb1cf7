package convention

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
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

// placeKeys are fields with the name of the place, the surest first.
var placeKeys = []string{"project_path_with_namespace", "repository", "repo", "repo_name", "repository_name", "project",
	"project_name", "server_name", "wiki"}

// place gives the name of the repository or project that it happened in.
func (r *Reading) place() string {
	for _, object := range r.where {
		if s := repository(object); s != "" {
			return s
		}
	}
	for _, object := range slices.Concat(r.main, r.objects()) {
		for _, key := range placeKeys {
			s, ok := object[key].(string)
			if !ok || !isName(s) || len(r.nouns) > 0 && keyOf(r.nouns[len(r.nouns)-1]) == keyOf(key) {
				continue
			}
			namespace, ok := object["namespace"].(string)
			if ok && isName(namespace) && !strings.Contains(namespace, ".") && !strings.Contains(s, "/") && key != "wiki" && key != "server_name" {
				return namespace + "/" + s
			}
			return s
		}
	}
	return ""
}

func (r *Reading) objects() []map[string]any {
	var out []map[string]any
	for _, t := range r.things {
		out = append(out, t.object)
	}
	return out
}

// repository gives the full name of a repository or project.
func repository(object map[string]any) string {
	for _, key := range []string{"full_name", "path_with_namespace", "fullname", "repo_name", "url_path"} {
		if s, ok := object[key].(string); ok && isName(s) {
			return s
		}
	}
	s := values.NameOf(first(object, "slug", "name"))
	if !isName(s) {
		return ""
	}
	project := values.NameOf(first(object, "namespace", "project", "owner"))
	if inner, ok := object["project"].(map[string]any); ok {
		project = values.Plain(first(inner, "key", "name"))
	}
	if isName(project) && !strings.ContainsAny(project, " ") && project != s && !strings.Contains(s, "/") {
		return strings.TrimPrefix(project, "~") + "/" + s
	}
	return s
}

func first(object map[string]any, keys ...string) any {
	for _, key := range keys {
		if v := object[key]; values.Plain(v) != "" {
			return v
		}
	}
	return nil
}

// isName says whether a text can be the name of a thing.
func isName(s string) bool {
	return s != "" && len(s) <= 120 && !values.IsPlaceholder(s) && !strings.ContainsAny(s, "{}<>\n") && values.Link(s) == "" &&
		!values.IsNobody(s)
}

// nameKeys hold the name of what an event is about, the surest first; numbers of builds and the like come last.
var nameKeys = []string{"nvr", "rebuilt_nvr", "brew_build", "tag_name", "item", "subject_identifier", "alias", "updateid",
	"nsvc", "srpm", "artifact_name", "display_name", "displayName"}

// idKeys hold a number or a key that people know a thing by, beside those made of its noun.
var idKeys = []string{"id", "number", "build_id", "buildid", "task_id", "job_id", "run_number", "errata_id",
	"target_build", "compose_id", "request_id", "build_number", "event_id", "iid"}

// name gives the name of what the event is about: an NVR, a name, name-version-release, a name with its build.
func (r *Reading) name() string {
	for _, object := range r.about() {
		for _, key := range nameKeys {
			if s := values.Plain(object[key]); isName(s) && object[key] != nil {
				return s
			}
		}
		if s := nameVersion(object); s != "" {
			return s
		}
	}
	if s := r.series(); s != "" {
		return s
	}
	if s := r.upperCase(); s != "" {
		return s
	}
	for i, noun := range slices.Backward(r.nouns) { // {"stream": "rawhide"}
		if noun == "state" || noun == "status" {
			continue
		}
		for _, object := range r.main {
			for _, key := range []string{strings.ReplaceAll(noun, " ", "_"), noun + "_name", singular(noun)} {
				if s, ok := object[key].(string); ok && isName(s) && (i == len(r.nouns)-1 || len(r.things) == 0) {
					return s
				}
			}
		}
	}
	for _, t := range r.things {
		if r.names(t.key) && !slices.Contains(places, t.key) {
			if s := values.Plain(first(t.object, "full_name", "path_with_namespace", "name", "title", "slug", "ref", "login")); isName(s) {
				return s
			}
		}
	}
	if len(r.nouns) > 0 {
		inner := r.main[len(r.main)-1]
		if s := values.Plain(first(inner, "path_with_namespace", "full_path", "component", "name")); isName(s) {
			return s
		}
	}
	return ""
}

// nameVersion gives name-version-release, or a name with its version.
func nameVersion(object map[string]any) string {
	s := func(key string) string {
		if v := values.Plain(object[key]); isName(v) && !strings.Contains(v, " ") {
			return v
		}
		return ""
	}
	name := ""
	for _, key := range []string{"name", "package_name", "package", "pkg", "component", "Source", "source_package", "rpm"} {
		if name = s(key); name != "" {
			break
		}
	}
	version, release := s("version"), s("release")
	if version == "" {
		version = s("Version")
	}
	switch {
	case name == "" || version == "" || version == name:
		return ""
	case strings.Contains(name, version):
		return name
	case release != "":
		return name + "-" + version + "-" + release
	case strings.Count(version, ".") == 2 && version[0] == '0' && s("component") == name:
		return "" // the version of a schema
	}
	return name + " " + version
}

// series gives the names of the builds of a group.
func (r *Reading) series() string {
	if !slices.ContainsFunc(r.nouns, func(n string) bool {
		return hasPart(n, "build") || hasPart(n, "test") || hasPart(n, "update") || hasPart(n, "group") || hasPart(n, "advisory")
	}) && len(r.nouns) > 0 {
		return ""
	}
	for _, object := range r.about() {
		for _, key := range []string{"builds", "nvrs", "artifacts", "products"} {
			if list, ok := object[key].([]any); ok && len(list) > 0 && len(list) <= values.MaxList {
				var names []any
				for _, x := range list[:min(len(list), 4)] {
					name := values.NameOf(x)
					if o, ok := x.(map[string]any); ok {
						name = values.Plain(first(o, "nvr", "rebuilt_nvr", "package_name"))
					}
					if isName(name) {
						names = append(names, name)
					}
				}
				if len(names) > 0 && len(list) <= 3 {
					return values.Plain(names)
				} else if len(names) > 0 {
					return values.Plain(names[0]) + " and others"
				}
			}
		}
	}
	return ""
}

// hasPart says whether a noun has a part of its name: brew-build-group.
func hasPart(noun, part string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(noun, func(c rune) bool { return c == '-' || c == ' ' }), func(p string) bool {
		return singular(p) == part
	})
}

// upperCase reads the fields of openQA: kde@64bit of the DVD, build 0091.
func (r *Reading) upperCase() string {
	for _, object := range r.main {
		s := func(key string) string {
			if v := values.Plain(object[key]); isName(v) {
				return v
			}
			return ""
		}
		test := s("TEST")
		if test == "" {
			continue
		}
		if m := s("MACHINE"); m != "" {
			test += "@" + m
		}
		var more []string
		for _, key := range []string{"DISTRI", "VERSION", "FLAVOR", "ARCH"} {
			if v := s(key); v != "" {
				more = append(more, v)
			}
		}
		if b := s("BUILD"); b != "" {
			more = append(more, "build "+b)
		}
		if len(more) > 0 {
			test += " (" + strings.Join(more, ", ") + ")"
		}
		return test
	}
	return ""
}

// id gives a number that the event's thing is known by, with no name.
func (r *Reading) id() string {
	for _, object := range r.about() {
		keys := idKeys
		for _, noun := range slices.Backward(r.nouns) {
			k := singular(strings.ReplaceAll(noun, " ", "_"))
			keys = append([]string{k + "_id", keyOf(k) + "Id", keyOf(k)}, keys...)
		}
		for _, key := range keys {
			v := object[key]
			if n, ok := v.(json.Number); ok && len(n) <= 12 && strings.Trim(string(n), "0123456789") == "" {
				return string(n)
			}
			if s, ok := v.(string); ok && len(s) <= 24 && isName(s) && strings.ContainsAny(s, "0123456789") &&
				!strings.ContainsAny(s, " /@") {
				return s
			}
		}
	}
	return ""
}

// titleKeys hold a line that says what the thing is about, and textKeys what somebody wrote.
var (
	titleKeys = []string{"title", "subject", "summary", "synopsis", "display_title", "headline", "message_title"}
	textKeys  = []string{"error_msg", "error_message", "state_reason", "reason", "message", "text", "comment", "content",
		"note", "description", "body", "announcement", "log", "details", "error"}
)

// title gives the title of the thing, "" where it has none.
func (r *Reading) title() string {
	for _, object := range r.about() {
		if s := oneLine(object, titleKeys); s != "" {
			return s
		}
	}
	for _, t := range r.things {
		if s := oneLine(t.object, []string{"title", "subject", "summary"}); s != "" {
			return s
		}
	}
	return ""
}

// text gives what somebody wrote, or what a service says itself.
func (r *Reading) text(objects []map[string]any) string {
	for _, object := range objects {
		if s := oneLine(object, textKeys); s != "" {
			return s
		}
	}
	return ""
}

// oneLine gives the first line of the first of these fields with a text.
func oneLine(object map[string]any, keys []string) string {
	for _, key := range keys {
		v := object[key]
		if inner, ok := v.(map[string]any); ok {
			if v = nil; isText(inner) {
				v = first(inner, "text", "raw", "markdown")
			}
		}
		s, _ := v.(string)
		s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
		if s = values.Line(values.Shown(s), maxTitle); s != "" && !values.IsPlaceholder(s) && values.Link(s) == "" &&
			!strings.HasPrefix(s, "{") && !strings.HasPrefix(s, "<") {
			return s
		}
	}
	return ""
}
