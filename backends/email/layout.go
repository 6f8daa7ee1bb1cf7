package email

import (
	"cmp"
	"net/url"
	"slices"

	"github.com/notifyd/notifyd/backends"
)

const (
	maxReasons = 10
	maxText    = 16 << 10 // bytes of one notice's text in a digest
	maxMembers = 100      // notices of an item
)

// maxNote bounds the sentences about why a parcel comes as it does, in characters.
const maxNote = 500

// maxCaution bounds the sentences about a standing, in characters.
const maxCaution = 700

// budget is how many bytes of content are left.
type budget int

// spend takes n bytes, if there are so many.
func (b *budget) spend(n int) bool {
	if int(*b) < n {
		return false
	}
	*b -= budget(n)
	return true
}

// layOut makes the content of a parcel in about as many bytes. Half of them may go to the list of a digest, the rest to
// texts. What has no room is counted, never silently left out.
func layOut(p backends.Parcel, bytes int) content {
	c := content{Summary: summary(p.Notices), Digest: len(p.Notices) > 1, Manage: safeLink(p.Manage),
		Page: safeLink(p.Page),
		Note: cleanLine(p.Note, maxNote)}
	c.Mute = mutePage(p)
	c.Marked = markedLine(p.Notices)
	c.AnyMarked = c.Marked != ""
	c.Reasons, c.MoreReasons = reasons(p.Notices, min(maxReasons, max(1, bytes/8192)))
	left := budget(bytes / 2)
	c.addEntries(sections(p.Notices), &left)
	left += budget(bytes / 2)
	limit := bytes / 3
	if c.Digest {
		limit = min(maxText, bytes/8)
	}
	c.addTexts(limit, &left)
	return c
}

// mutePage is the signed page of a mail about one message: it asks what of it to mute.
func mutePage(p backends.Parcel) string {
	if p.Mute == "" || len(p.Notices) != 1 || p.Notices[0].Topic == "" {
		return ""
	}
	return safeLink(p.Mute + "?message=" + url.QueryEscape(p.Notices[0].ID))
}

// sections merges the notices into groups and gathers these by package, else by object, else by application; the worst
// sections first, in each the worst groups first, then the oldest.
func sections(ns []backends.Notice) []section {
	index := map[string]int{}
	var all []section
	for _, g := range backends.Merge(ns) {
		name := sectionName(g)
		i, ok := index[name]
		if !ok {
			i = len(all)
			index[name] = i
			all = append(all, section{Name: name})
		}
		all[i].groups = append(all[i].groups, g)
		all[i].Count += len(g.Notices)
	}
	return all
}

// sectionName is what all notices of a group are about; the application where that differs.
func sectionName(g backends.Group) string {
	name := about(g.Notices[0])
	for _, n := range g.Notices[1:] {
		if about(n) != name {
			return cmp.Or(cleanLine(g.Notices[0].App, maxName), "other")
		}
	}
	return name
}

// addEntries fills the list while there is room. The only entry of a mail that is no digest is not shown.
func (c *content) addEntries(all []section, left *budget) {
	number := 0
	for _, s := range all {
		var listed []backends.Group
		for _, g := range s.groups {
			e := entryOf(g, number+1)
			if c.Digest && (c.Unlisted > 0 || !left.spend(2*(len(e.Title)+len(e.Link))+len(s.Name)+200)) {
				c.Unlisted += len(g.Notices)
				continue
			}
			number++
			s.Entries = append(s.Entries, e)
			listed = append(listed, g)
		}
		if s.groups = listed; len(listed) > 0 {
			c.Sections = append(c.Sections, s)
		}
	}
}

func entryOf(g backends.Group, number int) entry {
	e := entry{
		Number: number, Title: groupTitle(g), Standing: g.Notices[0].Standing, Severity: severityWord(g.Notices[0]),
		Times: len(g.Notices),
	}
	if links := g.Links(1); len(links) > 0 {
		e.Link = safeLink(links[0])
	}
	if e.Times > 1 {
		e.Span = g.Span()
	}
	return e
}

// addTexts adds what the entries stand for while there is room, each text up to limit bytes.
func (c *content) addTexts(limit int, left *budget) {
	for i := range c.Sections {
		s := &c.Sections[i]
		for j, g := range s.groups {
			it, omitted := c.itemOf(g, limit, left)
			if c.Omitted += omitted; omitted == len(g.Notices) {
				s.Entries[j].Omitted = true
				continue
			}
			it.Number = s.Entries[j].Number
			s.Items = append(s.Items, it)
		}
	}
}

// itemOf is a group in full, and for how many of its notices there was no room.
func (c *content) itemOf(g backends.Group, limit int, left *budget) (it item, omitted int) {
	if len(g.Notices) == 1 {
		it = itemOf(g.Notices[0], limit)
		if c.Digest && !left.spend(it.size()) {
			return it, 1
		}
		return it, 0
	}
	it = item{
		Title: groupTitle(g), Severity: severityWord(g.Notices[0]), When: g.Span(), Filters: filterNames(g.Notices...),
		Standing: g.Notices[0].Standing, Caution: cleanLine(g.Notices[0].Caution, maxCaution),
	}
	if !left.spend(it.size()) {
		return it, len(g.Notices)
	}
	for i, n := range g.Notices {
		m := itemOf(n, limit)
		m.Filters = ""
		if m.Caution == it.Caution {
			m.Standing, m.Caution = "", "" // said of all of them
		}
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
	return 2*(len(it.Text)+len(it.Title)+len(it.Link)+len(it.Filters)+len(it.Caution)) + 600
}

func itemOf(n backends.Notice, limit int) item {
	it := item{
		Title: title(n), Severity: severityWord(n), Kind: n.Shown(cleanLine(n.KindName, maxName)),
		Link: safeLink(n.Link), Filters: filterNames(n), Standing: n.Standing, Caution: cleanLine(n.Caution, maxCaution),
	}
	if !n.Time.IsZero() {
		it.When = n.Time.Format("2006-01-02 15:04 MST")
	}
	it.Text, it.Cut = body(n, it.Title, limit)
	return it
}

// reasons are the filters of all notices, those that matched most first.
func reasons(ns []backends.Notice, limit int) (all []reason, more int) {
	index := map[string]int{}
	for _, n := range ns {
		for _, w := range n.Why {
			key := w.Filter + "\x00" + w.Stop
			i, ok := index[key]
			if !ok {
				i = len(all)
				index[key] = i
				all = append(all, reason{
					Filter: cleanLine(w.Filter, maxName), Sentence: cleanLine(w.Sentence, maxSentence),
					Link: safeLink(w.Link), Stop: safeLink(w.Stop),
				})
			}
			all[i].Count++
		}
	}
	slices.SortStableFunc(all, func(a, b reason) int { return cmp.Compare(b.Count, a.Count) })
	if len(all) > limit {
		return all[:limit], len(all) - limit
	}
	return all, 0
}
