package web_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/web"
)

// A fixture is a site with alice, who has one of everything, and bob.
type fixture struct {
	*testSite
	alice, bob *visitor
	filter     prefs.Filter
	mail, chat prefs.Destination // chat is not confirmed
	screen     prefs.Destination
	token      uint
	stop       string // token of a link that stops filter for mail
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{testSite: newSite(t, "")}
	f.builds()
	f.alice, f.bob = f.signUp("alice"), f.signUp("bob")
	ctx, id := t.Context(), f.user("alice").ID
	own := packageFilter("Secret plans", "bash")
	f.filter = f.testSite.filter("alice", own)
	f.alice.post("/destinations", "backend", "irc", "address", "alice_nick@libera").want(t, http.StatusSeeOther)
	f.alice.post("/destinations", "backend", "desktop", "address", "laptop").want(t, 200, "ntf_")
	ds := f.destinations("alice")
	f.mail, f.chat, f.screen = ds[0], ds[1], ds[2]
	tokens, err := f.prefs.Tokens.List(ctx, id)
	if err != nil || len(tokens) != 1 {
		t.Fatalf("tokens %v, %v", tokens, err)
	}
	f.token = tokens[0].ID
	link := f.links.Unsubscribe(f.filter.ID, f.mail.ID)
	f.stop = link[strings.LastIndex(link, "/")+1:]
	f.deliver("alice", f.filter, "2026-build-1")
	return f
}

// path makes an address of a pattern with what is alice's.
func (f *fixture) path(pattern string) string {
	_, path, _ := strings.Cut(pattern, " ")
	id := fmt.Sprint(f.filter.ID)
	switch {
	case strings.HasPrefix(path, "/destinations/{id}/tokens"):
		id = fmt.Sprint(f.screen.ID)
	case strings.HasPrefix(path, "/destinations/{id}/confirm"), strings.HasPrefix(path, "/destinations/{id}/resend"):
		id = fmt.Sprint(f.chat.ID)
	case strings.HasPrefix(path, "/destinations/{id}"):
		id = fmt.Sprint(f.mail.ID)
	case strings.HasPrefix(path, "/messages/{id}"):
		id = "2026-build-1"
	}
	token := f.stop
	if strings.Contains(path, "/tokens/") {
		token = fmt.Sprint(f.token)
	}
	return strings.NewReplacer("{$}", "", "{id}", id, "{token}", token).Replace(path)
}

// form gives fields that would make a post act.
func (f *fixture) form() []string {
	return []string{"name", "mallory", "zone", "", "do", "save", "r0.kind", "package", "r0.name", "evil", "where", "all",
		"on", "yes",
		"address", "mallory@example.org", "backend", "email", "code", "AAAAA-AAAAA", "how", "digest", "count", "7", "stop",
		"yes",
		"text", "filters:\n  - name: Evil\n    rules: [package: evil]\n", "confirm", "alice"}
}

// dump gives every row of what people own: all but sessions, which hold the flash of the next page.
func (s *testSite) dump() string {
	s.t.Helper()
	var out strings.Builder
	for _, table := range []string{"users", "destinations", "mailed", "mailed_secrets", "sent_codes", "api_tokens",
		"filters", "filter_destinations", "deliveries", "messages", "revisions"} {
		var rows []map[string]any
		if err := s.db.Reader.Table(table).Find(&rows).Error; err != nil {
			s.t.Fatal(err)
		}
		for _, r := range rows {
			fmt.Fprintln(&out, table, r) // fmt prints maps sorted by key
		}
	}
	return out.String()
}

func (s *testSite) count(table string) (n int64) {
	s.t.Helper()
	if err := s.db.Reader.Table(table).Count(&n).Error; err != nil {
		s.t.Fatal(err)
	}
	return n
}

func patterns(method string) []string {
	var list []string
	for _, p := range slices.Sorted(maps.Keys(web.Patterns())) {
		if strings.HasPrefix(p, method+" ") {
			list = append(list, p)
		}
	}
	return list
}

