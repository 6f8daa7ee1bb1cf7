package email

import (
	"fmt"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
)

func TestSubject(t *testing.T) {
	b := newBackend(t, Config{Host: "mx", From: "n@example.org", SubjectPrefix: "[ex]"})
	for _, c := range []struct {
		want   string
		notice backends.Notice
	}{
		{"[ex] [bash] built", backends.Notice{Title: "built", Packages: []string{"bash"}}},
		{"[ex] Bash was built", backends.Notice{Title: "Bash was built", Packages: []string{"bash"}}},
		{"[ex] built", backends.Notice{Title: "built", Packages: []string{"bash", "zsh"}}},
		{"[ex] [bash] error: built", backends.Notice{Title: "built", Packages: []string{"bash"}, Severity: "error"}},
		{"[ex] warning: x", backends.Notice{Title: "x", Severity: "warning"}},
		{"[ex] first line", backends.Notice{Text: "first line\nsecond"}},
		{"[ex] Builds", backends.Notice{KindName: "Builds"}},
		{"[ex] Notice", backends.Notice{}},
		{"[ex] " + strings.Repeat("x", maxSubject-6) + "…", backends.Notice{Title: strings.Repeat("x", 1000)}},
	} {
		c.notice.Why = []backends.Reason{{Filter: "f"}}
		if got := b.composer.subject(backends.Parcel{Notices: []backends.Notice{c.notice}}); got != c.want {
			t.Errorf("subject = %q, want %q", got, c.want)
		}
	}
	digest := []backends.Notice{{Title: "old"}, {Title: "bad", Severity: "error"},
		{Title: "worst", Severity: "critical"}, {Title: "new"}}
	if got := b.composer.subject(backends.Parcel{Notices: digest}); got != "[ex] 4 notices: worst" {
		t.Errorf("subject of a digest = %q", got)
	}
}

func TestDateIsNow(t *testing.T) {
	m := rendered(t, testBackend(t), sample("p"))
	if got, err := m.header.Date(); err != nil || !got.Equal(noon()) {
		t.Errorf("Date = %v, %v, want %v", got, err, noon().Format(time.RFC1123Z))
	}
	if got := fmt.Sprint(m.all("User-Agent"), m.all("X-Mailer")); got != "[] []" {
		t.Errorf("the program's version is in a header: %s", got)
	}
}

// Whatever name the operator gives us is the one that people read.
func TestFromName(t *testing.T) {
	for _, name := range []string{`The "best" notifier`, `a\`, `Jörg <x>`, "a, b", "(c)", "x@y", "notifyd",
		"日本語のとても長い名前、一行に収まらないほどの長さの名前です"} {
		b := newBackend(t, Config{Host: "mx.example.org", From: "notifyd@example.org", FromName: name})
		m := rendered(t, b, backends.Parcel{ID: "p", To: "alice@example.org", Notices: backendtest.Samples()[:1]})
		raw := m.header[mailKey("From")][0]
		from, err := netmail.ParseAddress(raw)
		if err != nil || from.Name != name || from.Address != "notifyd@example.org" {
			t.Errorf("From = %q, read as %+v (%v), want the name %q", raw, from, err, name)
		}
	}
}

// The sentence about several notices is made of what anybody may have published, as everything else.
func TestHostileGroups(t *testing.T) {
	for name, n := range backendtest.Hostile() {
		again := n
		again.ID, again.Title = n.ID+"2", "another "+n.Title
		m := rendered(t, testBackend(t), backends.Parcel{ID: "d", To: "a@example.org",
			Notices: []backends.Notice{n, again}})
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

// The footer names every filter and every way out.
func TestWhy(t *testing.T) {
	for name, p := range gallery() {
		if p.Options[optionFormat] == formatLinks {
			continue // it says nothing of why: see TestLinksOnlySayNothing
		}
		m := rendered(t, testBackend(t), p)
		for _, n := range p.Notices {
			for _, w := range n.Why {
				flat := strings.Join(strings.Fields(m.text), " ")
				for _, want := range []string{"“" + w.Filter + "”: " + w.Sentence, w.Link, w.Stop, p.Manage} {
					if !strings.Contains(flat, want) {
						t.Errorf("%s: the text lacks %q", name, want)
					}
				}
				for _, want := range []string{`href="` + w.Link + `"`, `href="` + w.Stop + `"`,
					`href="` + p.Manage + `"`} {
					if !strings.Contains(m.html, want) && p.Options[optionFormat] != formatText {
						t.Errorf("%s: the HTML lacks %q", name, want)
					}
				}
			}
		}
	}
}
