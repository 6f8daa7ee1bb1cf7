package email

import (
	"fmt"
	"strings"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
)

// content is what a mail says, cleaned and bounded. text.go and html.go write it; its methods are the sentences that
// both say.
type content struct {
	Digest      bool
	Summary     string    // of a digest: how many notices, how many of them bad
	Note        string    // why it comes as it does
	AnyMarked   bool      // some of the notices are marked
	Marked      string    // of a digest: how many of them are marked, and where it says what that means
	Sections    []section // of a digest, the worst first; a single notice is a section of one item
	Unlisted    int       // notices for which the list had no room
	Omitted     int       // notices of the list whose texts had no room
	Reasons     []reason
	MoreReasons int // filters for which the footer had no room
	Manage      string
	Mute        string // the page that mutes what the notice is about; "": it is a digest, or there is none
	Page        string // lists all of the notices
}

// section is what a digest says of one package, object or application.
type section struct {
	Name    string
	Count   int              // notices, also those without room
	Entries []entry          // the list
	Items   []item           // the texts
	groups  []backends.Group // what Entries are made of
}

// entry is a line of the list: a notice, or several that belong together.
type entry struct {
	Number   int
	Title    string
	Standing string // where it is marked
	Severity string
	Times    int    // notices
	Span     string // when, of several
	Link     string
	Omitted  bool // no text of it had room
}

// item is a notice in full, or several that belong together.
type item struct {
	Number   int
	Title    string
	Standing string // where it is marked
	Caution  string // what Standing means
	Severity string
	Kind     string
	When     string
	Link     string
	Text     string
	Cut      bool   // the text was shortened
	Filters  string // names of the filters that matched, in a digest
	Members  []item // the notices, where they are several
	More     int    // those for which there was no room
}

// reason is a filter in the footer.
type reason struct {
	Filter, Sentence, Link, Stop string
	Count                        int // notices that it matched
}

// summary opens a digest: how many notices, and how many of them are bad.
func summary(ns []backends.Notice) string {
	count := map[string]int{}
	for _, n := range ns {
		count[severityWord(n)]++
	}
	s := fmt.Sprintf("%d notices", len(ns))
	var bad []string
	for _, word := range []struct{ one, many string }{
		{"critical", "critical"}, {"error", "errors"}, {"warning", "warnings"},
	} {
		if n := count[word.one]; n > 0 {
			bad = append(bad, text.Plural(n, word.one, word.many))
		}
	}
	if len(bad) > 0 {
		s += ", among them " + strings.Join(bad, " and ")
	}
	return s + "."
}

// Heading names the section and counts its notices.
func (s section) Heading() string {
	if s.Count > 1 {
		return fmt.Sprintf("%s (%d)", s.Name, s.Count)
	}
	return s.Name
}

// Repeated says how many notices the entry stands for and when they happened, where they are several.
func (e entry) Repeated() string {
	switch {
	case e.Times < 2:
		return ""
	case e.Span == "":
		return fmt.Sprintf(" (%d notices)", e.Times)
	}
	return fmt.Sprintf(" (%d notices, %s)", e.Times, e.Span)
}

// Meta says when it was and of which kind, and in a digest which filter matched.
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

// Tagged is the title behind its standing and its severity.
func (it item) Tagged() string { return tag(it.Standing) + tag(it.Severity) + it.Title }

// CautionLine says what the standing means.
func (it item) CautionLine() string { return tag(it.Standing) + it.Caution }

// MoreLine counts the notices of an item that had no room.
func (it item) MoreLine() string { return fmt.Sprintf("… and %d more of these", it.More) }

// CutLine says that the text was shortened.
func (it item) CutLine() string {
	if it.Link != "" {
		return "[The text was shortened; the link leads to all of it.]"
	}
	return "[The text was shortened.]"
}

// Line says that the filter matched, and what it is.
func (r reason) Line(digest bool) string {
	s := fmt.Sprintf("You get this because it matched your filter “%s”", r.Filter)
	if digest {
		s = fmt.Sprintf("%s matched your filter “%s”", text.Plural(r.Count, "notice", "notices"), r.Filter)
	}
	if r.Sentence == "" {
		return s + "."
	}
	return s + ": " + strings.TrimSuffix(r.Sentence, ".") + "."
}

// MoreReasonsLine counts the filters for which the footer had no room.
func (c content) MoreReasonsLine() string {
	if c.MoreReasons == 1 {
		return "One more filter matched."
	}
	return fmt.Sprintf("%d more filters matched.", c.MoreReasons)
}

// PageLine leads to the page that has all of it.
func (c content) PageLine() string { return "All of them: " + c.Page }

// UnlistedLine counts the notices for which the list had no room.
func (c content) UnlistedLine() string {
	return fmt.Sprintf("… and %d more, for which this mail has no room.", c.Unlisted)
}

// OmittedLine counts the notices that are listed without their texts.
func (c content) OmittedLine() string {
	return fmt.Sprintf("The texts of %s from the list above are left out, to keep this mail small.",
		text.Plural(c.Omitted, "notice", "notices"))
}