// Reading changes nothing, whoever reads: mail scanners and prefetching browsers open every link.
func TestGetChangesNothing(t *testing.T) {
	f := newFixture(t)
	before := f.dump()
	for _, pattern := range append(patterns("GET"), patterns("POST")...) {
		for _, v := range []*visitor{f.alice, f.bob, f.visitor()} {
			a := v.get(f.path(pattern) + "?code=AAAAA-AAAAA&stop=yes&confirm=alice&do=save")
			if strings.HasPrefix(pattern, "POST ") && a.status == http.StatusInternalServerError {
				t.Errorf("GET of %s: status %d", pattern, a.status)
			}
		}
		if after := f.dump(); after != before {
			t.Fatalf("GET of %s changed the database:\n%s\nbefore:\n%s", pattern, after, before)
		}
	}
}

// What is alice's, bob can neither see nor change.
func TestNobodyReachesWhatIsNotTheirs(t *testing.T) {
	f := newFixture(t)
	secrets := []string{"Secret plans", "alice@example.org", "alice_nick", "laptop"}
	for pattern, open := range web.Patterns() {
		if open || !strings.Contains(pattern, "{id}") || strings.Contains(pattern, "/messages/") {
			continue
		}
		t.Run(pattern, func(t *testing.T) {
			before := f.dump()
			var a answer
			if strings.HasPrefix(pattern, "GET ") {
				a = f.bob.get(f.path(pattern))
			} else {
				a = f.bob.post(f.path(pattern), f.form()...)
			}
			if a.status != http.StatusNotFound {
				t.Errorf("status %d, want 404", a.status)
			}
			if after := f.dump(); after != before {
				t.Errorf("bob changed alice's things:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
	for _, pattern := range patterns("GET") {
		if strings.HasPrefix(pattern, "GET /stop/") { // whoever has the link may see what it is about
			continue
		}
		page := f.bob.get(f.path(pattern)).body
		for _, secret := range secrets {
			if strings.Contains(page, secret) {
				t.Errorf("%s shows bob %q", pattern, secret)
			}
		}
	}
}

// bob cannot point his filter at alice's destination either.
func TestFiltersReachOwnDestinationsOnly(t *testing.T) {
	f := newFixture(t)
	before := len(f.filters("bob"))
	a := f.bob.post("/filters", "do", "save", "name", "x", "r0.kind", "package", "r0.name", "a", "where", "some", "to",
		fmt.Sprint(f.mail.ID))
	if a.status != http.StatusNotFound || len(f.filters("bob")) != before {
		t.Errorf("status %d, %d filters more", a.status, len(f.filters("bob"))-before)
	}
}

func TestNothingWithoutSigningIn(t *testing.T) {
	f := newFixture(t)
	sessions := f.count("sessions")
	defer func() {
		if n := f.count("sessions"); n != sessions {
			t.Errorf("strangers left %d sessions", n-sessions)
		}
	}()
	for pattern, open := range web.Patterns() {
		if open {
			continue
		}
		before := f.dump()
		nobody := f.visitor()
		if strings.HasPrefix(pattern, "GET ") {
			nobody.get(f.path(pattern)).asksToSignIn(t, "")
		} else if a := nobody.post(f.path(pattern), f.form()...); a.status != http.StatusForbidden {
			t.Errorf("%s: status %d, want 403", pattern, a.status)
		}
		if f.dump() != before {
			t.Errorf("%s changed something for nobody", pattern)
		}
	}
}

// A form on another site can do nothing, signed in or not.
func TestPostsFromOtherSites(t *testing.T) {
	f := newFixture(t)
	before := f.dump()
	for _, pattern := range patterns("POST") {
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
			f.alice.header = http.Header{name: {value}}
			body := url.Values{}
			form := f.form()
			for i := 0; i < len(form); i += 2 {
				body.Set(form[i], form[i+1])
			}
			a := f.alice.do(http.MethodPost, f.path(pattern), "application/x-www-form-urlencoded",
				strings.NewReader(body.Encode()))
			if a.status != http.StatusForbidden {
				t.Errorf("%s with %s: status %d, want 403", pattern, name, a.status)
			}
		}
	}
	if after := f.dump(); after != before {
		t.Errorf("another site changed:\n%s\nbefore:\n%s", after, before)
	}
}

// elsewhere finds what a page would load from, or send to, another place.
var elsewhere = regexp.MustCompile(`(?i)(?:\bsrc|\baction|\bsrcset|\bhx-(?:get|post)|<link[^>]*href)="(?:https?:)?//[^"]*"|@import|url\(`)

func TestHeadersOfEveryAnswer(t *testing.T) {
	f := newFixture(t)
	check := func(name string, a answer) {
		t.Helper()
		for header, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"Referrer-Policy":         "same-origin", "X-Content-Type-Options": "nosniff",
		} {
			if got := a.header.Get(header); got != want {
				t.Errorf("%s: %s is %q", name, header, got)
			}
		}
		if strings.Contains(a.header.Get("Content-Type"), "html") {
			if found := elsewhere.FindString(a.body); found != "" {
				t.Errorf("%s loads from elsewhere: %s", name, found)
			}
			if strings.Contains(a.body, "<script>") || regexp.MustCompile(`\son[a-z]+="`).MatchString(a.body) ||
				strings.Contains(a.body, "style=\"") {
				t.Errorf("%s has something inline", name)
			}
			if n := strings.Count(a.body, "<h1"); n != 1 {
				t.Errorf("%s has %d h1", name, n)
			}
		}
		if a.status == http.StatusInternalServerError {
			t.Errorf("%s: internal error", name)
		}
	}
	for _, pattern := range patterns("GET") {
		check(pattern, f.alice.get(f.path(pattern)))
		check(pattern+" for nobody", f.visitor().get(f.path(pattern)))
	}
	for _, path := range []string{"/nowhere", "/static/nothing.css", "/filters/99999", "/filters/x", "/filters/0",
		"/static/htmx.min.js"} {
		check(path, f.alice.get(path))
	}
	for _, pattern := range patterns("POST") {
		if !strings.Contains(pattern, "delete") && !strings.Contains(pattern, "signout") {
			check(pattern, f.alice.post(f.path(pattern)))
		}
	}
}

func TestErrorPages(t *testing.T) {
	f := newFixture(t)
	f.alice.get("/nowhere").want(t, http.StatusNotFound, "Page not found")
	f.alice.get("/signout").want(t, http.StatusMethodNotAllowed, "That cannot be done here")
	f.alice.do("DELETE", "/filters", "", nil).want(t, http.StatusMethodNotAllowed)
	if allow := f.alice.get("/signout").header.Get("Allow"); allow != "POST" {
		t.Errorf("Allow is %q", allow)
	}
	big := strings.Repeat("a", 70<<10)
	f.alice.post("/settings", "name", big).want(t, http.StatusRequestEntityTooLarge, "That is too large")
	f.visitor().post("/signin", "address", big).want(t, http.StatusRequestEntityTooLarge)
	f.visitor().post("/stop/"+f.stop, "stop", "yes", "x", big).want(t, http.StatusRequestEntityTooLarge)
	f.alice.post("/settings/import", "text", strings.Repeat("a", 3<<20)).want(t, http.StatusRequestEntityTooLarge)
	f.alice.do(http.MethodPost, "/filters", "application/x-www-form-urlencoded", strings.NewReader("%zz")).want(t,
		http.StatusBadRequest)
}

func TestRedirectsStayHere(t *testing.T) {
	f := newFixture(t)
	nobody := f.visitor()
	for _, path := range []string{"//evil.example/", "/%2F%2Fevil.example", "/\\evil.example", "/.//evil.example",
		"/filters//evil.example"} {
		for _, v := range []*visitor{nobody, f.alice} {
			a := v.get(path)
			if to := a.header.Get("Location"); strings.HasPrefix(to, "//") || strings.Contains(to, "://") ||
				strings.HasPrefix(to, "/\\") {
				t.Errorf("GET %s leads to %q", path, to)
			}
		}
	}
	f.alice.post(filterPath(f.filter)+"/off", "from", "//evil.example").to(t, "/filters")
	f.alice.get("/?next=https://evil.example").want(t, 200)
}
