package mail_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus/mail"
)

const buildLog = `
doc: Logs of builds.
order: 5
automatic: true
when: ['{header Subject | match "^Log for "}']
unless: ['{header X-Test}']
topic: builds.{header Subject | match "(?i)successful|failed" | else "attempted"}
id: '{id}'
fields:
  package: '{header Subject | match "build of (\S+?)_"}'
  build: {arch: '{header X-Arch}', log: {url: '{text | match "https?://\S+"}'}}
`

// TestSiteMappings: a site's own are asked first, and one of the same name replaces that of the program.
func TestSiteMappings(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "builds.yaml"), buildLog)
	write(t, filepath.Join(folder, "mailman.yaml"), "when: ['{header List-Id}']\ntopic: ours\nfields: {subject: '{header Subject}'}")
	all, err := mail.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	if names := all.Names(); names[0] != "mailman" || names[1] != "builds" || len(names) != len(load(t))+1 ||
		slices.Index(names[2:], "mailman") >= 0 {
		t.Errorf("the mappings are %q", names)
	}
	out := outcome(t, all, "Subject: Log for successful build of tea_1.2-1\nX-Arch: all\n\nsee https://b.example.org/1\n",
		mail.Options{})
	if out.Draft == nil || out.Draft.Topic != "builds.successful" || !strings.Contains(string(out.Draft.Payload),
		`"msg":{"build":{"arch":"all","log":{"url":"https://b.example.org/1"}},"package":"tea"}`) {
		t.Errorf("%+v: %s", out, out.Draft.Payload)
	}
	out = outcome(t, all, "Subject: Log for build\nX-Test: yes\n\n", mail.Options{})
	want := mail.Passed{Mapping: "builds", Reason: "something is there: {header X-Test}"}
	if !slices.Contains(out.Passed, want) {
		t.Errorf("%+v, want %+v", out, want)
	}
}

// TestSample: the example that sites copy.
func TestSample(t *testing.T) {
	all, err := mail.Load("../../contrib/mail")
	if err != nil {
		t.Fatal(err)
	}
	out := outcome(t, all, "From: Builder <buildd@example.org>\nSubject: Log for failed build of tea_1.2-1 on arm64 (dist=unstable)"+
		"\nAuto-Submitted: auto-generated\nMessage-ID: <1@example.org>\n\nlog\n", mail.Options{})
	if out.Draft == nil || out.Draft.Topic != "buildd.build.failed" || !strings.Contains(string(out.Draft.Payload),
		`"architecture":"arm64","builder":"buildd@example.org","package":"tea"`) {
		t.Errorf("%+v", out)
	}
}

func TestLoadSaysWhatIsWrong(t *testing.T) {
	const named = "named: true\ntopic: a\n"
	for text, want := range map[string]string{
		"topic: a\nfields: {a: '{text}'}":         "tea.yaml: when: expressions were expected",
		"when: ['{text}']\nfields: {a: '{text}'}": "tea.yaml: topic: an expression was expected",
		"when: ['{text}']\ntopic: a":              "tea.yaml: fields: some were expected",
		"- a":                                     "tea.yaml:1:1: a mapping with the keys",
		"":                                        "tea.yaml: a mapping with the keys",
		"topics: a":                               `tea.yaml:1:1: "topics" is no key: doc, order`,
		"order: first":                            `tea.yaml:1:8: order is a number; this is "first"`,
		"named: [1]":                              "tea.yaml:1:8: named is true or false; this is a list",
		"when: '{text}'":                          "tea.yaml:1:7: when is a list of expressions",
		"when:\n  - '{text}'\n  - '{text'":        "tea.yaml:3:5: when: ",
		"when: ['{header A | match \"(\"}']":      "missing closing )",
		"unless: [{a: b}]":                        "tea.yaml:1:10: unless is an expression; this is a mapping",
		named + "fields: [a]":                     "tea.yaml:3:9: fields is an object of expressions; this is a list",
		named + "fields: {a: [b]}":                "tea.yaml:3:13: fields.a is an expression; this is a list",
		named + "fields:\n  a:\n    b: '{body x}'":             "tea.yaml:5:8: fields.a.b: {body x}: address NAME or field NAME",
		named + "fields: {a: {b: {c: {d: {e: {f: {g: x}}}}}}}": "fields.a.b.c.d.e.f: objects deeper than 5",
		"topic: '{'":                           "tea.yaml:1:8: topic: ",
		"id: '}'":                              "tea.yaml:1:5: id: ",
		"when: ! ":                             "tea.yaml",
		named + "named: false\nfields: {a: b}": "tea.yaml:3:1",
		named + "fields: {a: x}\n#" + strings.Repeat("x", 64<<10): "at most 65536 are allowed",
	} {
		folder := t.TempDir()
		write(t, filepath.Join(folder, "tea.yaml"), text)
		if _, err := mail.Load(folder); err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), "tea.yaml") {
			t.Errorf("%.200s: %v, want %q", text, err, want)
		}
	}
	folder := t.TempDir()
	if _, err := mail.Load(folder); err == nil || !strings.Contains(err.Error(), "no file *.yaml") {
		t.Errorf("an empty folder: %v", err)
	}
	write(t, filepath.Join(folder, "T ea.yaml"), buildLog)
	if _, err := mail.Load(folder); err == nil || !strings.Contains(err.Error(), "a name of small letters") {
		t.Errorf("a name with a blank: %v", err)
	}
}

// FuzzMapping: a file of a mapping is read or refused, whatever is in it.
func FuzzMapping(f *testing.F) {
	f.Add([]byte(buildLog))
	f.Add([]byte("when: [&a '{text}', *a]\ntopic: !!str a\nfields: {<<: {a: '{id}'}}"))
	f.Add([]byte("fields: &a {a: *a}\ntopic: {}\nwhen: 1"))
	f.Fuzz(func(_ *testing.T, text []byte) { _ = mail.CheckMapping(text) })
}
