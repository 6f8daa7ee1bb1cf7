package email

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	texttemplate "text/template"
	templateparse "text/template/parse"

	"github.com/notifyd/notifyd/backends"
)

// The files of a site's folder of templates. Each is there or not; what is not there is built in.
const (
	htmlTemplate = "letter.html.tmpl"
	textTemplate = "letter.txt.tmpl"
)

// maxTemplate bounds a file of a site, in bytes; maxPart what it may write of a content that takes so many bytes.
const (
	maxTemplate = 256 << 10
	maxPart     = 8
)

var errTooMuch = errors.New("it writes too much")

// templates are what a site has in place of the bodies of mails; the headers are never theirs.
type templates struct {
	html *template.Template     // nil: built in
	text *texttemplate.Template // nil: built in
}

// loadTemplates reads a folder and tries each template on samples. An error names file and line.
func loadTemplates(folder string) (t templates, err error) {
	if folder == "" {
		return t, nil
	}
	source, err := readTemplate(folder, htmlTemplate)
	if err == nil && source != "" {
		t.html, err = template.New(htmlTemplate).Funcs(template.FuncMap{"paragraphs": paragraphs}).Parse(source)
	}
	if err != nil {
		return t, err
	}
	if source, err = readTemplate(folder, textTemplate); err == nil && source != "" {
		functions := texttemplate.FuncMap{"wrap": wrapText, "indent": indent}
		t.text, err = texttemplate.New(textTemplate).Funcs(functions).Parse(source)
	}
	if err != nil {
		return t, err
	}
	if err := t.check(); err != nil { // before it runs
		return t, err
	}
	return t, t.try()
}

// readTemplate reads a file; "" where it is not there.
func readTemplate(folder, name string) (string, error) {
	f, err := os.Open(filepath.Join(folder, name))
	if errors.Is(err, fs.ErrNotExist) {
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			return "", fmt.Errorf("%s is no folder", folder)
		}
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxTemplate+1))
	if err == nil && len(data) > maxTemplate {
		err = fmt.Errorf("%s: longer than %d bytes", name, maxTemplate)
	}
	return string(data), err
}

// check refuses what could run for ever or get round the escaping: loops over numbers, templates that use themselves,
// functions that make code of texts.
func (t templates) check() error {
	var trees []*templateparse.Tree
	if t.html != nil {
		for _, part := range t.html.Templates() {
			trees = append(trees, part.Tree)
		}
	}
	if t.text != nil {
		for _, part := range t.text.Templates() {
			trees = append(trees, part.Tree)
		}
	}
	uses := map[string][]string{}
	var errs []error
	for _, tree := range trees {
		if tree == nil || tree.Root == nil {
			continue
		}
		errs = append(errs, checkTree(tree))
		for _, found := range used.FindAllStringSubmatch(tree.Root.String(), -1) {
			uses[tree.Name] = append(uses[tree.Name], found[1])
		}
	}
	for name := range uses {
		if reaches(uses, name, name, len(uses)) {
			errs = append(errs, fmt.Errorf("%s: a template must not use itself", name))
		}
	}
	return errors.Join(errs...)
}

// reaches reports whether a template uses another, directly or through at most so many others.
func reaches(uses map[string][]string, from, to string, through int) bool {
	for _, name := range uses[from] {
		if name == to || through > 0 && reaches(uses, name, to, through-1) {
			return true
		}
	}
	return false
}

var (
	used      = regexp.MustCompile(`\{\{template "([^"]*)"`)
	forbidden = regexp.MustCompile(`\{\{[^}]*\b(call|js|html|urlquery|printf)\b`)
	counting  = regexp.MustCompile(`\{\{range [^}]*(\blen\b|\b[0-9]+\b)`)
)

func checkTree(tree *templateparse.Tree) error {
	source := tree.Root.String()
	if found := forbidden.FindStringSubmatch(source); found != nil {
		return fmt.Errorf("%s: the function %s is not allowed", tree.Name, found[1])
	}
	if counting.MatchString(source) {
		return fmt.Errorf("%s: a loop must be over a list, not over a number", tree.Name)
	}
	return nil
}

// try writes samples: a notice, and a digest with something of everything.
func (t templates) try() error {
	sample := backends.Notice{ID: "sample", App: "app", KindName: "Samples", Title: "[package] title",
		Text: "title\n\ntext", Link: "https://example.org/1", Severity: "error", Packages: []string{"package"},
		Why: []backends.Reason{{
			Filter: "Filter", Sentence: "a sentence", Link: "https://example.org/f", Stop: "https://example.org/s"}},
		Provenance: backends.Provenance{Standing: "unsigned", Caution: "It has no signature."}}
	one := backends.Parcel{Notices: []backends.Notice{sample}, Manage: "https://example.org/", Note: "A note."}
	two := one
	two.Notices = []backends.Notice{sample, sample}
	for _, p := range []backends.Parcel{one, two} {
		shown := layOut(p, 64<<10)
		if _, err := t.hypertext(shown, "subject"); err != nil {
			return err
		}
		if _, err := t.plainText(shown); err != nil {
			return err
		}
	}
	return nil
}

// hypertext writes the HTML part by the site's template, else by ours.
func (t templates) hypertext(c content, subject string) (string, error) {
	if t.html == nil {
		return hypertext(c, subject)
	}
	out := limited{left: 64<<10 + maxPart*c.size()}
	err := t.html.Execute(&out, struct {
		content
		Subject string
	}{c, subject})
	return out.String(), err
}

// plainText writes the text part by the site's template, else by ours.
func (t templates) plainText(c content) (string, error) {
	if t.text == nil {
		return plainText(c), nil
	}
	out := limited{left: 64<<10 + maxPart*c.size()}
	err := t.text.Execute(&out, c)
	return out.String(), err
}

// size is about how many bytes a content has.
func (c content) size() int {
	n := len(c.Summary) + len(c.Note)
	for _, s := range c.Sections {
		n += len(s.Name) + 200*len(s.Entries)
		for _, it := range s.Items {
			n += it.size()
			for _, m := range it.Members {
				n += m.size()
			}
		}
	}
	return n
}

// limited takes so many bytes and no more.
type limited struct {
	bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, errTooMuch
	}
	return l.Buffer.Write(p)
}
