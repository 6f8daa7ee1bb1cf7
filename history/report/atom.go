package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// The elements of a feed (RFC 4287).
type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	About   string      `xml:"subtitle,omitempty"`
	Updated string      `xml:"updated"`
	Author  atomPerson  `xml:"author"`
	Links   []atomLink  `xml:"link"`
	Entries []atomEntry `xml:"entry"`
}

type atomPerson struct {
	Name string `xml:"name"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Links   []atomLink  `xml:"link"`
	Content atomContent `xml:"content"`
}

type atomContent struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

// Atom gives the feed of a report, an entry for each result, the latest first. page is the address of its page. An id
// is a tag (RFC 4151) of the host, the report and the window, so it stays when the page is made again. since is when
// a feed without entries was last changed.
func (r *Report) Atom(page string, results []*Result, since time.Time) ([]byte, error) {
	u, err := url.Parse(page)
	if err != nil {
		return nil, fmt.Errorf("feed of report %s: %w", r.Name, err)
	}
	id := "tag:" + u.Hostname() + ",2026:notifyd/report/" + r.Name
	feed := atomFeed{ID: id, Title: over(r.Title), About: r.About, Updated: since.UTC().Format(time.RFC3339),
		Author: atomPerson{u.Hostname()}, Links: []atomLink{{"alternate", "text/html", page},
			{"self", "application/atom+xml", page + ".atom"}}}
	for i, made := range results {
		updated := made.Until.UTC().Format(time.RFC3339)
		if i == 0 {
			feed.Updated = updated
		}
		html, err := made.HTML()
		if err != nil {
			return nil, err
		}
		feed.Entries = append(feed.Entries, atomEntry{
			ID: id + "/" + r.Window.String() + "/" + made.Day(), Title: made.Title + ": " + made.Period(), Updated: updated,
			Links:   []atomLink{{"alternate", "text/html", page + "?of=" + made.Day()}},
			Content: atomContent{"html", string(html)},
		})
	}
	var out bytes.Buffer
	out.WriteString(xml.Header)
	encoder := xml.NewEncoder(&out)
	encoder.Indent("", "  ")
	if err := encoder.Encode(feed); err != nil {
		return nil, fmt.Errorf("feed of report %s: %w", r.Name, err)
	}
	return []byte(strings.ToValidUTF8(out.String(), "\uFFFD") + "\n"), nil
}
