package email

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// width is where the text part is wrapped (RFC 5322 asks for at most 78).
const width = 72

var rule = strings.Repeat("-", width)

// plain renders a page as plain text.
func plain(pg page) string {
	var b strings.Builder
	if pg.Digest {
		plainContents(&b, pg)
	}
	for _, g := range pg.Groups {
		for _, it := range g.Items {
			if pg.Digest {
				b.WriteString("\n" + rule + "\n")
			}
			plainItem(&b, it, pg.Digest)
		}
	}
	if pg.Untold > 0 {
		b.WriteString("\n" + rule + "\n" + wrap(pg.UntoldLine(), "") + "\n")
	}
	plainFooter(&b, pg)
	return b.String()
}

func plainContents(b *strings.Builder, pg page) {
	b.WriteString(wrap(pg.Summary, "") + "\n")
	for _, g := range pg.Groups {
		fmt.Fprintf(b, "\n%s\n", g.Heading())
		for _, l := range g.Lines {
			b.WriteString(wrap(l.text(), "      ")[2:] + "\n")
			if l.Untold && l.Link != "" {
				b.WriteString("      " + l.Link + "\n")
			}
		}
	}
	if pg.Unlisted > 0 {
		b.WriteString("\n" + wrap(pg.UnlistedLine(), "") + "\n")
	}
}

// text is the line in the contents, indented by two more than it is shown so that the number hangs.
func (l line) text() string {
	s := fmt.Sprintf("  %3d. ", l.Number)
	if l.Severity != "" {
		s += "[" + l.Severity + "] "
	}
	return s + l.Title + l.Repeated()
}

// Repeated says how many notices the line stands for and when they happened, where they are several.
func (l line) Repeated() string {
	switch {
	case l.Times < 2:
		return ""
	case l.Span == "":
		return fmt.Sprintf(" (%d notices)", l.Times)
	}
	return fmt.Sprintf(" (%d notices, %s)", l.Times, l.Span)
}

func plainItem(b *strings.Builder, it item, digest bool) {
	head := it.Title
	if digest {
		head = fmt.Sprintf("%d. %s", it.Number, it.Title)
	}
	b.WriteString(wrap(head, "") + "\n")
	if len(it.Members) > 0 {
		plainMembers(b, it)
	}
	if it.Text != "" {
		b.WriteString("\n" + wrapText(it.Text) + "\n")
	}
	if it.Cut {
		b.WriteString("\n" + it.CutLine() + "\n")
	}
	if it.Link != "" {
		b.WriteString("\n" + it.Link + "\n")
	}
	if meta := it.Meta(digest, it.Severity); meta != "" {
		b.WriteString("\n" + wrap(meta, "") + "\n")
	}
}

// plainMembers lists the notices of an item. A link that several share stands behind the first of them.
func plainMembers(b *strings.Builder, it item) {
	links := map[string]bool{}
	for _, m := range it.Members {
		b.WriteString("\n" + wrap("  * "+m.Tagged(), "    ") + "\n")
		if m.Text != "" {
			b.WriteString(indent(m.Text) + "\n")
		}
		if m.Cut {
			b.WriteString("    " + m.CutLine() + "\n")
		}
		if m.Link != "" && !links[m.Link] {
			b.WriteString("    " + m.Link + "\n")
		}
		links[m.Link] = true
		b.WriteString("    " + m.Meta(false) + "\n")
	}
	if it.More > 0 {
		b.WriteString("\n  " + it.MoreLine() + "\n")
	}
}

// indent wraps a text below its entry of a list.
func indent(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		switch {
		case l == "":
		case strings.HasPrefix(l, " "), strings.HasPrefix(l, "\t"): // laid out
			lines[i] = "    " + l
		default:
			lines[i] = wrap("    "+l, "    ")
		}
	}
	return strings.Join(lines, "\n")
}

// plainFooter says why; "-- " begins a signature, which mail programs fold away in answers.
func plainFooter(b *strings.Builder, pg page) {
	if len(pg.Reasons) == 0 && pg.Manage == "" {
		return
	}
	b.WriteString("\n-- \n")
	for _, r := range pg.Reasons {
		b.WriteString(wrap(r.Say(pg.Digest), "") + "\n")
		for _, l := range []struct{ label, link string }{{"  The filter: ", r.Link}, {"  Stop these: ", r.Stop}} {
			if l.link != "" {
				b.WriteString(l.label + l.link + "\n")
			}
		}
	}
	if pg.MoreWhys > 0 {
		b.WriteString(pg.MoreFilters() + "\n")
	}
	if pg.Manage != "" {
		b.WriteString("Change what you get: " + pg.Manage + "\n")
	}
}

// wrapText wraps the lines that are too long, and leaves alone those that begin with a space: they are laid out.
func wrapText(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if !strings.HasPrefix(l, " ") && !strings.HasPrefix(l, "\t") {
			lines[i] = wrap(l, "")
		}
	}
	return strings.Join(lines, "\n")
}

// wrap breaks a line at spaces; the lines after the first begin with indent. A word longer than a line, such as a
// link, stays whole.
func wrap(s, indent string) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	var b strings.Builder
	column := 0
	for i, word := range strings.Split(s, " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+n > width && column > len(indent):
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}
