package convention

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// placeKeys are fields with the name of the place, the surest first.
var placeKeys = []string{"project_path_with_namespace", "repository", "repo", "repo_name", "repository_name", "project",
	"project_name", "server_name", "wiki"}

// place gives the name of the repository or project that it happened in.
func (r *Reading) place() string {
	for _, object := range r.where {
		if s := repository(object); s != "" && !strings.Contains(s, "@") {
			return s
		}
	}
	for _, object := range slices.Concat(r.main, r.objects()) {
		for _, key := range placeKeys {
			s, ok := object[key].(string)
			last := len(r.nouns) - 1
			if !ok || !isName(s) || strings.Contains(s, "@") || last >= 0 && keyOf(r.nouns[last]) == keyOf(key) {
				continue
			}
			namespace, ok := object["namespace"].(string)
			path := strings.Contains(namespace+s, "/") || strings.Contains(namespace, ".")
			if ok && isName(namespace) && !path && key != "wiki" && key != "server_name" {
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
	return s != "" && len(s) <= 120 && values.Plain(s) != "" && !strings.ContainsAny(s, "{}<>\n") &&
		values.Link(s) == "" && !values.IsUnnamed(s)
}
