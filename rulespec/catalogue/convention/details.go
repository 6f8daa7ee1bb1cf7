package convention

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// detailKeys hold where and with what something happened.
var detailKeys = []string{"chroot", "arch", "architecture", "basearch", "stream", "release", "product_version",
	"distro", "branch", "target", "environment", "tier", "CI_tier", "testcase", "test_case", "label", "priority",
	"access_level", "flavor"}

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
		s, _ := r.first(key).(string)
		if _, known := resultWords[wordOf(s)]; !known && len(s) <= 40 && !strings.Contains(silent, " "+wordOf(s)+" ") {
			add(strings.ToLower(strings.ReplaceAll(s, "_", " ")))
		}
	}
	for _, key := range []string{"build_id", "version", "new_version"} {
		if key == "version" && strings.ContainsAny(r.name(), "0123456789") {
			continue
		}
		v := values.Plain(r.first(key))
		schema := key == "version" && strings.HasPrefix(v, "0.") && len(r.things) > 0
		if strings.Count(v, ".") > 0 && !schema {
			add(v)
		}
	}
	return strings.Join(out, ", ")
}

// hidden are fields that tell people nothing, or that are nobody's business.
func hidden(key string) bool {
	for _, part := range []string{"time", "token", "_at", "secret", "uuid", "password", "hash"} {
		if strings.Contains(strings.ToLower(key), part) {
			return true
		}
	}
	return false
}

// leftovers gives a few fields with their names, where nothing else could be said.
func (r *Reading) leftovers(said string) string {
	const most = 3
	var out []string
	isPlain := func(v any) bool {
		switch v := v.(type) {
		case string:
			return isName(v) && len(v) <= 60 && v[0] != '/'
		case json.Number:
			return len(v) <= 12
		}
		return false
	}
	for _, b := range slices.Backward(r.main) {
		for _, key := range values.FirstKeys(b, 20, isPlain) {
			if len(out) == most || key == "version" || strings.ContainsAny(key, " $") || hidden(key) {
				continue
			}
			if s := values.Line(values.Shown(b[key]), 50); s != "" && s != "0" && !strings.Contains(said, s) {
				out = append(out, strings.ToLower(strings.ReplaceAll(key, "_", " "))+" "+s)
			}
		}
	}
	if len(out) == 0 {
		return ""
	}
	return ": " + strings.Join(out, ", ")
}
