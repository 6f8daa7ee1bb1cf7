package email

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// width is where the text part is wrapped (RFC 5322 asks for at most 78).
const width = 72

var rule = strings.Repeat("-", width)

// plainText writes the text part.
func plainText(c content) string {
	var b strings.Builder
	if c.Note != "" {
		b.WriteString(wrap(c.Note, "") + "\n\n")
	}
	if c.Digest {
		textList(&b, c)
	}
	for _, s := range c.Sections {
		for _, it := range s.Items {
			if c.Digest {
				b.WriteString("\n" + rule + "\n")
			}
			textItem(&b, it, c.Digest)
		}
	}
	if c.Omitted > 0 {
		b.WriteString("\n" + rule + "\n" + wrap(c.OmittedLine(), "") + "\n")
		textPage(&b, c)
	}
	textFooter(&b, c)
	return b.String()
}

func textList(b *strings.Builder, c content) {
	b.WriteString(wrap(c.Summary, "") + "\n")
	if c.Marked != "" {
		b.WriteString(wrap(c.Marked, "") + "\n")
	}
	for _, s := range c.Sections {
		fmt.Fprintf(b, "\n%s\n", s.Heading())
		for _, e := range s.Entries {
			b.WriteString(wrap(textEntry(e), "      ")[2:] + "\n")
			if e.Omitted && e.Link != "" {
				b.WriteString("      " + e.Link + "\n")
			}
		}
	}
	if c.Unlisted > 0 {
		b.WriteString("\n" + wrap(c.UnlistedLine(), "") + "\n")
		textPage(b, c)
	}
}

// textPage leads to the page that has what this mail has no room for.
func textPage(b *strings.Builder, c content) {
	if c.Page != "" {
		b.WriteString(c.PageLine() + "\n")
	}
}

// textEntry is indented by two more than it is shown, so that the number hangs.
func textEntry(e entry) string {
	s := fmt.Sprintf("  %3d. ", e.Number)
	return s + tag(e.Standing) + tag(e.Severity) + e.Title + e.Repeated()
}

func textItem(b *strings.Builder, it item, digest bool) {
	head := it.Title
	switch {
	case digest:
		head = fmt.Sprintf("%d. %s%s", it.Number, tag(it.Standing), it.Title)
	case it.Standing != "": // before all else, also in the line that lists of mails show
		b.WriteString(wrap(it.CautionLine(), "") + "\n\n")
	}
	b.WriteString(wrap(head, "") + "\n")
	if digest && it.Caution != "" {
		b.WriteString("\n" + wrap(it.Caution, "") + "\n")
	}
	if len(it.Members) > 0 {
		textMembers(b, it)
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

// textMembers lists the notices of an item. A link that several share stands behind the first of them.
func textMembers(b *strings.Builder, it item) {
	links := map[string]bool{}
	for _, m := range it.Members {
		b.WriteString("\n" + wrap("  * "+m.Tagged(), "    ") + "\n")
		if m.Caution != "" {
			b.WriteString(wrap("    "+m.Caution, "    ") + "\n")
		}
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
		case isLaidOut(l):
			lines[i] = "    " + l
		default:
			lines[i] = wrap("    "+l, "    ")
		}
	}
	return strings.Join(lines, "\n")
}

// textFooter says why; "-- " begins a signature, which mail programs fold away in answers.
func textFooter(b *strings.Builder, c content) {
	if len(c.Reasons) == 0 && c.Manage+c.Mute == "" {
		return
	}
	b.WriteString("\n-- \n")
	for _, r := range c.Reasons {
		b.WriteString(wrap(r.Line(c.Digest), "") + "\n")
		for _, l := range []struct{ label, link string }{{"  The filter: ", r.Link}, {"  Stop these: ", r.Stop}} {
			if l.link != "" {
				b.WriteString(l.label + l.link + "\n")
			}
		}
	}
	if c.MoreReasons > 0 {
		b.WriteString(c.MoreReasonsLine() + "\n")
	}
	if c.Mute != "" {
		b.WriteString("Mute it for a while: " + c.Mute + "\n")
	}
	if c.Manage != "" {
		b.WriteString("Change what you get: " + c.Manage + "\n")
	}
}

// isLaidOut reports a line that begins with a space: its author placed it, as in a patch or a table.
func isLaidOut(line string) bool {
	return strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
}

// wrapText wraps the lines that are too long, but those that are laid out.
func wrapText(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if !isLaidOut(l) {
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
