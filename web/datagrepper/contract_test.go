package datagrepper_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

func ptr(s string) *string { return &s }

// small is an archive of some messages, named by a letter; a is the newest.
func small() []stored {
	one := func(name string, ago int, topic, agent, users, packages, text string) stored {
		s := stored{ID: name, Topic: topic, Timestamp: float64(now.Unix() - int64(ago)), Users: strings.Fields(users),
			Packages: strings.Fields(packages), Msg: map[string]any{"text": text, "n": 1}}
		if agent != "" {
			s.Agent = &agent
		}
		return s
	}
	return []stored{
		one("a", 10, "org.example.prod.git.receive", "alice", "alice bob", "bash", "fix é_1"),
		one("b", 20, "org.example.prod.git.receive", "bob", "bob", "bash zsh", "100% done"),
		one("c", 30, "org.example.prod.wiki.edit", "bot", "alice", "", "see also"),
		one("d", 3600, "/topic/VirtualTopic.eng.git.commit", "", "", "zsh", ""),
		one("e", 7200, "short", "", "carol", "", ""),
	}
}

// TestContract: request, and what comes: total, ids in their order; or the status and what it says.
func TestContract(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		store := load(t, d, small())
		for _, c := range []struct{ request, want string }{
			{"/raw", "5 a b c d e"},
			{"/raw?order=asc", "5 e d c b a"},
			{"/raw?rows_per_page=2&page=2", "5 c d"},
			{"/raw?rows_per_page=2&page=9", "5"},
			{"/raw?category=git", "3 a b d"},
			{"/raw?category=git&category=Unclassified&rows_per_page=2&page=2", "4 d e"},
			{"/raw?user=alice", "2 a c"},
			{"/raw?user=bot", "0"}, // it acts, and is not concerned
			{"/raw?agent=bot", "1 c"},
			{"/raw?agent=bob&agent=alice&user=bob", "2 a b"},
			{"/raw?not_agent=alice", "4 b c d e"},
			{"/raw?user=alice&user=bob&package=bash&not_package=zsh", "1 a"},
			{"/raw?package=bash&package=zsh&order=asc", "3 d b a"},
			{"/raw?package=bash&package=zsh&order=asc&rows_per_page=1&page=2", "3 b"},
			{"/raw?delta=30", "3 a b c"},
			{"/raw?start=1793530800&end=1793534370", "2 c d"},
			{"/raw?end=1793534370", "3 c d e"},
			{"/raw?start=2026-11-01T10:00:00Z&delta=1", "1 e"},
			{"/raw?start=Sun,%201%20Nov%202026%2012:00:00%20%2B0200&delta=1", "1 e"},
			{"/raw?category=git&delta=99&contains=%5Cu00e9", "1 a"}, // a backslash takes the u as it is
			{"/raw?category=git&delta=99&contains=%5C%5Cu00e9", "1 a"},
			{"/raw?category=git&delta=99&contains=100%5C%25", "1 b"},
			{"/raw?category=git&delta=99&contains=f_x", "1 a"},
			{"/raw?category=git&delta=99&contains=%22n%22:%201&rows_per_page=1&page=2", "2 b"},
			{"/raw?category=git&delta=99&contains=t%25fix%25%5C%5Cu00e9", "1 a"},
			{"/raw?category=git&delta=99&contains=%25_%25x_%25", "2 a b"},
			{"/raw?category=git&delta=99&contains=done%25fix", "0"},
			{"/raw?category=git&delta=99&contains=done%5C", "0"}, // the text must end in done%
			{"/raw?category=git&delta=99&contains=" + strings.Repeat("_", 300), "400 256 bytes"},
			{"/raw?category=git&delta=99&contains=" + strings.Repeat("_", 200), "0"},
			{"/raw?category=git&contains=x", "400 at most eight months"},
			{"/raw?delta=9&contains=x", "400 either a topic or a category"},
			{"/raw?rows_per_page=101", "400 rows_per_page must be <= 100"},
			{"/raw?rows_per_page=x", "400 whole number"},
			{"/raw?page=0", "400 page must be > 0"},
			{"/raw?page=2147483647&rows_per_page=100", "400 out of range"},
			{"/raw?start=1793448000000", "400 seconds since 1970"},
			{"/raw?start=nan", "400 neither a number"},
			{"/raw?delta=inf", "400 number of seconds"},
			{"/raw?topic=%00", "400 NUL"},
			{"/raw?topic=" + strings.Repeat("x", 2000), "400 longer"},
			{"/raw?" + strings.Repeat("user=x&", 101), "400 at most 100 values"},
			{"/raw?meta=nonsense", "400 meta must be in"},
			{"/raw?callback=alert(1)", "400 name of a function"},
			{"/id", "400 could not understand"},
			{"/id?id=none", "404 not_found"},
			{"/nothing", "404 not_found"},
		} {
			got := brief(ask(t, store, question{target: c.request}))
			if failed := strings.HasPrefix(c.want, "40"); failed && !says(got, c.want) || !failed && got != c.want {
				t.Errorf("%s: %s, want %s", c.request, got, c.want)
			}
		}
	})
}

