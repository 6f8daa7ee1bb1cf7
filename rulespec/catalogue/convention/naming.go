package convention

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// nameKeys hold the name of what an event is about, the surest first; numbers of builds and the like come last.
var nameKeys = []string{"nvr", "rebuilt_nvr", "brew_build", "tag_name", "item", "subject_identifier", "alias", "updateid",
	"nsvc", "monogram", "srpm", "artifact_name", "display_name", "displayName"}

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
	for _, object := range r.about() { // an object of Kubernetes
		if meta, ok := object["metadata"].(map[string]any); ok && isName(values.Plain(meta["name"])) {
			return values.Plain(meta["name"])
		}
	}
	for _, t := range r.things {
		if r.names(t.key) && !slices.Contains(places, t.key) {
			s := values.Plain(first(t.object, "full_name", "path_with_namespace", "name", "title", "slug", "ref", "login"))
			if isName(s) {
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
		return hasPart(n, "build", "test", "update", "group", "advisory")
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

// hasPart says whether a noun has one of these parts: brew-build-group.
func hasPart(noun string, parts ...string) bool {
	for _, p := range strings.FieldsFunc(noun, func(c rune) bool { return c == '-' || c == ' ' }) {
		if slices.Contains(parts, singular(p)) {
			return true
		}
	}
	return false
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
		if m := s("MACHINE"); m != "" && strings.Contains(m, ".") {
			test += " on " + m // with an @ it would look like an address
		} else if m != "" {
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
			if noun == "state" || noun == "status" {
				continue
			}
			k := singular(strings.ReplaceAll(noun, " ", "_"))
			keys = append([]string{k + "_id", keyOf(k) + "Id", keyOf(k)}, keys...)
		}
		if _, counted := object["ref"].(json.Number); counted {
			keys = append([]string{"ref"}, keys...)
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
