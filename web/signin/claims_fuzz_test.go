package signin

import (
	"slices"
	"testing"
	"unicode/utf8"
)

// Whatever a provider writes, what is taken of it is short, in lines of text, sorted and without repeats.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{`{"groups": ["b", "/a", {"name": "c"}], "name": "alice"}`, `{"groups": "a"}`,
		`{"groups": null, "_claim_names": {"groups": "s"}}`, `{"a": {"b.c": {"d": [1, true]}}}`, `{"name": 1e999}`, `[]`, `{`,
		`{"groups": [[["a"]]], "name": "\u202ealice\n"}`} {
		f.Add([]byte(seed), "groups")
	}
	f.Add([]byte(`{"a": {"b": "c"}}`), "a.b")
	f.Fuzz(func(t *testing.T, content []byte, name string) {
		c, err := readClaims(withoutSources(content))
		if err != nil {
			return
		}
		groups, known := c.groups(name)
		if !known && groups != nil || !slices.IsSorted(groups) || len(slices.Compact(slices.Clone(groups))) != len(groups) {
			t.Errorf("%v, %v", groups, known)
		}
		for _, s := range append(groups, c.word(name)) {
			if len(s) > claimMost || !utf8.ValidString(s) {
				t.Errorf("took %q", s)
			}
		}
		has, there := c.has(name, "x")
		if has && !there {
			t.Error("it has what is not there")
		}
		c.time(name)
		c.fill(claims{"sub": "x"})
	})
}
