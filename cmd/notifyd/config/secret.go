package config

import (
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/internal/secret"
)

// noteSecretFile remembers a file that a secret was read from, for Exposed.
func (f *File) noteSecretFile(path string) {
	if !slices.Contains(f.secretFiles, path) {
		f.secretFiles = append(f.secretFiles, path)
	}
}

// Exposed returns a sentence for each file with secrets that every account of the machine may read: the configuration
// itself if a decoded section of it holds a secret, the files of key_file, and those
// whose paths a key with the tag secret:"file" gives. Call it after every section was
// decoded: only then is it complete.
func (f *File) Exposed() []string {
	files := slices.Clone(f.secretFiles)
	for _, s := range f.decoded {
		for _, name := range namedFiles(reflect.ValueOf(s.value)) {
			if !slices.Contains(files, name) {
				files = append(files, name)
			}
		}
	}
	for _, s := range f.decoded {
		if f.name != "" && holdsSecret(find(f.root, strings.Split(s.path, ".")), reflect.TypeOf(s.value)) {
			files = append([]string{f.name}, files...)
			break
		}
	}
	var found []string
	for _, name := range files {
		info, err := os.Stat(name)
		if err == nil && info.Mode().Perm()&0o004 != 0 {
			found = append(found, fmt.Sprintf("%s holds secrets and every account may read it (mode %04o); "+
				"expected 0640 or less: chmod o-rwx %s", name, info.Mode()&fs.ModePerm, name))
		}
	}
	return found
}

// holdsSecret reports whether a part of the file sets a secret by value.
func holdsSecret(node ast.Node, t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if node == nil || readsItself(t) {
		return false
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		m, ok := asMapping(node)
		if !ok {
			return false
		}
		return slices.ContainsFunc(m.Values, func(v *ast.MappingValueNode) bool {
			if t.Kind() == reflect.Map {
				return holdsSecret(v.Value, t.Elem())
			}
			field, ok := fieldFor(t, keyOf(v))
			return ok && (v.Value.Type() != ast.NullType && secret.Value(field, asWritten(v.Value).GetToken().Value) ||
				holdsSecret(v.Value, field.Type))
		})
	case reflect.Slice:
		list, ok := node.(*ast.SequenceNode)
		return ok && slices.ContainsFunc(list.Values, func(v ast.Node) bool { return holdsSecret(v, t.Elem()) })
	}
	return false
}

// namedFiles returns the values of all fields with the tag secret:"file".
func namedFiles(v reflect.Value) []string {
	var names []string
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			names = namedFiles(v.Elem())
		}
	case reflect.Struct:
		for field, value := range v.Fields() {
			if field.Tag.Get("secret") == "file" && value.Kind() == reflect.String && value.String() != "" {
				names = append(names, value.String())
			} else if field.IsExported() {
				names = append(names, namedFiles(value)...)
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			names = append(names, namedFiles(v.MapIndex(key))...)
		}
	case reflect.Slice:
		for i := range v.Len() {
			names = append(names, namedFiles(v.Index(i))...)
		}
	}
	slices.Sort(names)
	return names
}
