package email

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/backends/backendtest"
)

func withTemplates(t *testing.T, files map[string]string) (*Backend, error) {
	t.Helper()
	folder := t.TempDir()
	for name, source := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := Config{Host: "mx.example.org", From: "notifyd@example.org", Templates: folder}
	return New(c, quiet, noon)
}

func TestTemplatesOfTheSite(t *testing.T) {
	b, err := withTemplates(t, map[string]string{
		htmlTemplate: `<p>Our house: {{range .Sections}}{{range .Items}}{{.Title}}{{.Text}}{{end}}{{end}}</p>`,
		textTemplate: "Our house: {{range .Sections}}{{range .Items}}{{.Title}}\n{{wrap .Text}}{{end}}{{end}}\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	n := backendtest.Samples()[0]
	n.Text = "<script>alert(1)</script>\r\nBcc: x@example.org\r\n\r\nbody"
	m := rendered(t, b, parcelOf(nil, n)) // which checks that no header is new
	if !strings.Contains(m.html, "Our house: ") || strings.Contains(m.html, "<script") {
		t.Errorf("HTML part:\n%s", m.html)
	}
	if !strings.HasPrefix(m.text, "Our house: ") || !strings.Contains(m.text, "Bcc: x@example.org") {
		t.Errorf("text part:\n%s", m.text)
	}
}

func TestTemplatesAreCheckedBeforeTheyAreUsed(t *testing.T) {
	for name, x := range map[string]struct{ file, source, want string }{
		"not closed":       {textTemplate, "a\nb {{if .Digest}}", "letter.txt.tmpl:2"},
		"no such field":    {textTemplate, "a\n\n{{.Secrets}}", "letter.txt.tmpl:3"},
		"no such function": {htmlTemplate, "{{exec `id`}}", "letter.html.tmpl:1"},
		"calls":            {textTemplate, "{{if call .Digest}}{{end}}", "function call is not allowed"},
		"prints wide":      {textTemplate, "{{printf `%900000d` 1}}", "function printf is not allowed"},
		"counts":           {textTemplate, "{{range 1000000000}}{{end}}", "not over a number"},
		"itself":           {textTemplate, `{{define "a"}}{{template "a"}}{{end}}{{template "a"}}`, "must not use itself"},
		"each other": {textTemplate, `{{define "a"}}{{template "b"}}{{end}}{{define "b"}}{{template "a"}}{{end}}`,
			"must not use itself"},
		"too much": {textTemplate, strings.Repeat("{{range .Sections}}{{range .Items}}"+strings.Repeat("x", 2000)+
			"{{end}}{{end}}", 80), errTooMuch.Error()},
		"too long": {htmlTemplate, strings.Repeat("x", maxTemplate+1), "longer than"},
	} {
		if _, err := withTemplates(t, map[string]string{x.file: x.source}); err == nil ||
			!strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: got %v, want %q", name, err, x.want)
		}
	}
	c := Config{Host: "mx.example.org", From: "notifyd@example.org", Templates: "/nowhere/at/all"}
	if _, err := New(c, quiet, noon); err == nil || !strings.Contains(err.Error(), "is no folder") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// TestSampleTemplates holds the samples in contrib to what is built in: the HTML is the same, the text has the links.
func TestSampleTemplates(t *testing.T) {
	own, err := loadTemplates("../../contrib/mail-templates")
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range gallery() {
		p.Mute = "https://notify.example.org/mute/A"
		shown := layOut(p, 64<<10)
		html, err := own.hypertext(shown, "subject")
		built, err2 := hypertext(shown, "subject")
		if err != nil || err2 != nil || html != built {
			t.Errorf("%s: contrib/mail-templates/letter.html.tmpl is not what is built in (%v, %v)", name, err, err2)
		}
		text, err := own.plainText(shown)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, r := range shown.Reasons {
			if !strings.Contains(text, r.Stop) {
				t.Errorf("%s: the text lacks %s", name, r.Stop)
			}
		}
	}
}
