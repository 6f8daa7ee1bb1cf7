package email

import (
	"strings"
	"testing"

	"github.com/notifyd/notifyd/backends"
)

// TestDocument: a report is a mail of a list, laid out as it is, in both forms; one that is too large is cut.
func TestDocument(t *testing.T) {
	b := newBackend(t, Config{Host: "mx", From: "n@example.org", ListDomain: "lists.example.org", MaxBytes: minBytes})
	table := "Name         Messages\nalice " + strings.Repeat(".", 80) + "  7\n"
	p := backends.Parcel{ID: "4711", To: "devel@example.org", Notices: []backends.Notice{{
		ID: "report:this-week:1", App: "report-this-week", Kind: "report", Title: "This week", Text: table,
		Link: "https://example.org/reports/this-week",
		Document: &backends.Document{HTML: "<table><tr><td>alice &lt;b&gt;</td></tr></table>",
			Foot: "Mailed every <Monday>."},
	}}}
	m := rendered(t, b, p)
	if got := m.get("List-Id"); got != "report-this-week notices <report-this-week.lists.example.org>" {
		t.Errorf("List-Id = %q", got)
	}
	if got := m.get("Subject"); got != "This week" {
		t.Errorf("Subject = %q", got)
	}
	if got := m.get("Message-ID"); got != "<p.4711@lists.example.org>" || m.get("Precedence") != "bulk" {
		t.Errorf("Message-ID = %q", got)
	}
	foot := "-- \nMailed every <Monday>.\nhttps://example.org/"
	if !strings.HasPrefix(m.text, table) || !strings.Contains(m.text, foot) {
		t.Errorf("text:\n%s", m.text)
	}
	for _, want := range []string{"<td>alice &lt;b&gt;</td>", "Mailed every &lt;Monday&gt;.",
		`href="https://example.org/reports/this-week"`} {
		if !strings.Contains(m.html, want) {
			t.Errorf("the HTML lacks %q:\n%s", want, m.html)
		}
	}
	large := &backends.Document{HTML: strings.Repeat("<p>more</p>", 20_000)}
	for name, d := range map[string]backends.Notice{
		"HTML": {Text: table, Document: large},
		"both": {Text: strings.Repeat(table, 5_000), Document: large},
	} {
		p.Notices[0].Text, p.Notices[0].Document = d.Text, d.Document
		m, err := b.composer.compose(p)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if n, err := m.WriteTo(&out); err != nil || n > minBytes {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
		if !strings.Contains(out.String(), "Name") || strings.Contains(out.String(), "<p>more") {
			t.Errorf("%s: %.600s", name, out.String())
		}
	}
}
