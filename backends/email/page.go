package email

import (
	"strings"

	"github.com/notifyd/notifyd/backends"
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

// line is an entry of the contents: equal titles in a row of one group are one line.
type line struct {
	Number   int // of the first item
	Title    string
	Severity string
	Times    int
	Link     string
	Untold   bool // the text of one of them had no room
}

// item is one notice in full.
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
}

// The bounds of a page, in characters or pieces.
const (
	maxName     = 80
	maxSentence = 300
	maxReasons  = 10
	maxText     = 16 << 10 // of one notice of a digest
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
	groups := groupNotices(p.Notices)
	list := room(budget / 2)
	number := 0
	listed := make([][]backends.Notice, len(groups))
	for i, g := range groups {
		out := group{Name: g.name, Count: len(g.notices)}
		for _, n := range g.notices {
			l := lineOf(n, number+1)
			if pg.Digest && (pg.Unlisted > 0 || !list.spend(2*(len(l.Title)+len(l.Link))+len(out.Name)+200)) {
				pg.Unlisted++
				continue
			}
			number++
			out.Lines = addLine(out.Lines, l)
			listed[i] = append(listed[i], n)
		}
		if len(out.Lines) > 0 {
			pg.Groups = append(pg.Groups, out)
		}
	}
	pg.tell(listed, room(budget/2)+list, budget)
	return pg
}

// tell adds the notices' texts while there is room.
func (pg *page) tell(listed [][]backends.Notice, left room, budget int) {
	limit := min(maxText, budget/8)
	if !pg.Digest {
		limit = budget / 3
	}
	number := 0
	for i, ns := range listed {
		for _, n := range ns {
			number++
			it := itemOf(n, number, limit)
			it.Filters = filterNames(n)
			if pg.Digest && !left.spend(2*(len(it.Text)+len(it.Title)+len(it.Link)+len(it.Filters))+600) {
				pg.Untold++
				pg.Groups[i].markUntold(number)
				continue
			}
			pg.Groups[i].Items = append(pg.Groups[i].Items, it)
		}
	}
}

func (g group) markUntold(number int) {
	for i, l := range g.Lines {
		if l.Number <= number && number < l.Number+l.Times {
			g.Lines[i].Untold = true
		}
	}
}

func addLine(lines []line, l line) []line {
	if n := len(lines); n > 0 && lines[n-1].Title == l.Title && lines[n-1].Severity == l.Severity {
		lines[n-1].Times++
		lines[n-1].Link = l.Link // the latest
		return lines
	}
	return append(lines, l)
}

func lineOf(n backends.Notice, number int) line {
	return line{Number: number, Title: title(n), Severity: severity(n).word(), Times: 1, Link: safeLink(n.Link)}
}

func itemOf(n backends.Notice, number, limit int) item {
	it := item{
		Number: number, Title: title(n), Severity: severity(n).word(), Kind: cleanLine(n.KindName, maxName), Link: safeLink(n.Link),
	}
	if !n.Time.IsZero() {
		it.When = n.Time.UTC().Format("2006-01-02 15:04 UTC")
	}
	it.Text, it.Cut = body(n, it.Title, limit)
	return it
}

// body is the notice's text without a first line that only repeats the title, or the title behind its "[package] ".
func body(n backends.Notice, title string, limit int) (text string, cut bool) {
	raw := n.Text
	if len(raw) > limit {
		raw, cut = firstBytes(raw, limit), true
		if i := strings.LastIndexByte(raw, ' '); i > limit*3/4 {
			raw = raw[:i]
		}
	}
	text = strings.TrimSpace(cleanText(raw))
	if text == title || text != "" && strings.HasSuffix(title, "] "+text) {
		return "", cut
	}
	if rest, ok := strings.CutPrefix(text, title+"\n"); ok {
		text = strings.TrimLeft(rest, "\n")
	}
	return text, cut
}
