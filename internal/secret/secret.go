// Package secret knows which fields of a configuration hold secrets, so that they are masked wherever a configuration
// is shown, and can be read from files of their own.
//
// It fails closed. A field is a secret where its tag says so, secret:"true". It is none where the tag says "false", or
// "file": then it is the path of a file with secrets, such as a keytab, and `config check` looks at who may read that.
// Without a tag its name decides, so that a secret whose author did not think of the tag is masked all the same. Every
// field whose name decides should have a tag: the tests of bus/all and backends/all call Unmarked.
package secret

import (
	"reflect"
	"slices"
	"strings"
)

// words end the names of keys that hold secrets: api_key, access_tokens, authcookie.
var words = []string{"token", "password", "passwd", "passphrase", "secret", "key", "dsn", "cookie", "credential"}

// Value reports whether a value of a field is a secret. It is, if the field is one (see Field), except for nothing, and
// for a DSN that is no URL: the path of an SQLite file.
func Value(f reflect.StructField, value string) bool {
	path := strings.HasSuffix(key(f), "dsn") && !strings.Contains(value, "://")
	return Field(f) && value != "" && !path
}

// Field reports whether a field holds a secret.
func Field(f reflect.StructField) bool {
	if tag, ok := f.Tag.Lookup("secret"); ok {
		return tag != "false" && tag != "file"
	}
	return looks(key(f))
}

// key is the name of a field in YAML; without a tag the reader makes it of the field's name.
func key(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if name == "" {
		name = f.Name
	}
	return strings.ToLower(name)
}

func looks(key string) bool {
	for word := range strings.SplitSeq(key, "_") {
		if slices.ContainsFunc(words, func(w string) bool {
			return strings.HasSuffix(word, w) || strings.HasSuffix(word, w+"s")
		}) {
			return true
		}
	}
	return false
}

// Unmarked gives the paths of all keys in the configuration v that look like a secret and have no tag secret, in the
// form peers.token. It looks into pointers, lists, maps and structs.
func Unmarked(v any) []string {
	var paths []string
	walk(reflect.TypeOf(v), "", nil, &paths)
	return paths
}

func walk(t reflect.Type, path string, above []reflect.Type, paths *[]string) {
	if t == nil {
		return
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		walk(t.Elem(), path, above, paths)
		return
	case reflect.Struct:
	default:
		return
	}
	if slices.Contains(above, t) {
		return // a struct that holds itself
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		if _, marked := f.Tag.Lookup("secret"); !marked && looks(key(f)) {
			*paths = append(*paths, path+key(f))
		}
		walk(f.Type, path+key(f)+".", append(above, t), paths)
	}
}
