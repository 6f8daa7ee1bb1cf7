package web_test

import (
	"strings"
	"testing"
	"time"
)

// A filter that ends on a date says so, in the person's own zone, on its page, in its text and where it would match.
func TestFilterThatEnds(t *testing.T) {
	s := newSite(t, "")
	s.builds()
	alice := s.signUp("alice")
	form := []string{"name", "Shells", "r0.kind", "package", "r0.name", "bash", "where", "all", "on", "yes"}
	alice.post("/filters", append(form, "do", "save", "ends", "some day")...).want(t, 422, "expected a date such as 2026-12-24",
		"ends-problem", `value="some day"`)
	alice.post("/filters", append(form, "do", "save", "hold", "many")...).want(t, 422, "hold-problem", `value="many"`)
	alice.post("/filters", append(form, "do", "save", "hold", "1441")...).want(t, 422, "from 1 to 1440")
	day := s.now().AddDate(0, 0, 3).UTC()
	alice.post("/filters", append(form, "do", "save", "ends", day.Format(time.DateOnly))...).to(t, "/filters")
	alice.get("/filters").want(t, 200, "Until "+day.Format("2 January 2006"), `<span class="badge good">On</span>`)
	alice.post("/filters", append(form, "do", "text", "ends", day.Format(time.DateOnly))...).want(t, 200, "ends:")
	s.pass(5 * 24 * time.Hour)
	alice.get("/filters").want(t, 200, "Ended on "+day.Format("2 January 2006"))
	page := alice.get("/messages/2026-build-1").want(t, 200, `<span class="badge">Ended</span>`).body
	if strings.Contains(page, "would match it now") {
		t.Error("a filter that has ended is said to match")
	}
}

func TestFollowThis(t *testing.T) {
	s := newSite(t, "")
	s.builds()
	alice := s.signUp("alice")
	page := alice.get("/messages/2026-build-1").want(t, 200, "Follow this").body
	_, rest, _ := strings.Cut(page, "/filters/new?object=")
	address, _, _ := strings.Cut(rest, `"`)
	alice.get("/filters/new?object="+address).want(t, 200, `name="r0.kind" value="object"`, `name="r0.key"`,
		"<span class=\"count\">1<")
	alice.post("/filters", "name", "One", "r0.kind", "object", "r0.key", "https://example.org/x", "where", "all", "do",
		"save").want(t, 422, "no kind of page is known that has the address")
	alice.post("/filters", "name", "One", "r0.kind", "object", "r0.key", "https://github.com/acme/tea/pull/7", "r1.kind",
		"relation", "r1.name", "mentioned", "where", "all", "do", "save", "on", "yes").to(t, "/filters")
	alice.get("/filters").want(t, 200, "When it is about https://github.com/acme/tea/pull/7 and you are mentioned.")
}

// What a person chooses about the looks of mails is kept, and what is no choice is refused.
func TestLooksOfMails(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	d := s.destinations("alice")[0]
	page := destinationPath(d)
	alice.get(page).want(t, 200, "How it looks", `name="format" value="both" checked`)
	alice.post(page+"/looks", "format", "text", "list", "package").to(t, page)
	alice.get(page).want(t, 200, `name="format" value="text" checked`, `name="list" value="package" checked`)
	alice.post(page+"/looks", "format", "sung").want(t, 422, "want one of both, text, links")
}
