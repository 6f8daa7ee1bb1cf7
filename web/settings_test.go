package web_test

import (
	"fmt"
	"html"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/web"
)

func TestSettings(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	s.signUp("bob")
	alice.get("/settings").want(t, 200, `value="alice"`, "Europe/Berlin")
	alice.post("/settings", "name", "alice", "zone", "Europe/Nowhere").want(t, 422, `id="zone-problem"`)
	alice.post("/settings", "name", "alice", "zone", "../../etc/passwd").want(t, 422)
	alice.post("/settings", "name", "bob", "zone", "").want(t, 422, "uses this name already")
	alice.post("/settings", "name", "alice2", "zone", "Europe/Berlin").to(t, "/settings")
	if u := s.user("alice2"); u.Zone != "Europe/Berlin" {
		t.Errorf("user %+v", u)
	}
	alice.get("/settings").want(t, 200, "Times are in Europe/Berlin")
}

func TestExportAndImport(t *testing.T) {
	s := newSite(t, "")
	alice, bob := s.signUp("alice"), s.signUp("bob")
	s.filter("alice", packageFilter("Shells & <more>", "bash"))
	file := alice.get("/settings/filters.yaml").want(t, 200, "filters:", "- package: bash")
	if kind := file.header.Get("Content-Type"); !strings.HasPrefix(kind, "application/yaml") {
		t.Errorf("type %q", kind)
	}
	before := len(s.filters("bob"))
	bob.post("/settings/import", "text", strings.ReplaceAll(file.body, "\n", "\r\n")).to(t, "/filters")
	if after := s.filters("bob"); len(after) != before+len(s.filters("alice")) ||
		after[len(after)-1].Name != "Shells & <more>" || after[len(after)-1].Owner != "bob" {
		t.Errorf("bob's filters: %+v", after)
	}
	before = len(s.filters("bob"))
	a := bob.post("/settings/import", "text",
		"filters:\n  - name: Good\n    rules: [package: a]\n  - name: Bad\n    rules: [pakage: a]\n")
	a.want(t, 422, "Line 5", `id="text-problem"`)
	bob.post("/settings/import", "text", "").want(t, 422)
	if len(s.filters("bob")) != before {
		t.Error("a text with a mistake was imported in part")
	}
}

// A text that came from FMN brings the schedules of destinations along: with its filters, or not at all.
func TestImportOfSchedules(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	text := func(to, every string) string {
		return "destinations:\n  - to: " + to + "\n    every: " + every +
			"\n    count: 10\nfilters:\n  - name: x\n    to: email:alice@example.org\n    rules: [package: tea]\n"
	}
	none, before := schedule.Schedule{}, len(s.filters("alice"))
	alice.post("/settings/import", "text", text("email:bob@example.org", "2h")).want(t, 422,
		"no destination email:bob@example.org")
	alice.post("/settings/import", "text", text("email:alice@example.org", "2s")).want(t, 422,
		"between a minute and seven days")
	alice.post("/filters", "do", "save", "mode", "text", "text", text("email:alice@example.org", "2h")).want(t, 422,
		"page of their destination")
	if got := s.destinations("alice")[0].Schedule; !reflect.DeepEqual(got, none) || len(s.filters("alice")) != before {
		t.Errorf("a text with a mistake was imported in part: schedule %+v", got)
	}
	alice.post("/settings/import", "text", text("email:Alice@example.org", "2h")).to(t, "/filters")
	if got, want := s.destinations("alice")[0].Schedule, (schedule.Schedule{Every: 2 * time.Hour,
		Count: 10}); !reflect.DeepEqual(got, want) || len(s.filters("alice")) != before+1 {
		t.Errorf("schedule %+v, want %+v", got, want)
	}
}

