package email

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
)

func optionsBackend(t *testing.T, domain string) *Backend {
	return newBackend(t, Config{Host: "mx.example.org", From: "notifyd@example.org", ListDomain: "lists.example.org",
		RelationDomain: domain})
}

func parcelOf(options map[string]string, ns ...backends.Notice) backends.Parcel {
	return backends.Parcel{ID: "options", To: "alice@example.org", Notices: ns, Options: options,
		Manage: "https://notify.example.org/"}
}

func TestTextOnlyHasOnePart(t *testing.T) {
	b := optionsBackend(t, "")
	m := rendered(t, b, parcelOf(map[string]string{optionFormat: formatText}, backendtest.Samples()[0]))
	if kind := m.get("Content-Type"); !strings.HasPrefix(kind, "text/plain") {
		t.Errorf("Content-Type = %q", kind)
	}
	account := rendered(t, b, parcelOf(map[string]string{optionFormat: formatText}, backendtest.Account()))
	if kind := account.get("Content-Type"); !strings.HasPrefix(kind, "multipart/alternative") {
		t.Errorf("mail about an account has Content-Type %q", kind)
	}
}

// TestLinksOnlySayNothing looks through all of a mail for what the notice says.
func TestLinksOnlySayNothing(t *testing.T) {
	n := backends.Notice{
		ID: "2026-1", Topic: "org.example.prod.secretopic", App: "bodhi", Kind: "bodhi.secretkind", KindName: "Secretkinds",
		Title: "[secretpackage] secretitle", Text: "secretext", Link: "https://example.org/1", Actor: "secretactor",
		Users: []string{"secretuser"}, Packages: []string{"secretpackage"}, Objects: []string{"update/secretobject"},
		Severity: "error", Why: []backends.Reason{{Filter: "Mine", Sentence: "a secretsentence holds",
			Stop: "https://notify.example.org/stop/1"}},
		Grouping: backends.Grouping{Keys: []string{"secretkey"}},
	}
	for _, ns := range [][]backends.Notice{{n}, {n, n}} {
		m := rendered(t, optionsBackend(t, ""), parcelOf(map[string]string{optionFormat: formatLinks}, ns...))
		all := strings.ToLower(fmt.Sprint(m.header, m.text, m.html))
		if strings.Contains(all, "secret") {
			t.Errorf("a mail of links only says what it is about:\n%s", all)
		}
		for _, want := range []string{"https://example.org/1", "error", "https://notify.example.org/stop/1"} {
			if !strings.Contains(all, want) {
				t.Errorf("it lacks %q", want)
			}
		}
	}
}

func TestListsAndThreadsByPackage(t *testing.T) {
	b := optionsBackend(t, "")
	byPackage := map[string]string{optionList: listPackage}
	one, other := backendtest.Samples()[0], backendtest.Samples()[0]
	one.Packages, one.Objects, other.Packages, other.Objects = []string{"GTK+3"}, []string{"build/1"}, []string{"GTK+3"},
		[]string{"update/2"}
	a, z := rendered(t, b, parcelOf(byPackage, one)), rendered(t, b, parcelOf(byPackage, other))
	if got := a.get("List-Id"); got != "package-gtk-3 notices <package-gtk-3.lists.example.org>" {
		t.Errorf("List-Id = %q", got)
	}
	if a.get("In-Reply-To") != z.get("In-Reply-To") {
		t.Errorf("two notices of one package are in threads of their own")
	}
	plain := rendered(t, b, parcelOf(nil, one))
	if a.get("In-Reply-To") == plain.get("In-Reply-To") {
		t.Errorf("without the option the thread is that of the package, too")
	}
	one.Packages = []string{"a", "b"}
	if got := rendered(t, b, parcelOf(byPackage, one)).get("List-Id"); !strings.HasPrefix(got, listLabel(one.App)) {
		t.Errorf("of several packages: List-Id = %q", got)
	}
}

func TestRelationsAreSaid(t *testing.T) {
	n := backendtest.Samples()[0]
	n.Relations = []string{"owner", "mentioned", "x\r\nBcc: y@example.org"}
	m := rendered(t, optionsBackend(t, ""), parcelOf(nil, n))
	if got := m.all("X-Notifyd-Relation"); !slices.Equal(got, []string{"mentioned", "owner"}) || len(m.all("Cc")) > 0 {
		t.Errorf("relations %q, Cc %q", got, m.all("Cc"))
	}
	m = rendered(t, optionsBackend(t, "noreply.example.org"), parcelOf(nil, n))
	want := "Mentioned <mentioned@noreply.example.org>, Owner <owner@noreply.example.org>"
	if got := m.get("Cc"); strings.Join(strings.Fields(got), " ") != want {
		t.Errorf("Cc = %q, want %q", got, want)
	}
	composed, err := optionsBackend(t, "noreply.example.org").composer.compose(parcelOf(nil, n))
	if err != nil {
		t.Fatal(err)
	}
	if e, err := onTheWire(new(buffer), composed); err != nil || e.to != "alice@example.org" {
		t.Errorf("the envelope goes to %q (%v)", e.to, err)
	}
}

func TestOverflowLeadsToItsPage(t *testing.T) {
	b := newBackend(t, Config{Host: "mx.example.org", From: "notifyd@example.org", MaxBytes: minBytes})
	p := parcelOf(nil, backendtest.Builds(1)...)
	for range 400 {
		n := backendtest.Samples()[1]
		n.Title, n.Objects, n.Packages = strings.Repeat("long words ", 12), nil, nil
		p.Notices = append(p.Notices, n)
	}
	p.Page = "https://notify.example.org/notices?parcel=options"
	m := rendered(t, b, p)
	if !strings.Contains(m.text, "All of them: "+p.Page) || !strings.Contains(m.html, p.Page) {
		t.Errorf("no link to the page:\n%s", m.text[:min(len(m.text), 3000)])
	}
}
