package config

import (
	"reflect"
	"slices"
	"strings"
)

// Reread reads the same file again, with the environment that f was read with.
func (f *File) Reread() (*File, error) {
	next, err := Read(f.name, nil)
	if next != nil {
		next.environ = f.environ
	}
	return next, err
}

// Changed names the keys whose values differ between the decoded sections of f and of next, such as "outbox.workers",
// and the sections that only one of them has. It gives names only: a value may be a secret.
func (f *File) Changed(next *File) []string {
	before, after := f.sections(), next.sections()
	var keys []string
	for _, s := range f.decoded {
		if now, ok := after[s.path]; ok {
			keys = append(keys, changedKeys(s.path, reflect.ValueOf(s.value), reflect.ValueOf(now))...)
		} else {
			keys = append(keys, s.path)
		}
	}
	for _, s := range next.decoded {
		if _, ok := before[s.path]; !ok {
			keys = append(keys, s.path)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (f *File) sections() map[string]any {
	sections := map[string]any{}
	for _, s := range f.decoded {
		sections[s.path] = s.value
	}
	return sections
}

// changedKeys compares two values of one type, key by key where they are structs.
func changedKeys(path string, a, b reflect.Value) []string {
	for a.Kind() == reflect.Pointer && b.Kind() == reflect.Pointer && !a.IsNil() && !b.IsNil() {
		a, b = a.Elem(), b.Elem()
	}
	if a.Kind() != reflect.Struct || a.Type() != b.Type() || readsItself(a.Type()) {
		if reflect.DeepEqual(a.Interface(), b.Interface()) {
			return nil
		}
		return []string{path}
	}
	var keys []string
	for i := range a.NumField() {
		field := a.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name != "" && name != "-" && field.IsExported() {
			keys = append(keys, changedKeys(path+"."+name, a.Field(i), b.Field(i))...)
		}
	}
	return keys
}
