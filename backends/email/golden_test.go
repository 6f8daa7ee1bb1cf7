package email

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
)

var update = flag.Bool("update", false, "rewrite testdata/golden")

// gallery are the messages that people look at: testdata/golden shows them.
func gallery() map[string]backends.Parcel {
	samples := backendtest.Samples()
	to := func(id string, ns ...backends.Notice) backends.Parcel {
		return backends.Parcel{ID: id, To: "alice@example.org", Notices: ns,
			Manage: "https://notify.example.org/settings"}
	}
	account := to("golden-account", backendtest.Account())
	account.Manage = ""
	return map[string]backends.Parcel{
		"failed-build": to("golden-1", samples[0]),
		"unicode":      to("golden-2", samples[2]),
		"two-filters":  to("golden-3", twoFilters(samples[1])),
		"account":      account,
		"digest":       to("golden-4", morning()...),
		"groups":       to("golden-5", night()...),
		"marked":       to("golden-6", backendtest.Marked()[0]),
		"some-marked":  to("golden-7", twilight()...),
		"signed":       to("golden-8", signed(samples[1])),
		"text-only":    chosen(to("golden-9", samples[0]), optionFormat, formatText),
		"links-only":   chosen(to("golden-10", morning()[:3]...), optionFormat, formatLinks),
		"by-package":   chosen(to("golden-11", related(samples[0])), optionList, listPackage),
	}
}

func twoFilters(n backends.Notice) backends.Notice {
	n.Why = append(slices.Clone(n.Why), backends.Reason{
		Filter: "About me", Sentence: "alice is involved, and it was not alice who did it",
		Link: "https://notify.example.org/filters/8", Stop: "https://notify.example.org/stop/def?sig=fedcba9876543210",
	})
	return n
}

func chosen(p backends.Parcel, option, value string) backends.Parcel {
	p.Options = map[string]string{option: value}
	return p
}

func related(n backends.Notice) backends.Notice {
	n.Relations, n.Phase = []string{"mentioned", "owner", "king"}, "finished"
	return n
}

func signed(n backends.Notice) backends.Notice {
	n.Signer = `bodhi "02" app01.example.org`
	return n
}

// twilight is a digest of which some is marked: two groups, of which one has a twin that is proved.
func twilight() []backends.Notice {
	out := append(backendtest.Marked(), backendtest.Builds(3)...)
	for i, n := range backendtest.Builds(2) {
		n.ID, n.Provenance, n.Link = fmt.Sprintf("2026-twilight-%d", i), backendtest.Marked()[0].Provenance, ""
		out = append(out, n)
	}
	return out
}

// morning is what a person may find after a night: a build tried over and over, comments, an edited page, a patch.
func morning() []backends.Notice {
	samples := backendtest.Samples()
	var out []backends.Notice
	add := func(n backends.Notice, change func(*backends.Notice)) {
		change(&n)
		n.ID = fmt.Sprintf("2026-morning-%d", len(out))
		n.Time = samples[0].Time.Add(time.Duration(len(out)*17) * time.Minute)
		out = append(out, n)
	}
	add(samples[1], func(*backends.Notice) {})
	for i := range 3 {
		add(samples[0], func(n *backends.Notice) {
			n.Link = fmt.Sprintf("https://builds.example.org/build/%d", 1234+i)
		})
	}
	add(samples[0], func(n *backends.Notice) {
		n.Title, n.Severity = "Build of bash-5.3-2 finished", "info"
		n.Kind, n.KindName = "buildsys.build.done", "Finished builds"
		n.Actor, n.Objects = "dave", []string{"build/1240"}
		n.Text = "carol's build of bash-5.3-2 finished on all architectures after 9 minutes."
	})
	add(samples[2], func(*backends.Notice) {})
	add(samples[1], func(n *backends.Notice) {
		n.Title = "The update of openssl-libs-with-a-very-long-name-3.5.1-2.fc43 was unpushed by alice"
		n.Packages, n.Severity = []string{"openssl"}, "warning"
		n.Actor, n.Objects = "alice", []string{"update/43"}
		n.Text = "alice unpushed the update. The change:\n\n  --- a/spec\n  +++ b/spec\n  @@ -1 +1 @@\n" +
			"  -Release: 1\n  +Release: 2\n\nSee also https://bugs.example.org/show_bug.cgi?id=123456789" +
			"&with=a&very=long&query=that-does-not-fit-into-one-line-of-any-mail"
	})
	return out
}

// night is a run of builds, one person's comments on many updates and a page, most of it in groups.
func night() []backends.Notice {
	out := backendtest.Builds(7)
	comment, page := backendtest.Samples()[1], backendtest.Samples()[2]
	for i, name := range []string{"zsh", "bash", "a-package-with-quite-a-long-name-indeed", "make", "openssl"} {
		n := comment
		n.ID, n.Time = fmt.Sprintf("2026-night-%d", i), n.Time.Add(time.Duration(i*i)*time.Hour)
		n.Title, n.Text = "["+name+"] bob commented on the update of "+name, "bob commented on the update of "+name
		n.Packages, n.Objects = []string{name}, []string{"update/" + name}
		n.Link = "https://updates.example.org/u/" + name
		if name == "zsh" {
			n.Text += "\n\nWorks for me, except that:\n\n    $ echo ${x:?}\n    zsh: x: parameter not set"
		}
		out = append(out, n)
	}
	return append(out, page)
}

func TestGolden(t *testing.T) {
	b := newBackend(t, Config{
		Host: "mx.example.org", From: "notifyd@example.org", FromName: "Example notices",
		ListDomain: "notify.example.org",
	})
	for name, p := range gallery() {
		t.Run(name, func(t *testing.T) {
			raw := render(t, b, p)
			checkMessage(t, raw)
			m, err := parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			head, _, _ := strings.Cut(string(raw), "\r\n\r\n")
			golden(t, name+".headers.txt", headersOf(head))
			golden(t, name+".txt", m.text)
			golden(t, name+".html", m.html)
		})
	}
}

// headersOf sorts the headers and leaves out the boundary, which is new each time.
func headersOf(head string) string {
	fields := strings.Split(strings.ReplaceAll(head, "\r\n ", " "), "\r\n")
	fields = slices.DeleteFunc(fields, func(s string) bool { return strings.HasPrefix(s, "Content-Type:") })
	slices.Sort(fields)
	return strings.Join(fields, "\n") + "\n"
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run go test -update and look at the difference:\n%s", name, got)
	}
}
