package language

import (
	"strings"
	"testing"
)

func TestSentences(t *testing.T) {
	env := map[string]any{"msg": body(t, `{"id":1478312,"user":{"name":"alice"},"tags":["b","a"],"zero":0,"none":null}`),
		"who": "bob"}
	names := map[string]bool{"msg": true, "who": true}
	for src, want := range map[string]string{
		`plain`:                    "plain",
		`{{.who}} saw {{.msg.id}}`: "bob saw 1478312",
		`{{.msg.user.name}}`:       "alice",
		`bob[ saw {{.msg.user.first}}][, {{.who}}[ ({{.msg.id}}{{.msg.none}})]]`: "bob, bob",
		`{{"["}}{{.msg.none}}{{"]"}}`:                                            "[]",
		`{{if .msg.zero}}some{{else}}none{{end}}`:                                "none",
		`{{if and .who (not .msg.none)}}yes{{end}}`:                              "yes",
		`{{range .msg.tags}}<{{.}}>{{end}}`:                                      "<b><a>",
		`{{with .msg.user}}{{.name}} {{$.who}}{{end}}`:                           "alice bob",
		`{{series .msg.tags}} {{plural .msg.tags "t" "ts"}}`:                     "a and b 2 ts",
		`{{default .msg.none .msg.user.name}}`:                                   "alice",
		`{{quote (truncate .who 2)}}`:                                            `"b…"`,
		`{{if eq .msg.id 1478312}}same{{end}}`:                                   "same",
		`{{range .msg.none}}x{{else}}nothing{{end}}`:                             "nothing",
		`{{range .msg.tags}}{{range $.msg.tags}}x{{end}}{{end}}`:                 "xxxx",
	} {
		s, err := CompileSentence(src, names)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got, err := s.Render(scopeOf(env)); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", src, got, err, want)
		}
	}
}

func TestSentencesThatDoNotLoad(t *testing.T) {
	names := map[string]bool{"who": true}
	for src, want := range map[string]string{
		`{{.nobody}}`:                "unknown name nobody; there are who",
		`{{$.nobody}}`:               "unknown name nobody",
		`{{.who`:                     "unclosed action",
		`{{nothing .who}}`:           "nothing",
		`{{printf "%999999999d" 1}}`: "printf",
		`{{template "sentence"}}`:    "not available",
		`{{define "x"}}{{end}}`:      "not available",
		`{{block "x" .}}{{end}}`:     "not available",
		`{{$n := .who}}{{$n}}`:       "no variables of its own",
		`[ of {{.who}}`:              `"]" is missing`,
		strings.Repeat("[", 9) + "{{.who}}" + strings.Repeat("]", 9): "nested more than 8 deep",
		`{{.who}}]`:                      `"]" without "["`,
		`{{.who}}[ of tea]`:              "an optional part needs an action",
		`{{range .who}}{{break}}{{end}}`: "not available",
		`{{.who | truncate 3}}`:          "not with |",
		`{{truncate .who}}`:              "truncate takes (text, max), not 1 arguments",
		`{{.who 3}}`:                     "only a function takes arguments",
		`{{(default .who).name}}`:        "use dig",
		`{{range .who}}{{range .}}{{range .}}{{end}}{{end}}{{end}}`: "nested",
		strings.Repeat("x", 5000):                                   "at most",
	} {
		if _, err := CompileSentence(src, names); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.50s: error %v; want %q in it", src, err, want)
		}
	}
}

func TestSentencesAreBounded(t *testing.T) {
	long := make([]any, 100_000)
	for i := range long {
		long[i] = strings.Repeat("é", 1000)
	}
	s, err := CompileSentence(`{{range .l}}{{.}}{{range $.l}}{{.}}{{end}}{{end}}{{range 1000000000}}{{end}}`,
		map[string]bool{"l": true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Render(scopeOf(map[string]any{"l": long}))
	if err != nil || len(got) > maxRendered {
		t.Errorf("got %d bytes, %v; want at most %d", len(got), err, maxRendered)
	}
}
