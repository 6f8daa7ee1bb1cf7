package irc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/backends"
)

// limits bound the lines of a parcel.
type limits struct {
	noticeLines int  // most lines of one notice
	digestLines int  // most lines of a digest that tell notices
	last        bool // "last 12" is understood
	terse       bool // no names of filters
	colours     bool
	links       string // "short", "none"; else as they are
}

const (
	maxAccountLines = 8
	maxLink         = 380 // bytes: a longer link would be cut in two, and then it is of no use
	maxLast         = 12  // notices that an answer has room for
	maxFilters      = 3   // names of filters at the end of a line
	maxLinks        = 3   // links of notices that are told in one line
)

// linesOf writes a parcel as lines of at most budget bytes without control characters. A notice is one line, if it
// fits. A digest is its counts, a line for each group, and how many more notices there are. Account mail, which has no
// reasons, is written whole.
func linesOf(p backends.Parcel, budget int, l limits) []string {
	var lines []string
	var told []backends.Notice
	for _, n := range p.Notices {
		if isAccount(n) {
			lines = append(lines, accountLines(n, budget)...)
		} else {
			told = append(told, n)
		}
	}
	switch {
	case len(told) == 1:
		lines = append(lines, noticeLines(told[0], budget, l.noticeLines, l)...)
	case len(told) > 1:
		digest := digestLines(told, p.Manage, budget, l)
		if note := shorten(clean(p.Note), budget); note != "" {
			digest = slices.Insert(digest, 1, note)
		}
		lines = append(lines, digest...)
	}
	return lines
}

// isAccount reports whether the notice is about the person's own account: no filter asked for it.
func isAccount(n backends.Notice) bool { return len(n.Why) == 0 }

func accountLines(n backends.Notice, budget int) []string {
	text, link := n.Text, clean(n.Link)
	if strings.TrimSpace(text) == "" {
		text = n.Title
	}
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, split(clean(line), budget)...)
		if len(lines) >= maxAccountLines {
			lines = lines[:maxAccountLines]
			break
		}
	}
	if link != "" && !strings.Contains(text, link) {
		lines = append(lines, split(link, budget)...)
	}
	return lines
}

// noticeLines writes one notice: its standing where it is marked, the application, what happened, the link, and the
// filters that matched.
func noticeLines(n backends.Notice, budget, most int, l limits) []string {
	tail := ""
	if link := l.link(n.Link); link != "" && len(link) <= min(maxLink, budget) {
		tail = " " + link
	}
	return fit(headOf(n, l), summaryOf(n), tail+filterNames(n.Why, l), budget, most)
}

// groupLine writes notices that belong together as one line: what happened, how often and when, some of the links.
func groupLine(g backends.Group, budget int, l limits) []string {
	if len(g.Notices) == 1 {
		return noticeLines(g.Notices[0], budget, 1, l)
	}
	tail := fmt.Sprintf(" (%d notices", len(g.Notices))
	if span := g.Span(); span != "" {
		tail += ", " + span
	}
	tail += ")"
	left := budget / 3
	for _, link := range g.Links(maxLinks) {
		if link = l.link(link); link != "" && len(link) < left {
			tail += " " + link
			left -= len(link) + 1
		}
	}
	var why []backends.Reason
	for _, n := range g.Notices {
		why = append(why, n.Why...)
	}
	summary := clean(g.Title)
	if g.Title == g.Notices[0].Title { // all of them say the same
		summary = summaryOf(g.Notices[0])
	}
	return fit(headOf(g.Notices[0], l), summary, tail+filterNames(why, l), budget, 1)
}

// headOf begins the line of a notice: "(unsigned) [bodhi] ".
func headOf(n backends.Notice, l limits) string {
	head := ""
	if standing := shorten(clean(n.Standing), 40); standing != "" {
		head = "(" + standing + ") "
	}
	if app := shorten(clean(n.App), 40); app != "" {
		head += l.colour(n.Severity, "["+n.Shown(app)+"]") + " "
	}
	return head
}

// fit writes at most so many lines. Where the whole is too long, the summary gets shorter.
func fit(head, summary, tail string, budget, most int) []string {
	for {
		lines := split(head+summary+tail, budget)
		if len(lines) <= most || summary == "" {
			return lines[:min(len(lines), most)]
		}
		over := len(lines[len(lines)-1]) // what is sure to be too much; the cuts between words may need another turn
		summary = shorten(summary, max(len(summary)-max(over, 8), 0))
	}
}

// summaryOf is the sentence of a notice: the first line of its text, or its title.
func summaryOf(n backends.Notice) string {
	for line := range strings.Lines(n.Text) {
		if s := clean(line); s != "" {
			return s
		}
	}
	return clean(n.Title)
}

func filterNames(why []backends.Reason, l limits) string {
	if l.terse {
		return ""
	}
	var names []string
	for _, r := range why {
		if name := shorten(clean(r.Filter), 60); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch {
	case len(names) == 0:
		return ""
	case len(names) > maxFilters:
		names = append(names[:maxFilters], fmt.Sprintf("+%d", len(names)-maxFilters))
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// digestLines writes the counts, then a line for each group of notices that belong together, the worst first.
func digestLines(notices []backends.Notice, manage string, budget int, l limits) []string {
	lines := []string{shorten(counts(notices), budget)}
	groups := backends.Merge(notices)
	more := len(notices)
	for _, g := range groups[:min(len(groups), l.digestLines)] {
		lines = append(lines, groupLine(g, budget, l)...)
		more -= len(g.Notices)
	}
	if more > 0 {
		line := fmt.Sprintf("+%d more", more)
		if manage = clean(manage); manage != "" {
			line += " at " + manage
		}
		if l.last {
			line += fmt.Sprintf(" (or say: last %d)", min(len(notices), maxLast))
		}
		lines = append(lines, split(line, budget)...)
	}
	return lines
}

// counts is the first line of a digest: "12 messages (1 not proved): bodhi 7, koji 5", the most frequent first.
func counts(notices []backends.Notice) string {
	count := map[string]int{}
	var apps []string
	for _, n := range notices {
		app := n.Shown(shorten(clean(n.App), 40))
		if app == "" {
			app = "other"
		}
		if count[app]++; count[app] == 1 {
			apps = append(apps, app)
		}
	}
	slices.SortStableFunc(apps, func(a, b string) int { return count[b] - count[a] })
	for i, app := range apps {
		apps[i] = fmt.Sprintf("%s %d", app, count[app])
	}
	return fmt.Sprintf("%d messages%s: %s", len(notices), marked(notices), strings.Join(apps, ", "))
}

// marked counts the notices whose sender is not proved: " (2 not proved)"; "" where there are none.
func marked(notices []backends.Notice) string {
	count := 0
	for _, n := range notices {
		if n.Standing != "" {
			count++
		}
	}
	if count == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d not proved)", count)
}
