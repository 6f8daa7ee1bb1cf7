package email

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
)

// FuzzHeaderValue puts what somebody published into every field that reaches a header. The message must have our
// headers, each with the cleaned value and nothing else.
func FuzzHeaderValue(f *testing.F) {
	for _, n := range backendtest.Hostile() {
		f.Add(n.Title[:min(len(n.Title), 2000)])
	}
	for _, s := range []string{
		"plain", "", " ", "a\r\nBcc: x@example.org", "\r\n\r\nbody", "=?utf-8?q?=0D=0Ax:_y?=",
		"==??utf-8?b?eDogeQ==?=", "Ünïcödé 日本語",
		strings.Repeat("word ", 500), strings.Repeat("é", 1000), "a,b;c<d>e\"f", "\u200f\u202e", "x\x00y", "\xff",
		"😀😀😀", "a  b   c",
	} {
		f.Add(s)
	}
	b := newBackend(f, Config{Host: "mx.example.org", From: "notifyd@example.org", ListDomain: "lists.example.org",
		MaxBytes: minBytes})
	f.Fuzz(func(t *testing.T, s string) {
		n := backends.Notice{
			ID: s, Topic: s, Time: noon(), App: s, Kind: s, KindName: s, Title: s, Text: s, Link: s, Actor: s,
			Users:    []string{s},
			Packages: []string{s}, Objects: []string{s}, Severity: s,
			Why: []backends.Reason{{Filter: s, Sentence: s, Link: s, Stop: s}},
		}
		m := rendered(t, b, backends.Parcel{ID: s, To: "alice@example.org", Notices: []backends.Notice{n}, Manage: s})
		if got, want := m.get("Subject"),
			b.composer.subject(backends.Parcel{Notices: []backends.Notice{n}}); got != want {
			t.Errorf("Subject = %q, want %q", got, want)
		}
		for _, name := range []string{
			"X-Notifyd-Topic", "X-Notifyd-App", "X-Notifyd-Kind", "X-Notifyd-Package", "X-Notifyd-User",
			"X-Notifyd-Actor",
			"X-Notifyd-Message-Id", "X-Notifyd-Severity", "X-Fedmsg-Topic", "X-Fedmsg-Category",
			"X-Fedmsg-Username", "X-Fedmsg-Package",
		} {
			var want []string
			if v := headerValue(s, maxValue); v != "" {
				want = []string{v}
			}
			if got := m.all(name); !slices.Equal(got, want) {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		for name, want := range map[string]string{
			"To": "<alice@example.org>", "From": `"notifyd" <notifyd@example.org>`,
			"Auto-Submitted": "auto-generated", "Precedence": "bulk",
		} {
			if got := m.get(name); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		checkIDs(t, m)
	})
}

// checkIDs: ids and lists are of the characters that every program takes.
func checkIDs(t *testing.T, m parsed) {
	t.Helper()
	id := m.get("Message-Id")
	if !strings.HasPrefix(id, "<") || !strings.HasSuffix(id, "@lists.example.org>") ||
		strings.ContainsAny(id, " \t,\"") || strings.Count(id, "@") != 1 {
		t.Errorf("Message-Id = %q", id)
	}
	label, rest, _ := strings.Cut(m.get("List-Id"), " notices <")
	if label == "" || rest != label+".lists.example.org>" || !isHostName(label) {
		t.Errorf("List-Id = %q", m.get("List-Id"))
	}
	for _, v := range m.all("List-Unsubscribe") {
		inner := strings.TrimSuffix(strings.TrimPrefix(v, "<"), ">")
		if u, err := url.Parse(inner); err != nil || u.Host == "" || strings.ContainsAny(inner, "<> \t") ||
			!utf8.ValidString(v) {
			t.Errorf("List-Unsubscribe = %q", v)
		}
	}
}

func TestListHeaders(t *testing.T) {
	why := func(filter, stop string) backends.Reason {
		return backends.Reason{Filter: filter, Sentence: "s", Stop: stop}
	}
	a, b := "https://n.example.org/stop/a", "https://n.example.org/stop/b"
	note := func(app string, why ...backends.Reason) backends.Notice {
		return backends.Notice{App: app, Title: "t", Why: why}
	}
	for _, c := range []struct {
		name                   string
		manage                 string
		notices                []backends.Notice
		list, unsubscribe, way string
	}{
		{"one", "", []backends.Notice{note("Bodhi", why("f", a))}, "bodhi", "<" + a + ">",
			"List-Unsubscribe=One-Click"},
		{"http cannot be one-click", "", []backends.Notice{note("x", why("f", "http://localhost/stop"))}, "x",
			"<http://localhost/stop>", ""},
		{"most of the digest", "", []backends.Notice{note("x", why("f", a)), note("y", why("g", b)),
			note("x", why("g", b))}, "digest", "<" + b + ">", "List-Unsubscribe=One-Click"},
		{"digest of one application", "", []backends.Notice{note("x y", why("f", a)), note("X-Y", why("f", a))},
			"x-y", "<" + a + ">", "List-Unsubscribe=One-Click"},
		{"no stop link", "https://n.example.org/me", []backends.Notice{note("x", why("f", ""))}, "x",
			"<https://n.example.org/me>", ""},
		{"no link at all", "", []backends.Notice{note("日本", why("f", "javascript:x"))}, "other", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := rendered(t, testBackend(t), backends.Parcel{ID: "p", To: "a@example.org", Notices: c.notices,
				Manage: c.manage})
			one := func(name string) string { return strings.Join(m.all(name), "|") }
			if got, want := one("List-Id"), c.list+" notices <"+c.list+".lists.example.org>"; got != want {
				t.Errorf("List-Id = %q, want %q", got, want)
			}
			if got := one("List-Unsubscribe"); got != c.unsubscribe {
				t.Errorf("List-Unsubscribe = %q, want %q", got, c.unsubscribe)
			}
			if got := one("List-Unsubscribe-Post"); got != c.way {
				t.Errorf("List-Unsubscribe-Post = %q, want %q", got, c.way)
			}
		})
	}
}

// Mail that somebody asked for is no list mail: a program must not offer to unsubscribe from one's own sign-in.
func TestAccountMailHasNoListHeaders(t *testing.T) {
	m := rendered(t, testBackend(t), backends.Parcel{ID: "a", To: "a@example.org",
		Notices: []backends.Notice{backendtest.Account()}, Manage: "https://n.example.org/me"})
	for name := range m.header {
		if strings.HasPrefix(name, "List-") || strings.HasPrefix(name, "X-Notifyd") ||
			strings.HasPrefix(name, "X-Fedmsg") || name == "Precedence" || name == "References" {
			t.Errorf("account mail has %s", name)
		}
	}
	if m.get("Auto-Submitted") != "auto-generated" || m.get("Subject") != "Confirm your address" {
		t.Errorf("headers %v", m.header)
	}
}

func TestThreads(t *testing.T) {
	b := testBackend(t)
	root := func(objects ...string) string {
		m := rendered(t, b, backends.Parcel{ID: "p", To: "a@example.org", Notices: []backends.Notice{
			{Title: "x", Objects: objects, Why: []backends.Reason{{Filter: "f"}}},
		}})
		references := strings.Join(m.all("References"), "|")
		if answer := strings.Join(m.all("In-Reply-To"), "|"); !strings.HasSuffix(references, answer) {
			t.Errorf("References %q, In-Reply-To %q", references, answer)
		}
		return strings.Join(strings.Fields(references), " ")
	}
	if got, want := root("update/7", "build/1", "package/tea", "build/2"),
		strings.Join([]string{root("build/1"), root("build/2"), root("update/7")}, " "); got != want {
		t.Errorf("an update refers to %q, want %q", got, want)
	}
	if root("build/1", "x") != root("build/1") || root("build/1") == root("build/2") || root("build/1") == "" ||
		root() != "" {
		t.Errorf("threads: %q %q %q %q", root("build/1", "x"), root("build/1"), root("build/2"), root())
	}
}

func TestMessageIDs(t *testing.T) {
	seen := map[string]string{}
	long := strings.Repeat("x", 500)
	for _, id := range []string{"1", "1-2", "a.b", "h.x", "", ".", "a..b", "a b", "A", "ü", long, long + "y", "a@b",
		"<a>"} {
		got := messageID(id, "example.org")
		if was, dup := seen[got]; dup || len(got) > 70 {
			t.Errorf("messageID(%.20q) = %q, like %q", id, got, was)
		}
		seen[got] = id
	}
	if messageID("17", "example.org") != "<p.17@example.org>" {
		t.Errorf("a plain id is hidden: %q", messageID("17", "example.org"))
	}
}
