package limits_test

import (
	"crypto/rand"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/web/limits"
	"github.com/notifyd/notifyd/web/visit"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }

// said is the status and what a page says to a request.
func said(p visit.Page, user prefs.User, path, body string) string {
	r := httptest.NewRequest("PUT", path, strings.NewReader(body))
	r.SetPathValue("id", strings.Trim(path, "/"))
	v, err := p.Serve(&visit.Visit{Request: r, User: user, Now: time.Now(), Zone: time.UTC})
	if err != nil {
		return err.Error()
	}
	if fault, ok := v.JSON.(visit.Fault); ok {
		return fmt.Sprintf("%d {%s}", v.Status, fault.Error)
	}
	return fmt.Sprintf("%d %v", v.Status, v.JSON)
}

// TestAPI: what is put is got; mistakes and destinations of others are refused, and store nothing.
func TestAPI(t *testing.T) {
	d := migratest.Open(t, migratest.SQLite(t))
	store := prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: time.Now, Random: rand.Reader,
		ClaimedNames: func() bool { return true }})
	people := map[string]prefs.User{"": {}}
	for _, name := range []string{"alice", "bob"} {
		u, err := store.Accounts.Register(t.Context(), name, "", "email", name+"@example.org")
		if err != nil {
			t.Fatal(err)
		}
		people[name] = u
	}
	pages := limits.Pages(limits.Options{Destinations: store.Destinations, Rescue: store.Rescue,
		Cap: outbox.Cap{Count: 60, Window: 10 * time.Minute}, CapMost: 100})
	ask := func(who, pattern, path, body string) string {
		i := slices.IndexFunc(pages, func(p visit.Page) bool { return p.Pattern == pattern })
		if i < 0 {
			t.Fatalf("no page %s", pattern)
		}
		return said(pages[i], people[who], path, body)
	}
	const put, get = "PUT /api/v1/destinations/{id}/limits", "GET /api/v1/destinations/{id}/limits"
	for _, c := range []struct{ who, pattern, path, body, want string }{
		{"", get, "/1", "", "401 {sign in on the pages first}"},
		{"alice", put, "/1", `{"cap_count": 5, "cap_window": 3600}`, "0 {5 3600 0 0 0}"},
		{"alice", get, "/1", "", "0 {5 3600 0 0 0}"},
		{"bob", put, "/1", `{"cap_count": 1, "cap_window": 3600}`, "404 {not found}"},
		{"bob", get, "/1", "", "404 {not found}"},
		{"alice", put, "/1", `{"cap_count": 101, "cap_window": 3600}`,
			"422 {cap: 101 is more than the 100 that this site sends at once.}"},
		{"alice", put, "/1", `{"fallback_to": 2, "fallback_attempts": 1}`,
			"422 {to: it is none of your confirmed destinations.}"},
		{"alice", put, "/1", `{"fallback_to": 1, "fallback_attempts": 1}`,
			"422 {to: a destination cannot stand in for itself.}"},
		{"alice", put, "/1", `{"cap_window": 9223372036854775807}`,
			"422 {cap: 0 is no number of notices; one is at least 1.}"},
		{"alice", get, "/1", "", "0 {5 3600 0 0 0}"},
		{"alice", "PUT /api/v1/critical", "/", `{"everywhere": true}`, "0 {0 0 true}"},
		{"alice", "PUT /api/v1/critical", "/", `{"to": 2, "after": 300}`,
			"422 {to: it is none of your confirmed destinations.}"},
		{"alice", "GET /api/v1/critical", "/", "", "0 {0 0 true}"},
	} {
		if got := ask(c.who, c.pattern, c.path, c.body); got != c.want {
			t.Errorf("%s %s %s: %s, want %s", c.who, c.pattern, c.body, got, c.want)
		}
	}
	if got := ask("alice", put, "/1", "{"); !strings.HasPrefix(got, "400 ") {
		t.Errorf("a broken body: %s", got)
	}
}

// TestPage: what is wrong stands with what was typed, and nothing is stored.
func TestPage(t *testing.T) {
	d := migratest.Open(t, migratest.SQLite(t))
	store := prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: time.Now, Random: rand.Reader,
		ClaimedNames: func() bool { return true }})
	alice, err := store.Accounts.Register(t.Context(), "alice", "", "email", "alice@example.org")
	if err != nil {
		t.Fatal(err)
	}
	pages := limits.Pages(limits.Options{Destinations: store.Destinations, Rescue: store.Rescue,
		Cap: outbox.Cap{Count: 60, Window: 10 * time.Minute}, CapMost: 100})
	for _, c := range []struct{ pattern, form, want string }{
		{"POST /settings/limits/{id}", "count=abc&minutes=7", "abc 7   [] Expected a whole number of notices"},
		{"POST /settings/limits/{id}", "count=5", "Say both"},
		{"POST /settings/limits/{id}", "count=101&minutes=7", "101 is more than the 100 that this site sends at once."},
		{"POST /settings/limits/{id}", "to=1&attempts=many", "many  []  Expected a whole number of attempts"},
		{"POST /settings/limits/{id}", "to=1", "Say after how many attempts, or how long."},
		{"POST /settings/limits/{id}", "to=1&hours=1", "A destination cannot stand in for itself."},
		{"POST /settings/critical", "to=1&after=soon&everywhere=yes", "soon true Expected a whole number of minutes"},
		{"POST /settings/limits/{id}", "count=5&minutes=7", "Saved"},
		{"POST /settings/critical", "everywhere=yes", "Saved"},
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(c.form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetPathValue("id", "1")
		for _, p := range pages {
			if p.Pattern != c.pattern {
				continue
			}
			v, err := p.Serve(&visit.Visit{Request: r, User: alice, Now: time.Now(), Zone: time.UTC})
			if err != nil {
				t.Errorf("%s: %v", c.form, err)
			} else if got := fmt.Sprintf("%d %s %v", v.Status, v.Flash, v.Data); !strings.Contains(got, c.want) ||
				(v.Status == 422) == (v.Flash != "") {
				t.Errorf("%s: %s, want %q", c.form, got, c.want)
			}
		}
	}
}