// What is exported and imported again is as it was: filters, where they go, and when that is sent to.
func TestExportKeepsSchedules(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	alice.post("/destinations", "backend", "desktop", "address", "laptop")
	ds := s.destinations("alice")
	page := fmt.Sprintf("/destinations/%d", ds[0].ID)
	alice.post(page, "how", "digest", "at", "07:00", "day", "1", "day", "5", "count", "20").to(t, page)
	want := s.destinations("alice")[0].Schedule
	to := []string{"where", "some", "to", fmt.Sprint(ds[0].ID), "to", fmt.Sprint(ds[1].ID)}
	alice.post("/filters", append(to, "do", "save", "name", "Tea", "on", "yes", "r0.kind", "package", "r0.name",
		"tea")...).to(t, "/filters")
	file := alice.get("/settings/filters.yaml")
	file.want(t, 200, "at: \"07:00\"", "days: [monday, friday]", "count: 20")

	alice.post(page, "how", "once").to(t, page)
	before := len(s.filters("alice"))
	alice.post("/settings/import", "text", file.body).to(t, "/filters")
	if got := s.destinations("alice")[0].Schedule; !reflect.DeepEqual(got, want) {
		t.Errorf("schedule %+v, want %+v", got, want)
	}
	all := s.filters("alice")
	if len(all) != 2*before || len(all[len(all)-1].Destinations) != 2 {
		t.Errorf("filters: %+v", all)
	}
	// The desktop is everybody's own, whatever its feed is called.
	bob := s.signUp("bob")
	bob.post("/destinations", "backend", "desktop", "address", "laptop")
	bob.post("/settings/import", "text",
		"filters:\n  - name: x\n    to: desktop:"+web.FeedAddress(ds[0].UserID)+"\n    rules: [package: tea]\n").to(t,
		"/filters")
}

// A digest that an import makes a notice at once leaves nothing waiting for a time that nobody asks for any more.
func TestImportSendsWhatWaits(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	d := s.destinations("alice")[0]
	if err := s.queue(t.Context(), outbox.Delivery{
		Message: "m", Destination: prefs.Key(d.ID), Backend: d.Backend, Address: d.Address, Together: true,
		DueAt: s.now().Add(time.Hour),
	}); err != nil {
		t.Fatal(err)
	}
	alice.post("/settings/import", "text",
		"destinations:\n  - to: email:alice@example.org\nfilters:\n  - name: x\n    rules: [package: tea]\n").to(t,
		"/filters")
	entries, err := s.outbox.OfMessage(t.Context(), "m", []string{prefs.Key(d.ID)})
	if err != nil || len(entries) != 1 || entries[0].DueAt.After(s.now()) {
		t.Errorf("waiting: %+v, %v", entries, err)
	}
}

func TestDeleteAccount(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	alice.post("/settings/delete", "confirm", "alic").want(t, 422, "not the name of your account")
	other := s.visitor()
	other.client.Jar = alice.client.Jar // a second window
	alice.post("/settings/delete", "confirm", "alice").to(t, "/")
	other.get("/filters").asksToSignIn(t, "")
	if _, err := s.prefs.Accounts.ByName(t.Context(), "alice"); err == nil {
		t.Error("the account is still there")
	}
}

