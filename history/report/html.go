package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"time"
)

//go:embed report.html.tmpl
var usualHTML string

// usual is the usual form as HTML: a part of a page or of a mail, without head and body, styles and scripts.
var usual = template.Must(template.New("report").Parse(usualHTML))

// HTML gives the report as a part of an HTML page, below a heading of the second level. It has no heading of its own.
func (r *Result) HTML() (template.HTML, error) {
	v := r.view()
	if r.report != nil && r.report.html != nil {
		written, err := r.report.html.render(v)
		if err != nil {
			return "", fmt.Errorf("report %s: HTML: %w", r.Name, err)
		}
		return template.HTML(written), nil
	}
	var b strings.Builder
	if err := usual.Execute(&b, v); err != nil {
		return "", fmt.Errorf("report %s: HTML: %w", r.Name, err)
	}
	return template.HTML(b.String()), nil
}

// Period says which days a result is about.
func (r *Result) Period() string { return r.view().Period }

// Day gives the first day of a result, in its zone: 2026-11-23. Windows of a report are told apart by it.
func (r *Result) Day() string { return r.Since.In(r.zone).Format(time.DateOnly) }
