package email

import (
	"fmt"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
)

// The sentence about several notices is made of what anybody may have published, as everything else.
func TestHostileGroups(t *testing.T) {
	for name, n := range backendtest.Hostile() {
		again := n
		again.ID, again.Title = n.ID+"2", "another "+n.Title
		m := rendered(t, testBackend(t), backends.Parcel{ID: "d", To: "a@example.org", Notices: []backends.Notice{n, again}})
		for _, bad := range []string{"\r", "\x00", "\x1b", "\u202e"} {
			if strings.Contains(m.text, bad) {
				t.Errorf("%s: the text has %q", name, bad)
			}
		}
		if n.Topic != "" && !strings.Contains(strings.Join(strings.Fields(m.text), " "), "(2 notices, ") {
			t.Errorf("%s: not one line:\n%.500s", name, m.text)
		}
	}
}

func TestSectionsAreNamedByWhatAllOfALineAreAbout(t *testing.T) {
	about := func(app, object string, packages ...string) backends.Notice {
		return backends.Notice{Topic: "t", App: app, Kind: "k", KindName: "Kinds", Packages: packages, Objects: []string{object}, Actor: object,
			Grouping: backends.Grouping{Keys: []string{object}}}
	}
	for _, c := range []struct {
		name    string
		notices []backends.Notice
		want    string
	}{
		{"one package", []backends.Notice{about("a", "x", "tea"), about("a", "x", "tea")}, "tea 2"},
		{"several packages", []backends.Notice{about("a", "x", "tea"), about("a", "x", "cup")}, "a 2"},
		{"object", []backends.Notice{about("a", "x"), about("a", "x")}, "x 2"},
		{"several packages, no application", []backends.Notice{about("", "x", "tea"), about("", "x", "cup")}, "other 2"},
		{"lines of one package", []backends.Notice{about("a", "x", "tea"), about("a", "y", "tea"), about("a", "x", "tea")}, "tea 3"},
	} {
		got := sections(c.notices)
		if len(got) != 1 || fmt.Sprint(got[0].Name, " ", got[0].Count) != c.want {
			t.Errorf("%s: %+v, want %s", c.name, got, c.want)
		}
	}
}
