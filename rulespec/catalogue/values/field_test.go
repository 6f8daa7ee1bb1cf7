package values

import "testing"

// TestFieldIsTolerant: the same step reads an object, the text that stands for it, and a list of one.
func TestFieldIsTolerant(t *testing.T) {
	for _, c := range []struct{ in, key, want string }{
		{`{"name": "bob"}`, "name", "bob"}, {`"bob"`, "name", "bob"}, {`"bob"`, "login", "bob"}, {`"bob"`, "title", "bob"},
		{`[{"name": "bob"}]`, "name", "bob"}, {`[{"name": "bob"}, {"name": "carol"}]`, "name", ""},
		{`["bob"]`, "name", "bob"}, {`["bob", "carol"]`, "name", ""}, {`[]`, "name", ""},
		{`"bob"`, "colour", ""}, {`"bob"`, "id", ""}, {`"17"`, "id", "17"}, {`17`, "id", "17"}, {`17`, "name", ""},
		{`""`, "name", ""}, {`null`, "name", ""}, {`true`, "name", ""}, {`["a", "b"]`, "1", "b"},
	} {
		if got := Text(Field(decoded(t, c.in), c.key)); got != c.want {
			t.Errorf("%s of %s: got %q, want %q", c.key, c.in, got, c.want)
		}
	}
}
