package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/notifyd/notifyd/internal/text"
)

// The widths of the text form: a mail has 72 columns, and so has a small terminal.
const (
	textWidth = 72
	nameWidth = 38
)

// Text gives the report as plain text, in lines that a mail or a terminal shows as they are.
func (r *Result) Text() (string, error) {
	v := r.view()
	if r.report != nil && r.report.text != nil {
		written, err := r.report.text.render(v)
		if err != nil {
			return "", fmt.Errorf("report %s: text: %w", r.Name, err)
		}
		return text.Clean(written), nil
	}
	var b strings.Builder
	underlined(&b, v.Title, "=")
	fmt.Fprintf(&b, "%s\n", v.Period)
	b.WriteString(counted(v.Counted, v.Change) + "\n")
	for _, line := range append([]string{v.About}, v.Notes...) {
		if line != "" {
			b.WriteString("\n" + wrap(line, "") + "\n")
		}
	}
	for _, s := range v.Sections {
		s.text(&b)
	}
	return b.String(), nil
}

func underlined(b *strings.Builder, title, by string) {
	fmt.Fprintf(b, "%s\n%s\n", title, strings.Repeat(by, min(utf8.RuneCountInString(title), textWidth)))
}

func counted(count, change string) string {
	if change == "" {
		return count + "."
	}
	return count + ", " + change + "."
}

func (s sectionView) text(b *strings.Builder) {
	b.WriteString("\n")
	underlined(b, s.Title, "-")
	if s.About != "" {
		b.WriteString(wrap(s.About, "") + "\n")
	}
	if s.Counted != "" {
		b.WriteString(counted(s.Counted, s.Change) + "\n")
	}
	if len(s.Rows) > 0 {
		b.WriteString("\n")
		s.textRows(b)
	}
	if s.Others != "" {
		b.WriteString("  " + s.Others + "\n")
	}
	if len(s.Items) > 0 {
		b.WriteString("\n")
	}
	for _, i := range s.Items {
		b.WriteString(wrap("  "+i.Time+"  "+i.Text, "    ") + "\n")
		if i.Link != "" {
			b.WriteString("    " + i.Link + "\n")
		}
	}
}

// textRows writes a line for each group: its name, its count, the change, and below what more there is.
func (s sectionView) textRows(b *strings.Builder) {
	names, counts := utf8.RuneCountInString(s.Label), len("Messages")
	for _, row := range s.Rows {
		names = max(names, utf8.RuneCountInString(row.Name))
		counts = max(counts, utf8.RuneCountInString(row.Count))
	}
	names = min(names, nameWidth)
	head := "  " + pad(s.Label, names)
	if s.Counts {
		head += fmt.Sprintf("  %*s", counts, "Messages")
	}
	if s.Compared {
		head += "     Change"
	}
	b.WriteString(strings.TrimRight(head, " ") + "\n")
	for _, row := range s.Rows {
		line := "  " + pad(row.Name, names)
		if utf8.RuneCountInString(row.Name) > names { // the numbers stand below it
			b.WriteString(line + "\n")
			line = "  " + pad("", names)
		}
		if s.Counts {
			line += fmt.Sprintf("  %*s", counts, row.Count)
		}
		if s.Compared {
			line += "  " + strings.Repeat(" ", max(0, 9-utf8.RuneCountInString(row.Change))) + row.Change
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
		for _, cell := range row.Cells {
			if cell.Words != "" {
				b.WriteString(wrap("      "+cell.Column+": "+cell.Words, "        ") + "\n")
			}
		}
		if s.Span {
			b.WriteString("      first " + row.First + ", last " + row.Last + "\n")
		}
		if row.Link != "" {
			b.WriteString("      " + row.Link + "\n")
		}
	}
}

func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(n-utf8.RuneCountInString(s), 0))
}

// wrap breaks a line at blanks; the lines after the first begin with indent. A word that is too long stays whole.
func wrap(line, indent string) string {
	first := line[:len(line)-len(strings.TrimLeft(line, " "))]
	var b strings.Builder
	at := 0
	for i, word := range strings.Fields(line) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
			b.WriteString(first)
			at = len(first)
		case at+1+n > textWidth:
			b.WriteString("\n" + indent)
			at = len(indent)
		default:
			b.WriteString(" ")
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
}
