package email

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed letter.html.tmpl
var letterSource string

// letter is the HTML part: no image, no script, no remote style; html/template escapes what notices contain.
var letter = template.Must(template.New("letter").Funcs(template.FuncMap{"lines": lines}).Parse(letterSource))

// hypertext renders a page as HTML.
func hypertext(w io.Writer, pg page, subject string) error {
	if err := letter.Execute(w, struct {
		page
		Subject string
	}{pg, subject}); err != nil {
		return fmt.Errorf("render HTML: %w", err)
	}
	return nil
}

// lines splits a text into paragraphs and these into lines.
func lines(text string) [][]string {
	var out [][]string
	for p := range strings.SplitSeq(text, "\n\n") {
		if p = strings.Trim(p, "\n"); p != "" {
			out = append(out, strings.Split(p, "\n"))
		}
	}
	return out
}
