package values

import (
	"encoding/json"
	"strings"
	"testing"
)

// decoded gives the value of a JSON text.
func decoded(t *testing.T, s string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return v
}

func TestShown(t *testing.T) {
	for in, want := range map[string]string{
		`"tea"`: "tea", `" tea "`: " tea ", `42`: "42", `1.50`: "1.50", `true`: "true", `0`: "0",
		`null`: "", `""`: "", `"  "`: "", `[]`: "", `{}`: "", `[null, "", {}]`: "",
		`"null"`: "", `"None"`: "", `"undefined"`: "", `"[]"`: "", `"{}"`: "", `" None "`: "", `"<nil>"`: "",
		`"=?utf-8?q?Hei=C3=9Fer_Tee?= is cold"`: "Heißer Tee is cold", `"=?x?= 1"`: "=?x?= 1",
		`"none"`: "none", `"nullius"`: "nullius", `"Nil desperandum"`: "Nil desperandum",

		`["b", "a"]`: "b and a", `["a", "b", "c", "b"]`: "a, b and c", `[1, 2]`: "1 and 2",
		`["a", null, "null", "b"]`:                                    "a and b",
		`[["a", "b"], "c"]`:                                           "a and b and c",
		`["1","2","3","4","5","6","7","8","9","10","11"]`:             "1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 1 other",
		`[{"name": "tea"}, {"name": "kelp"}, {"size": 1.5, "to": 3}]`: "tea and kelp",

		`{"name": "tea"}`: "tea", `{"id": 7, "name": "tea"}`: "tea", `{"id": 7, "name": null, "login": "bob"}`: "bob",
		`{"full_name": "acme/tea", "name": "tea"}`:           "acme/tea",
		`{"path_with_namespace": "acme/tea", "name": "Tea"}`: "acme/tea",
		`{"full_name": "", "name": "tea"}`:                   "tea",
		`{"name": {"name": "tea"}}`:                          "tea",
		`{"project": {"name": "tea"}}`:                       "tea",
		`{"a": {"b": {"c": {"d": "tea"}}}}`:                  "",
		`{"a": {"b": "tea"}}`:                                "tea",
		`{"a": true}`:                                        "",
		`{"name": true, "title": "tea"}`:                     "tea",
		`{"size": 3, "colour": "red"}`:                       "",
		`{"id": 7, "size": 3}`:                               "7",
		`"{\"name\": \"tea\", \"size\": 3}"`:                 "tea",
		`"[\"tea\", \"kelp\"]"`:                              "tea and kelp",
		`"{\"size\": 3, \"colour\": 4}"`:                     "",
		`"{'name': 'tea'}"`:                                  "",
		`"[u'tea', u'kelp']"`:                                "",
		`"map[name:tea]"`:                                    "",
		`"&{tea 1}"`:                                         "",
		`"{tea} and [kelp]"`:                                 "{tea} and [kelp]",
		`"[kelp] tea"`:                                       "[kelp] tea",
		`"[kelp]"`:                                           "[kelp]",
		`"map[string]int is slow"`:                           "map[string]int is slow",
		`{"username": "bob", "email": "bob@example.org"}`:    "bob",
		`{"email": "bob@example.org"}`:                       "bob",
		`["bob@example.org", "carol@example.org"]`:           "bob and carol",
	} {
		if got := Shown(decoded(t, in)); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
	if got := Shown(map[string]string{"a": "b"}); got != "" {
		t.Errorf("a table is shown: %q", got)
	}
	if got := Shown(3); got != "3" {
		t.Errorf("3 is shown as %q", got)
	}
}

func TestShownIsBounded(t *testing.T) {
	deep := any("x")
	for range 5000 {
		deep = map[string]any{"name": deep}
	}
	wide := make([]any, 100000)
	for i := range wide {
		wide[i] = strings.Repeat("x", i%100+1)
	}
	for _, v := range []any{deep, wide, strings.Repeat("[", 10000), strings.Repeat("[", 8000) + strings.Repeat("]", 8000),
		strings.Repeat("@", 100000), strings.Repeat("a@b.org", 20000), strings.Repeat("x", 1<<20)} {
		if got := Shown(v); len(got) > MaxText {
			t.Errorf("%d bytes", len(got))
		}
	}
}

func TestNameOf(t *testing.T) {
	for in, want := range map[string]string{
		`"tea"`: "tea", `["tea", "kelp"]`: "tea", `[null, {"name": "kelp"}]`: "kelp", `{"title": "Tea"}`: "Tea",
		`{"nvr": "tea-1-2", "id": 3}`: "tea-1-2", `null`: "", `"None"`: "", `12`: "12",
	} {
		if got := NameOf(decoded(t, in)); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

func TestWithoutDomains(t *testing.T) {
	for in, want := range map[string]string{
		"bob@example.org":                                      "bob",
		"from bob@example.org.":                                "from bob.",
		"(bob@example.org)":                                    "(bob)",
		"<bob@example.org>":                                    "bob",
		"Bob B <bob@example.org>":                              "Bob B",
		"bob <bob@example.org>":                                "bob",
		`"B, Bob" <bob@example.org>`:                           `"B, Bob"`,
		"Bob B <bob@example.org>, Alice A <alice@example.org>": "Bob B, Alice A",
		"mail to <bob@example.org> bounced":                    "mail to bob bounced",
		"mailto:bob@example.org":                               "bob",
		"bob@example.org,alice@example.org":                    "bob,alice",
		"bob+tea@mail.example.co.uk!":                          "bob+tea!",
		"bob@example.org: a talk":                              "bob: a talk",
		"bob@EXAMPLE.ORG":                                      "bob",
		"host/tea.example.org@EXAMPLE.ORG":                     "host/tea.example.org",
		"bob@example.org@example.com":                          "bob",
		"bjørn@example.org":                                    "bjørn",
		"bob@bücher.de":                                        "bob",
		"getty@tty1.service failed":                            "getty@tty1.service failed",
		"@bob and @acme/tool@1.2.3":                            "@bob and @acme/tool@1.2.3",
		"tool@v1.2":                                            "tool@v1.2",
		"root@localhost":                                       "root@localhost",
		"bob @ example.org":                                    "bob @ example.org",
		"@example.org":                                         "@example.org",
		"git@example.org:acme/tool.git":                        "git@example.org:acme/tool.git",
		"see https://lists.example.org/list/devel@lists.example.org/1": "see https://lists.example.org/list/devel@lists.example.org/1",
		`"bob"@example.org`:                  `"bob"`,
		"bob%40example.org":                  "bob",
		"see bob@example.org:hello":          "see bob:hello",
		"bob@@example.org@example.com":       "bob@",
		"bob@пример.рф":                      "bob",
		"http://bob:pass@example.org/x":      "http://example.org/x",
		"(ssh://git@example.org/x)":          "(ssh://git@example.org/x)",
		"git+ssh://bob:pass@example.org/x":   "git+ssh://example.org/x",
		"https://token@example.org":          "https://example.org",
		"a://x,bob@example.org,c@example.co": "a://x,bob,c",
		"://bob@example.org":                 "://bob",
		"@bob:example.org":                   "@bob:example.org",
		"bob@org":                            "bob@org",
		"bob@co.uk":                          "bob@co.uk",
		"two  spaces bob@b.org ":             "two  spaces bob",
		"":                                   "",
	} {
		if got := WithoutDomains(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
