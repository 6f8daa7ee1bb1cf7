package values

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestPages finds the page for people among the addresses of an object.
func TestPages(t *testing.T) {
	for body, want := range map[string]string{
		`{"url":"https://api.example.org/x/1","html_url":"https://example.org/x/1"}`:                "https://example.org/x/1",
		`{"url":"https://example.org/api/v1/x/1"}`:                                                  "",
		`{"url":"https://example.org/a/_apis/x/1","_links":{"web":{"href":"https://e.org/1"}}}`:     "https://e.org/1",
		`{"links":{"html":{"href":"https://api.example.org/tea"},"self":{"href":"https://a.b/c"}}}`: "https://api.example.org/tea",
		`{"links":{"self":[{"href":"https://example.org/pull/2"}]}}`:                                "https://example.org/pull/2",
		`{"links":{"self":{"href":"https://example.org/api/2.0/tea"}}}`:                             "",
		`{"url":"https://example.org/","build_url":"https://example.org/build/1"}`:                  "https://example.org/build/1",
		`{"log":"https://example.org/1/console","url":"https://example.org/1"}`:                     "https://example.org/1",
		`{"log":"https://example.org/1/console"}`:                                                   "https://example.org/1/console",
		`{"avatar_url":"https://example.org/a","clone_url":"https://example.org/b"}`:                "",
		`{"url":"https://example.org/tea.git","advisory_url":"https://example.org/tea"}`:            "https://example.org/tea",
		`{"url":"https://example.org/tea//1"}`:                                                      "",
		`{"url":"https://example.org/tea/null/1"}`:                                                  "",
		`{"url":"https://example.org/?id="}`:                                                        "",
		`{"url":"https://example.org/issues{/number}"}`:                                             "",
		`{"url":"www.example.org/tea"}`:                                                             "",
		`{"archived-at":"<https://lists.example.org/m/1>"}`:                                         "https://lists.example.org/m/1",
		`{"meta":{"uri":"https://example.org/wiki/Tea"},"server_url":"https://example.org"}`:        "https://example.org/wiki/Tea",
		`{"run":{"url":"https://ci.example.org/1"},"url":"https://ci.example.org"}`:                 "https://ci.example.org/1",
		`{"url":7,"link":null,"links":"","href":{}}`:                                                "",
	} {
		var object map[string]any
		if err := json.NewDecoder(strings.NewReader(body)).Decode(&object); err != nil {
			t.Fatal(err)
		}
		if got, _ := Page(object); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}
