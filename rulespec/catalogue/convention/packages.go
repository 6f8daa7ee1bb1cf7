package convention

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// Packages collects the packages in a body: in the fields of PackageFields, and in objects with the fields of a build,
// a commit or a bug, a few objects down.
func Packages(body map[string]any) []string {
	w := packageWalk{left: maxWalk}
	w.in(body, 0)
	return w.found
}

// maxWalk is how many objects are looked at for packages.
const maxWalk = 1000

// A packageWalk looks for packages in a tree of objects and lists.
type packageWalk struct {
	found []string
	left  int // objects that may still be looked at
}

func (w *packageWalk) in(v any, depth int) {
	const deepest = 4
	if depth > deepest || len(w.found) > values.MaxSet {
		return
	}
	switch v := v.(type) {
	case []any:
		for _, x := range v[:min(len(v), values.MaxList)] {
			if isObject(x) {
				w.in(x, depth)
			}
		}
	case map[string]any:
		if w.left--; w.left < 0 {
			return
		}
		w.found = append(w.found, packagesOf(v)...)
		for _, key := range values.FirstKeys(v, maxObjects, hasObjects) {
			if inner, ok := v[key].(map[string]any); ok {
				w.found = append(w.found, packagesByKey(key, inner)...)
			}
			w.in(v[key], depth+1)
		}
	}
}

// hasObjects reports the values in which there may be packages.
func hasObjects(v any) bool {
	list, isList := v.([]any)
	return isList && slices.ContainsFunc(list[:min(len(list), values.MaxList)], isObject) || isObject(v)
}

// packagesOf gives the packages that an object itself names.
func packagesOf(object map[string]any) []string {
	var out []string
	for _, key := range PackageFields {
		if ours(object["distro"]) {
			out = appendPackages(out, object[key])
		}
	}
	s := func(key string) string { x, _ := object[key].(string); return x }
	switch {
	case s("nvr") != "":
		out = appendPackages(out, values.PackageOf(s("nvr")))
	// With an architecture it is only a part.
	case s("name") != "" && s("version") != "" && s("release") != "" && s("arch") == "":
		out = appendPackages(out, object["name"])
	case s("namespace") == "rpms":
		out = appendPackages(out, object["name"])
	case s("Source") != "" && s("Version") != "": // Debian's fields
		out = appendPackages(out, object["Source"])
	}
	return out
}

// packagesByKey gives the package of a bug, and that of a commit to its sources.
func packagesByKey(key string, object map[string]any) []string {
	namespace, named := object["namespace"].(string)
	switch {
	case key == "bug":
		return appendPackages(nil, object["component"])
	case key == "commit" && (!named || namespace == "rpms"):
		return appendPackages(nil, object["repo"])
	}
	return nil
}

// ours reports whether a distribution is one whose packages people here have. The others only share the upstream.
func ours(distro any) bool {
	s, ok := distro.(string)
	return !ok || strings.EqualFold(s, "fedora") || strings.EqualFold(s, "debian")
}

func appendPackages(out []string, v any) []string {
	for _, x := range values.List(v) {
		name, _ := x.(string)
		if object, ok := x.(map[string]any); ok {
			for _, key := range []string{"package_name", "name"} {
				if s, ok := object[key].(string); ok && name == "" && ours(object["distro"]) {
					name = s
				}
			}
		}
		if name != "" && len(name) <= values.MaxName && !strings.ContainsAny(name, " \n\t") {
			out = append(out, name)
		}
	}
	return out
}