// Whatever a bus, a user or an address says, it is text on a page and never markup.
func TestHostileTexts(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	hostile := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `javascript:alert(1)`,
		`</textarea><script>alert(1)</script>`,
		`'><svg onload=alert(1)>`, `{{.}}`, "\u202eevil", `data:text/html,<script>alert(1)</script>`,
		"https://evil.example/\"onmouseover=alert(1)",
	}
	var pages []string
	for i, text := range hostile {
		id := "2026-hostile-" + string(rune('a'+i))
		s.publish(id, "org.fedoraproject.prod.wiki.article.edit", map[string]any{"title": text, "user": text, "url": text,
			"page_url": text, "summary": text})
		s.publish(id+"x", "org.example.odd."+strings.Map(func(r rune) rune {
			if r == ' ' || r == '"' || r == '\u202e' {
				return '_'
			}
			return r
		}, text), map[string]any{"user": text, "package": text, "url": text, "subject": text})
		f := s.filter("alice", packageFilter(text, "evil"))
		pages = append(pages, "/messages/"+id, "/filters/new?message="+id, "/messages/"+id+"x",
			"/filters/new?message="+id+"x", filterPath(f), filterPath(f)+"/delete")
		alice.post("/filters", "do", "preview", "name", text, "r0.kind", "package", "r0.name", text, "r1.kind", text).check(t,
			text)
		alice.post("/filters", "do", "save", "mode", "text", "text", text).check(t, text)
		alice.post("/settings/import", "text", text).check(t, text)
		alice.post("/settings", "name", text, "zone", text).check(t, text)
		alice.post("/destinations", "backend", "email", "address", text).check(t, text)
		s.visitor().post("/signin", "address", text).check(t, text)
	}
	for _, page := range append(pages, "/", "/filters", "/messages", "/notices",
		"/messages?package=%3Cscript%3Ealert(1)%3C/script%3E&user=%22onfocus=alert(1)") {
		alice.get(page).check(t, page)
	}
}

var markup = regexp.MustCompile(`(?i)<script>|<img|<svg onload|<[a-z][^>]*\son[a-z]+=|(?:href|src|action)="(?:javascript|data|vbscript):`)

func (a answer) check(t *testing.T, of string) {
	t.Helper()
	if a.status >= http.StatusInternalServerError {
		t.Errorf("%q: status %d", of, a.status)
	}
	// Attribute values are cut out first: an escaped quote keeps what follows inside.
	tags := regexp.MustCompile(`<[a-z][^>]*>`).FindAllString(a.body, -1)
	for _, tag := range tags {
		bare := regexp.MustCompile(`="[^"]*"|='[^']*'`).ReplaceAllStringFunc(tag, func(v string) string {
			if regexp.MustCompile(`(?i)^=["']\s*(javascript|data|vbscript):`).MatchString(html.UnescapeString(v)) &&
				regexp.MustCompile(`(?i)(href|src|action)=["'](javascript|data|vbscript):`).MatchString(tag) {
				return `href="javascript:`
			}
			return ""
		})
		if markup.MatchString(bare) || regexp.MustCompile(`(?i)\son[a-z]+`).MatchString(bare) {
			t.Errorf("%q became markup: %s", of, tag)
		}
	}
	if strings.Contains(a.body, "alert(1)</script>") || strings.Contains(a.body, "<svg onload") ||
		strings.Contains(a.body, "<img src=x") {
		t.Errorf("%q became markup:\n%s", of, a.body)
	}
}

func TestUnderAPath(t *testing.T) {
	s := newSite(t, "/notify")
	v := s.visitor()
	page := v.get("/").want(t, 200, `href="/notify/static/site.css?`, `action="/notify/signin"`).body
	asset := regexp.MustCompile(`/notify(/static/site\.css\?[0-9a-f]+)`).FindStringSubmatch(page)
	a := v.get(asset[1]).want(t, 200, "--accent")
	if !strings.Contains(a.header.Get("Cache-Control"), "immutable") {
		t.Errorf("Cache-Control %q", a.header.Get("Cache-Control"))
	}
	v.get(s.server.URL+"/").want(t, 404)
	v.get("/filters").asksToSignIn(t, "/notify")
	v.post("/signin", "address", "alice@example.org").want(t, 200)
	link := s.mail("email", "alice@example.org").Link
	if !strings.HasPrefix(link, s.base+"/signin/") {
		t.Errorf("the mailed link is %q", link)
	}
	if c := v.post(link).header.Get("Set-Cookie"); !strings.Contains(c, "Path=/notify/") ||
		!strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") || strings.Contains(c, "Secure") {
		t.Errorf("cookie %q", c)
	}
}
