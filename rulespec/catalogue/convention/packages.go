package convention

import (
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// Packages collects the packages in a body: in the fields of PackageFields, and in objects with the fields of a build,
// a commit or a bug, a few objects down.
func Packages(body map[string]any) []string {
	return packagesIn(nil, body, 0)
}

func packagesIn(out []string, v any, depth int) []string {
	const deepest = 4
	if depth > deepest || len(out) > values.MaxSet {
		return out
	}
	switch v := v.(type) {
	case []any:
		for _, x := range v[:min(len(v), values.MaxList)] {
			if _, ok := x.(map[string]any); ok {
				out = packagesIn(out, x, depth)
			}
		}
	case map[string]any:
		out = append(out, packagesOf(v)...)
		for _, key := range values.Keys(v) {
			if inner, ok := v[key].(map[string]any); ok {
				out = append(out, packagesByKey(key, inner)...)
			}
			out = packagesIn(out, v[key], depth+1)
		}
	}
	return out
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
