package email

import (
	"strings"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
)

// page is what a message shows, cleaned and bounded, before it is text or HTML.
type page struct {
	Summary  string // of a digest: how many notices, how many of them bad
	Digest   bool
	Groups   []group // what a digest is about, the worst first; a single notice is one group of one item
	Unlisted int     // notices for which there was no room even in the list
	Untold   int     // notices in the list whose text had no room
	Reasons  []reason
	MoreWhys int // filters for which there was no room in the footer
	Manage   string
}

// group is what a digest says of one package or object.
type group struct {
	Name  string
	Count int // notices, also those without room
	Lines []line
	Items []item
}

// line is an entry of the contents: a notice, or several that belong together.
type line struct {
	Number   int
	Title    string
	Severity string
	Times    int    // notices
	Span     string // when, of several
	Link     string
	Untold   bool // no text of it had room
}

// item is one notice in full, or several that belong together.
type item struct {
	Number   int
	Title    string
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

// The bounds of a page, in characters or pieces.
const (
	maxName     = 80
	maxSentence = 300
	maxReasons  = 10
	maxText     = 16 << 10 // of one notice of a digest
	maxMembers  = 100      // notices told of a line
)

// room is how many bytes of content a page may have; spend says whether there was enough left.
type room int

func (r *room) spend(n int) bool {
	if int(*r) < n {
		return false
	}
	*r -= room(n)
	return true
}

// lay makes the page of a parcel in about budget bytes. Half of it may go to the list of contents, the rest to texts;
// what finds no room is counted, never silently left out.
func lay(p backends.Parcel, budget int) page {
	pg := page{Summary: summary(p.Notices), Digest: len(p.Notices) > 1, Manage: safeLink(p.Manage)}
	pg.Reasons, pg.MoreWhys = reasons(p.Notices, min(maxReasons, max(1, budget/8192)))
	list := room(budget / 2)
	number := 0
	var listed [][]backends.Group
	for _, about := range bunches(p.Notices) {
		out := group{Name: about.name, Count: about.count}
		var told []backends.Group
		for _, g := range about.groups {
			l := lineOf(g, number+1)
			if pg.Digest && (pg.Unlisted > 0 || !list.spend(2*(len(l.Title)+len(l.Link))+len(out.Name)+200)) {
				pg.Unlisted += len(g.Notices)
				continue
			}
			number++
			out.Lines = append(out.Lines, l)
			told = append(told, g)
		}
		if len(out.Lines) > 0 {
			pg.Groups = append(pg.Groups, out)
			listed = append(listed, told)
		}
	}
	pg.tell(listed, room(budget/2)+list, budget)
	return pg
}

// tell adds the notices' texts while there is room.
func (pg *page) tell(listed [][]backends.Group, left room, budget int) {
	limit := min(maxText, budget/8)
	if !pg.Digest {
		limit = budget / 3
	}
	for i, groups := range listed {
		for j, g := range groups {
			l := &pg.Groups[i].Lines[j]
			it, untold := pg.itemOf(g, l.Number, limit, &left)
			if pg.Untold += untold; untold == len(g.Notices) {
				l.Untold = true
				continue
			}
			pg.Groups[i].Items = append(pg.Groups[i].Items, it)
		}
	}
}

// itemOf tells a group, and says for how many of its notices there was no room.
func (pg *page) itemOf(g backends.Group, number, limit int, left *room) (it item, untold int) {
	if len(g.Notices) == 1 {
		it = itemOf(g.Notices[0], limit)
		it.Number = number
		if pg.Digest && !left.spend(it.size()) {
			return it, 1
		}
		return it, 0
	}
	it = item{Number: number, Title: groupTitle(g), Severity: severity(g.Notices[0]).word(), When: g.Span(), Filters: filterNames(g.Notices...)}
	if !left.spend(it.size()) {
		return it, len(g.Notices)
	}
	for i, n := range g.Notices {
		m := itemOf(n, limit)
		m.Filters = ""
		if i == maxMembers || !left.spend(m.size()) {
			it.More = len(g.Notices) - i
			break
		}
		it.Members = append(it.Members, m)
	}
	return it, it.More
}

// size is about how many bytes the item takes in both parts.
func (it item) size() int {
	return 2*(len(it.Text)+len(it.Title)+len(it.Link)+len(it.Filters)) + 600
}

func lineOf(g backends.Group, number int) line {
	l := line{Number: number, Title: groupTitle(g), Severity: severity(g.Notices[0]).word(), Times: len(g.Notices)}
	if links := g.Links(1); len(links) > 0 {
		l.Link = safeLink(links[0])
	}
	if l.Times > 1 {
		l.Span = g.Span()
	}
	return l
}

func itemOf(n backends.Notice, limit int) item {
	it := item{
		Title: title(n), Severity: severity(n).word(), Kind: cleanLine(n.KindName, maxName), Link: safeLink(n.Link), Filters: filterNames(n),
	}
	if !n.Time.IsZero() {
		it.When = n.Time.UTC().Format("2006-01-02 15:04 UTC")
	}
	it.Text, it.Cut = body(n, it.Title, limit)
	return it
}

// body is the notice's text without a first line that only repeats the title, or the title behind its "[package] ".
func body(n backends.Notice, title string, limit int) (shown string, cut bool) {
	raw := n.Text
	if len(raw) > limit {
		raw, cut = text.CutBytes(raw, limit), true
		if i := strings.LastIndexByte(raw, ' '); i > limit*3/4 {
			raw = raw[:i]
		}
	}
	shown = strings.TrimSpace(text.Clean(raw))
	first, rest, _ := strings.Cut(shown, "\n")
	if first == title || first != "" && strings.HasSuffix(title, "] "+first) {
		shown = strings.Trim(rest, "\n")
	}
	return shown, cut
}
