package language

import (
	"reflect"
	"strings"
	"testing"
)

func TestDigestTemplateIsCompiledToParts(t *testing.T) {
	names := map[string]bool{"branch": true, "commits": true}
	for _, c := range []struct {
		src   string
		parts []DigestPart
		needs string
	}{
		{"{{.actors}} pushed", []DigestPart{{Name: "actors"}, {Text: " pushed"}}, ""},
		{`{{plural (sum .commits) "commit" "commits"}} to {{.branch}}`,
			[]DigestPart{{Name: "commits", Sum: true, One: "commit", Many: "commits"}, {Text: " to "}, {Name: "branch"}},
			"branch commits"},
		{"{{sum .commits}}", []DigestPart{{Name: "commits", Sum: true}}, "commits"},
		{`{{if .failures}}, {{.failures}} failed{{else}} in {{.branch}}{{end}}`,
			[]DigestPart{{Text: ", ", If: "failures"}, {Name: "failures", If: "failures"},
				{Text: " failed", If: "failures"}, {Text: " in ", Unless: "failures"}, {Name: "branch", Unless: "failures"}},
			"branch"},
		{"a\n  b{{/* nothing */}} \n {{.count}}", []DigestPart{{Text: "a b"}, {Text: " "}, {Name: "count"}}, ""},
	} {
		p, err := CompileDigest(c.src, names)
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		if !reflect.DeepEqual(p.Parts, c.parts) || strings.Join(p.Needs, " ") != c.needs {
			t.Errorf("%s: %+v needs %q", c.src, p.Parts, p.Needs)
		}
	}
}

func TestDigestTemplateRefusesWhatNobodyCouldFill(t *testing.T) {
	names := map[string]bool{"branch": true}
	for src, want := range map[string]string{
		"{{.msg.agent}}": "without dots", "{{.msg}}": "unknown name msg", "{{.other}}": "unknown name other",
		"{{truncate .branch 3}}":                     "not defined",
		"{{if .branch}}{{if .count}}x{{end}}{{end}}": "nested", "{{range .branch}}x{{end}}": "not available",
		"{{with .branch}}x{{end}}": "not available",
		`{{plural .branch "one"}}`: "want", `{{plural .branch .branch "many"}}`: "want {{plural",
		`{{sum .count}}`: "not count", `{{sum (sum .branch)}}`: "takes a name",
		`{{$x := .branch}}`: "want .name", `{{.branch | sum}}`: "want .name", `{{define "x"}}{{end}}`: "define",
		"{{.count}}[ of {{.branch}}]": "optional parts are not available",
		"{{.branch":                   "unclosed", `{{"text"}}`: "want .name",
		"{{if sum .branch}}x{{end}}": "asks for a name", strings.Repeat("{{.branch}}", 41): "at most 40",
		strings.Repeat("x", maxSource+1): "bytes",
	} {
		if _, err := CompileDigest(src, names); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", src, err, want)
		}
	}
}

func FuzzDigestTemplate(f *testing.F) {
	for _, seed := range []string{"{{.actors}} x", `{{plural (sum .a) "b" "c"}}`, "{{if .a}}b{{else}}{{.count}}{{end}}",
		"{{if .a}}{{", "{{template \"x\"}}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		p, err := CompileDigest(src, map[string]bool{"a": true})
		if err != nil {
			return
		}
		for _, part := range p.Parts {
			if (part.Text == "") == (part.Name == "") || part.Text != "" && (part.One != "" || part.Sum) {
				t.Errorf("%q gives %+v", src, part)
			}
		}
	})
}
