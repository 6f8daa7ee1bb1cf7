package bustest

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus"
)

// secretWords are those that make a key look like a secret.
var secretWords = []string{"token", "password", "secret", "key", "dsn", "cookie"}

var errLooked = errors.New("looked at the configuration only")

// CheckSecrets looks for fields of d's configuration that look like a secret and have neither the tag secret:"true",
// which masks them wherever the configuration is shown, nor public:"true".
func CheckSecrets(d bus.Driver) error {
	var errs []error
	_, err := d.Open(func(into any) error {
		errs = append(errs, unmarked(reflect.TypeOf(into), "", map[reflect.Type]bool{})...)
		return errLooked
	}, slog.New(slog.DiscardHandler))
	if !errors.Is(err, errLooked) {
		errs = append(errs, fmt.Errorf("Open = %v, want the error of decode", err))
	}
	return errors.Join(errs...)
}

// unmarked walks t for fields without a tag; path is where t stands.
func unmarked(t reflect.Type, path string, seen map[reflect.Type]bool) (errs []error) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return unmarked(t.Elem(), path, seen)
	case reflect.Struct:
	default:
		return nil
	}
	if seen[t] {
		return nil
	}
	seen[t] = true
	for f := range fields(t) {
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if key == "" {
			key = strings.ToLower(f.Name)
		}
		marked := f.Tag.Get("secret") == "true" || f.Tag.Get("public") == "true"
		if looksSecret(key) && !marked {
			errs = append(errs, fmt.Errorf(`%s%s looks like a secret; tag it secret:"true" or public:"true"`, path, key))
		}
		errs = append(errs, unmarked(f.Type, path+key+".", seen)...)
	}
	return errs
}

func fields(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && !yield(f) {
				return
			}
		}
	}
}

func looksSecret(key string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(key, func(r rune) bool { return r == '_' || r == '-' }),
		func(word string) bool { return slices.Contains(secretWords, word) })
}
