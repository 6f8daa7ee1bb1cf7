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
			if slices.Contains(noPackages, strings.ToLower(key)) {
				continue
			}
			if inner, ok := v[key].(map[string]any); ok {
				w.found = append(w.found, packagesByKey(key, inner)...)
			}
			w.in(v[key], depth+1)
		}
	}
}

// noPackages are objects with names and versions of what is no package: products, operating systems, images.
var noPackages = []string{"product", "products", "system", "contact", "ci", "pipeline", "meta", "changes", "headers",
	"dependency", "registry_package", "security_vulnerability", "security_advisory", "vulnerability", "lockfile"}

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
	for _, x := range values.List(object["components"]) { // those with capital letters are parts of a product
		if name, ok := x.(string); ok && name == strings.ToLower(name) {
			out = appendPackages(out, name)
		}
	}
	s := func(key string) string { x, _ := object[key].(string); return x }
	if kind := s("type"); strings.HasPrefix(kind, "product") || strings.HasSuffix(kind, "-module") ||
		strings.HasSuffix(kind, "-compose") || strings.HasSuffix(kind, "container-image") {
		return nil // an artifact that is no package
	}
	switch {
	case s("nvr") != "" && s("component") != "" && s("component") == strings.ToLower(s("component")):
		out = appendPackages(out, s("component"))
	case s("nvr") != "":
		out = appendPackages(out, values.PackageOf(s("nvr")))
	// With an architecture it is only a part.
	case s("name") != "" && s("version") != "" && s("release") != "" && s("arch") == "":
		out = appendPackages(out, object["name"])
	case object["nvr"] != nil && s("repo") != "" && (s("namespace") == "rpms" || values.IsPlaceholder(s("namespace"))):
		out = appendPackages(out, s("repo")) // a pipeline that has no build yet
	case s("namespace") == "rpms":
		out = appendPackages(out, object["name"])
	case s("Source") != "" && s("Version") != "": // Debian's fields
		out = appendPackages(out, object["Source"])
	case s("source") != "" && s("version") != "" && s("suite")+s("distribution") != "" &&
		!strings.Contains(s("source"), "/"):
		out = appendPackages(out, object["source"])
	}
	return out
}

// packagesByKey gives the package of a bug, and that of a commit to its sources.
func packagesByKey(key string, object map[string]any) []string {
	namespace, named := object["namespace"].(string)
	switch {
	case key == "bug" && ofDistribution(object["product"]):
		return appendPackages(nil, object["component"])
	case key == "commit" && (!named || namespace == "rpms"):
		return appendPackages(nil, object["repo"])
	}
	return nil
}

// ofDistribution reports whether the components of a product in Bugzilla are packages. Those of other products are
// "Documentation" and the like.
func ofDistribution(product any) bool {
	name := values.NameOf(product)
	for _, of := range []string{"Fedora", "EPEL", "Red Hat Enterprise Linux", "openSUSE", "SUSE", "Debian", "CentOS"} {
		if strings.Contains(name, of) {
			return true
		}
	}
	return name == ""
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
		if name != "" && len(name) <= values.MaxName && !strings.ContainsAny(name, " \n\t{}[]<>@\"") &&
			!values.IsPlaceholder(name) {
			out = append(out, name)
		}
	}
	return out
}