// brief writes an answer as TestContract does.
func brief(a reply) string {
	if a.status != http.StatusOK {
		return fmt.Sprint(a.status, " ", a.errorText(), a.json["error"])
	}
	return strings.TrimSpace(fmt.Sprint(a.json["total"], " ", strings.Join(a.ids(), " ")))
}

// says reports whether got has the status of want and its text.
func says(got, want string) bool {
	status, text, _ := strings.Cut(want, " ")
	return strings.HasPrefix(got, status) && strings.Contains(got, text)
}

// TestPrivateArchiveIsNotReadByOtherPages: a page of another site could read the answer with the cookie of a visitor.
func TestPrivateArchiveIsNotReadByOtherPages(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		store := load(t, d, small())
		q := question{target: "/raw?callback=f", private: true, origins: []string{".*"},
			headers: map[string]*string{"Origin": ptr("https://evil.example")}}
		if a := ask(t, store, q); a.status != http.StatusBadRequest || len(a.cors()) > 0 {
			t.Errorf("JSONP: %d, %v", a.status, a.cors())
		}
		q.target = "/raw"
		if a := ask(t, store, q); a.status != http.StatusOK || len(a.cors()) > 0 {
			t.Errorf("%d, %v", a.status, a.cors())
		}
	})
}

// TestCardsHoldNoMarkup: what others wrote is text on a card, and their links are of the web.
func TestCardsHoldNoMarkup(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		evil := stored{ID: `"><script>`, Topic: "org.example.prod.<script>", Timestamp: float64(now.Unix()),
			Msg: map[string]any{"text": "</pre><script>alert(1)</script>"}}
		store := load(t, d, []stored{evil})
		a := ask(t, store, question{target: "/raw?size=extra-large", headers: map[string]*string{"Accept": ptr("text/html")}})
		if a.status != http.StatusOK || strings.Contains(a.body, "<script") || !strings.Contains(a.body, "&lt;script") {
			t.Errorf("%d: %s", a.status, a.body)
		}
	})
}

// TestPagesHaveABound: a hundred large messages are not held at once, and yet each can be read, and searched.
func TestPagesHaveABound(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		var large []stored
		for i := range 5 {
			large = append(large, stored{ID: fmt.Sprint("m", i), Topic: "org.example.prod.git.x",
				Timestamp: float64(now.Unix() - 9), Msg: map[string]any{"text": strings.Repeat("x", 4<<20)}})
		}
		store := load(t, d, large)
		for request, want := range map[string]string{
			"/raw": "400 fewer rows_per_page", "/raw?category=git&delta=20&contains=xx": "400 fewer rows_per_page",
			"/raw?rows_per_page=1": "5 m4", "/raw?category=git&delta=20&contains=xx&rows_per_page=1": "5 m4",
			"/charts/bar?category=git&delta=20&contains=xx&N=3": "200",
		} {
			a := ask(t, store, question{target: request})
			if got := brief(a); want != "200" && !says(got, want) || want == "200" && a.status != http.StatusOK {
				t.Errorf("%s: %s, want %s", request, got, want)
			}
		}
	})
}

// TestPlainTextIsNotHTML: who wants plain text more than HTML gets JSON, and /messagecount is nothing else.
func TestPlainTextIsNotHTML(t *testing.T) {
	d := migratest.Open(t, migratest.SQLite(t))
	store := load(t, d, []stored{{ID: "1", Topic: "org.example.prod.git.receive", Timestamp: float64(now.Unix())}})
	for _, c := range []struct{ accept, target, kind string }{
		{"text/plain;q=1,text/html;q=0.9", "/raw", "application/json"}, {"text/plain,text/html", "/raw", "text/html"},
		{"text/html,application/json", "/messagecount", "application/json"}, {"*/*", "/messagecount?callback=f", "application/json"},
		{"*/*", "/raw?end=9999-12-31", "application/json"},
	} {
		a := ask(t, store, question{target: c.target, headers: map[string]*string{"Accept": &c.accept}})
		kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
		if a.status != 200 || kind != c.kind {
			t.Errorf("%s for %s: %d, %s, want %s", c.target, c.accept, a.status, kind, c.kind)
		}
	}
}
