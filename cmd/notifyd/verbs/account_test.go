package verbs

import (
	"maps"
	"strings"
	"testing"
)

// FuzzSubjects: whatever a file has, each subject of before has one of now, and no two the same.
func FuzzSubjects(f *testing.F) {
	for _, seed := range []string{"", "a b", "a b\nc d\n", "a b\na c", "a b\nc b", "a\n", "a b c", " a\tb \r\n\n", "\x00 \xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := subjects(text)
		if (err == nil) != (len(all) > 0) {
			t.Fatalf("%q: %v, %v", text, all, err)
		}
		now := map[string]bool{}
		var b strings.Builder
		for before, after := range all {
			if before == "" || after == "" || now[after] {
				t.Errorf("%q: %q becomes %q", text, before, after)
			}
			now[after] = true
			b.WriteString(before + " " + after + "\n")
		}
		if again, _ := subjects(b.String()); err == nil && !maps.Equal(all, again) {
			t.Errorf("%q: %v, and again %v", text, all, again)
		}
	})
}
