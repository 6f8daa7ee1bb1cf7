package email

import (
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strings"
)

//go:embed document.html.tmpl
var documentSource string

// documentPage is the HTML part of a document: its own HTML is ours, the rest is escaped.
var documentPage = template.Must(template.New("document").Parse(documentSource))

//go:embed letter.html.tmpl
var letterSource string

// letter is the HTML part: no image, no script, no remote style; html/template escapes what notices contain.
var letter = template.Must(template.New("letter").Funcs(template.FuncMap{"paragraphs": paragraphs}).Parse(letterSource))

// hypertext writes the HTML part.
func hypertext(c content, subject string) (string, error) {
	b := takeBuffer()
	defer b.giveBack()
	err := letter.Execute(b, struct {
		content
		Subject string
	}{c, subject})
	if err != nil {
		return "", fmt.Errorf("render HTML: %w", err)
	}
	return b.String(), nil
}

// A paragraph is some lines; Code says that all of them are indented: a patch, a log.
type paragraph struct {
	Lines []string
	Code  bool
}

// paragraphs splits a text at its empty lines.
func paragraphs(text string) []paragraph {
	var out []paragraph
	for chunk := range strings.SplitSeq(text, "\n\n") {
		chunk = strings.Trim(chunk, "\n")
		if chunk == "" {
			continue
		}
		p := paragraph{Lines: strings.Split(chunk, "\n")}
		p.Code = !slices.ContainsFunc(p.Lines, func(l string) bool { return !isLaidOut(l) })
		out = append(out, p)
	}
	return out
}
