package convention

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// Objects gives stable keys of what the event is about, the most particular first: build/NVR, pull/APP/acme/tool/12. A
// number counts only with what it is the number of.
func (r *Reading) Objects() []string {
	if noun, object := r.ticketOf(); noun != "" {
		n := number(object, noun)
		if n == "" {
			n = number(r.main[len(r.main)-1], noun)
		}
		if n != "" && isCount(n) {
			parts := []string{objectKind(noun), r.app}
			if at := r.place(); at != "" {
				parts = append(parts, at)
			}
			return []string{strings.Join(append(parts, n), "/")}
		}
		return nil
	}
	for _, object := range r.about() {
		for _, key := range []string{"nvr", "rebuilt_nvr", "brew_build", "newnvr"} {
			if s, ok := object[key].(string); ok && isName(s) && strings.Count(s, "-") >= 2 {
				return []string{"build/" + s}
			}
		}
		if s := nameVersion(object); strings.Count(s, "-") >= 2 && object["release"] != nil && object["arch"] == nil {
			return []string{"build/" + s}
		}
		for _, key := range []string{"alias", "updateid", "update_id"} {
			if s, ok := object[key].(string); ok && isName(s) {
				return []string{"update/" + s}
			}
		}
	}
	return r.counted()
}

// counted gives the key of a thing that the topic names and that has an id of its own.
func (r *Reading) counted() []string {
	for _, noun := range slices.Backward(r.nouns) {
		k := singular(strings.ReplaceAll(noun, " ", "_"))
		if k == "comment" || k == "note" || k == "state" || k == "status" {
			continue
		}
		for _, object := range r.main {
			if id := keyText(object[k+"_id"]); id != "" {
				return []string{k + "/" + r.app + "/" + id}
			}
		}
		for _, t := range r.things {
			if t.key == keyOf(k) {
				if id := keyText(t.object["id"]); id != "" {
					return []string{k + "/" + r.app + "/" + id}
				}
			}
		}
	}
	if len(r.nouns) == 0 || len(r.main) == 0 {
		return nil
	}
	if id := keyText(r.first(r.app + "_id")); id != "" {
		return []string{r.app + "/" + id}
	}
	k := ""
	for _, noun := range r.nouns {
		if noun != "state" && noun != "status" {
			k = singular(strings.ReplaceAll(noun, " ", "_"))
		}
	}
	inner := r.main[len(r.main)-1]
	if id := keyText(inner["id"]); id != "" && k != "" && k != "comment" && k != "message" && k != "note" {
		return []string{k + "/" + r.app + "/" + id}
	}
	return nil
}

// keyText gives an id that can be part of a key.
func keyText(v any) string {
	switch v := v.(type) {
	case json.Number:
		return string(v)
	case string:
		if isName(v) && len(v) <= 100 && !strings.ContainsAny(v, " @") {
			return v
		}
	}
	return ""
}

func objectKind(noun string) string {
	switch keyOf(noun) {
	case "pullrequest", "mergerequest":
		return "pull"
	case "patchset":
		return "change"
	case "bug":
		return "ticket"
	}
	return strings.ReplaceAll(noun, " ", "_")
}

// keywords are the words of topics by which a message gets its keyword; the first that a topic has counts.
var keywords = []struct{ keyword, words string }{
	{"security", "advisory vulnerability vulnerabilities cve security secret dependabot scanning leak breach"},
	{"review", "pull-request mergerequest pullrequest review patchset changeset patch change-merged"},
	{"test", "test tests testcase check check-run ci qa waiver result results scan analysis rpmdiff tier1 comparison"},
	{"ticket", "issue issues ticket tickets bug bugs workitem milestone"},
	{"update", "update updates erratum errata"},
	{"discussion", "comment post topic message mail discussion chat meeting thread note announcement"},
	{"build", "build builds rebuild pipeline job workflow image package-build task koji brew copr obs"},
	{"release", "release releases version tag published compose"},
	{"commit", "push commit commits receive branch ref refs create delete repo"},
	{"membership", "group member membership user team star watch fork badge account role sponsor login"},
	{"infrastructure", "deploy deployment host server mirror alert playbook certificate service node outage key backup"},
}

// Keyword gives the word for the sort of message, "" where the topic has none.
func (r *Reading) Keyword() string {
	words := []string{r.app, r.last}
	for _, noun := range r.nouns {
		words = append(words, noun, singular(noun), strings.ReplaceAll(noun, " ", "-"))
		words = append(words, strings.FieldsFunc(noun, func(c rune) bool { return c == ' ' || c == '-' })...)
	}
	for _, k := range keywords {
		for _, w := range strings.Fields(k.words) {
			aVerb := w == r.last && len(r.nouns) > 0 && (w == "update" || w == "create" || w == "delete")
			if slices.Contains(words, w) && !aVerb {
				return k.keyword
			}
		}
	}
	return ""
}

// Packages collects the packages of the event.
func (r *Reading) Packages() []string {
	if len(r.main) == 0 {
		return nil
	}
	return values.Set(Packages(r.main[0]))
}
