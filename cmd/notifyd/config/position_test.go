package config_test

import (
	"errors"
	"strings"
	"testing"
)

// TestPositionsOfKeysWithDots: names of endpoints and patterns of topics have dots, which also part the keys of a path.
func TestPositionsOfKeysWithDots(t *testing.T) {
	f, _, err := read(t, "part:\n  by_name:\n    plain: a\n    org.*.git: b\n    app.app01: c\n")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"by_name.plain: bad":         ":3:5: part: by_name.plain: bad",
		"by_name.org.*.git: bad":     ":4:5: part: by_name.org.*.git: bad",
		"by_name.app.app01[0]: bad":  ":5:5: part: by_name.app.app01[0]: bad",
		"by_name.app.app02: missing": ":2:3: part: by_name.app.app02: missing",
	} {
		if got := f.InSection("part", errors.New(text)); !strings.HasSuffix(got.Error(), want) {
			t.Errorf("%s: %v, want …%s", text, got, want)
		}
	}
}
