package email

import (
	"fmt"
	"strings"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
)

// The sentences that text and HTML share.

// summary opens a digest: how many notices, and how many of them are bad.
func summary(ns []backends.Notice) string {
	count := map[level]int{}
	for _, n := range ns {
		count[severity(n)]++
	}
	s := fmt.Sprintf("%d notices", len(ns))
	var bad []string
	for _, l := range []level{critical, failure, warning} {
		if count[l] > 0 {
			bad = append(bad, text.Plural(count[l], l.word(), l.words()))
		}
	}
	if len(bad) > 0 {
		s += ", among them " + strings.Join(bad, " and ")
	}
	return s + "."
}

// Heading names the group and counts it.
func (g group) Heading() string {
	if g.Count > 1 {
		return fmt.Sprintf("%s (%d)", g.Name, g.Count)
	}
	return g.Name
}

// Meta says when and what it was, and in a digest which filter brought it.
func (it item) Meta(digest bool, more ...string) string {
	var parts []string
	for _, s := range append([]string{it.When, it.Kind}, more...) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if digest && it.Filters != "" {
		parts = append(parts, "filter: "+it.Filters)
	}
	return strings.Join(parts, " · ")
}

// Tagged is the title behind its severity.
func (it item) Tagged() string {
	if it.Severity != "" {
		return "[" + it.Severity + "] " + it.Title
	}
	return it.Title
}

// MoreLine counts the notices of a line that are not told.
func (it item) MoreLine() string { return fmt.Sprintf("… and %d more of these", it.More) }

// CutLine owns up to a shortened text.
func (it item) CutLine() string {
	if it.Link != "" {
		return "[The text was shortened; the link leads to all of it.]"
	}
	return "[The text was shortened.]"
}

// Say is the sentence of the footer.
func (r reason) Say(digest bool) string {
	s := fmt.Sprintf("You get this because it matched your filter “%s”", r.Filter)
	if digest {
		s = fmt.Sprintf("%s matched your filter “%s”", text.Plural(r.Count, "notice", "notices"), r.Filter)
	}
	if r.Sentence == "" {
		return s + "."
	}
	return s + ": " + strings.TrimSuffix(r.Sentence, ".") + "."
}

// MoreFilters counts the filters that the footer has no room for.
func (pg page) MoreFilters() string {
	if pg.MoreWhys == 1 {
		return "One more filter matched."
	}
	return fmt.Sprintf("%d more filters matched.", pg.MoreWhys)
}

// UnlistedLine counts the notices that even the list has no room for.
func (pg page) UnlistedLine() string {
	return fmt.Sprintf("… and %d more, for which this mail has no room.", pg.Unlisted)
}

// UntoldLine counts the notices that are listed without their texts.
func (pg page) UntoldLine() string {
	return fmt.Sprintf("The texts of %s from the list above are left out, to keep this mail small.", text.Plural(pg.Untold, "notice", "notices"))
}
