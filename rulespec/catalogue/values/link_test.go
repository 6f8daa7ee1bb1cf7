package values

import "testing"

func TestURL(t *testing.T) {
	for in, want := range map[string]string{
		`null`: "", `7`: "", `""`: "", `"tea"`: "", `[]`: "", `{}`: "", `"www.example.org/1"`: "", `"/1"`: "",
		`"mailto:bob@example.org"`: "", `"ftp://example.org/1"`: "", `"https://"`: "", `"http"`: "",
		`"https://example.org/1"`:                                                   "https://example.org/1",
		`" <https://example.org/1> "`:                                               "https://example.org/1",
		`"see https://example.org/1, or not"`:                                       "https://example.org/1",
		`"(https://example.org/1)."`:                                                "https://example.org/1",
		`"https://example.org/tea_(cup)"`:                                           "https://example.org/tea_(cup)",
		`"[tea](https://example.org/1)"`:                                            "https://example.org/1",
		`"httpd at https://example.org/1"`:                                          "https://example.org/1",
		`"https://api.example.org/1 https://example.org/2"`:                         "https://example.org/2",
		`"https://example.org/api/v4/projects/1"`:                                   "",
		`"see http://:80/x"`:                                                        "",
		`"https://example.org/a//b"`:                                                "",
		`"https://example.org/issues/null"`:                                         "",
		`["tea", "https://example.org/1"]`:                                          "https://example.org/1",
		`{"url": "https://api.example.org/1", "html_url": "https://example.org/1"}`: "https://example.org/1",
		`{"url": "https://example.org/2", "web_url": "https://example.org/1"}`:      "https://example.org/1",
		`{"url": "https://api.example.org/1"}`:                                      "",
		`{"links": {"html": {"href": "https://example.org/1"}}}`:                    "https://example.org/1",
		`{"_links": {"web": {"href": "https://example.org/1"}}}`:                    "https://example.org/1",
		`{"links": {"self": [{"href": "https://example.org/1"}]}}`:                  "https://example.org/1",
		`{"href": "https://example.org/1"}`:                                         "https://example.org/1",
		`{"run": {"url": "https://example.org/1"}}`:                                 "https://example.org/1",
		`{"html": "<p>see https://example.org/1</p>"}`:                              "",
		`{"avatar_url": "https://example.org/1"}`:                                   "",
		`"{\"html_url\": \"https://example.org/1\"}"`:                               "https://example.org/1",
	} {
		if got := URL(decoded(t, in)); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}
