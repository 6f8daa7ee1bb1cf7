package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history/report"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/web"
)

// reports gives a site pages of reports, with messages of this and the last weeks.
func (s *testSite) reports(public bool) *report.Desk {
	s.t.Helper()
	set, err := report.Load(nil, rulespec.Env{KnowsKind: s.meaning.KnownKinds()})
	if err != nil {
		s.t.Fatal(err)
	}
	desk := report.NewDesk(report.Config{Store: s.history, Describe: s.meaning.Describe, KindName: s.kindName, Now: s.now})
	options := s.options()
	options.Reports = &web.Reports{Set: func() *report.Set { return set }, Desk: desk, Public: public}
	if s.pages, err = web.Handler(options); err != nil {
		s.t.Fatal(err)
	}
	for days := 0; days < 24; days++ {
		s.say(days, fmt.Sprint("alice", days%3), "Tea <b>")
	}
	return desk
}

// say stores an edit of the wiki that was made some days ago.
func (s *testSite) say(days int, who, page string) {
	s.t.Helper()
	at := s.now().AddDate(0, 0, -days)
	payload, err := json.Marshal(map[string]any{"topic": "org.example.prod.wiki.article.edit",
		"msg_id": fmt.Sprint("2026-", days, who), "timestamp": at.Unix(), "msg": map[string]any{"user": who, "title": page}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.store("org.example.prod.wiki.article.edit", payload)
}

// lastWeek gives the first day of the last week that is over.
func (s *testSite) lastWeek() string {
	start := report.Window{Days: 7}.Start(s.now(), time.UTC)
	return report.Window{Days: 7}.Next(start, -1, time.UTC).Format(time.DateOnly)
}

// TestReportsAreForReaders: members by default; everybody where the site says so; nobody where there are none.
func TestReportsAreForReaders(t *testing.T) {
	s := newSite(t, "/notify")
	if a := s.visitor().get("/reports"); a.status != http.StatusNotFound {
		t.Errorf("without reports: %d", a.status)
	}
	s.reports(false)
	for _, path := range []string{"/reports", "/reports/this-week", "/reports/this-week.atom"} {
		if a := s.visitor().get(path); a.status != http.StatusSeeOther || strings.Contains(a.body, "alice") {
			t.Errorf("%s for a stranger: %d", path, a.status)
		}
	}
	alice := s.signUp("alice")
	if a := alice.get("/reports/this-week"); a.status != 200 || strings.Contains(a.body, "application/atom+xml") ||
		!strings.Contains(a.body, `<a href="/notify/reports" aria-current="page">Reports</a>`) {
		t.Errorf("for a member: %d\n%s", a.status, a.body)
	}
	s.reports(true)
	a := s.visitor().get("/reports/this-week?of=" + s.lastWeek())
	for _, want := range []string{"<h1>The week</h1>", "alice", `scope="row"`, `aria-current="page"`,
		`<link rel="alternate" type="application/atom+xml"`} {
		if a.status != http.StatusOK || !strings.Contains(a.body, want) {
			t.Errorf("%d, lacks %q:\n%s", a.status, want, a.body)
		}
	}
	a = s.visitor().get("/reports")
	if !strings.Contains(a.body, `<a href="/notify/reports/owner-changes">Owner changes</a>`) {
		t.Errorf("the list: %s", a.body)
	}
	for path, status := range map[string]int{
		"/reports/nothing": 404, "/reports/nothing.atom": 404, "/reports/this-week?of=soon": 404,
		"/reports/this-week?of=1999-01-04": 404, "/reports/this-week?of=2999-01-07": 404,
		"/reports/this-week?of=" + strings.Repeat("9", 1000): 404, "/reports/../reports/this-week": 307,
	} {
		if a := s.visitor().get(path); a.status != status {
			t.Errorf("%.60s: %d, want %d", path, a.status, status)
		}
	}
}

// TestReportsAreKept: a visitor gets what was made before, and a new one after a while.
func TestReportsAreKept(t *testing.T) {
	s := newSite(t, "")
	s.reports(true)
	v := s.visitor()
	if a := v.get("/reports/this-week"); strings.Contains(a.body, "mallory") || a.status != 200 {
		t.Fatal(a.status)
	}
	s.say(0, "mallory", "Milk")
	if a := v.get("/reports/this-week"); strings.Contains(a.body, "mallory") {
		t.Error("it was made again at once")
	}
	s.pass(2 * time.Minute)
	if a := v.get("/reports/this-week"); !strings.Contains(a.body, "mallory") {
		t.Errorf("it is shown for ever:\n%s", a.body)
	}
}

// TestReportFeed: a reader of feeds that we did not write finds the entries, and their ids stay.
func TestReportFeed(t *testing.T) {
	python := exectest.Python(t, "feedparser")
	s := newSite(t, "/notify")
	s.reports(true)
	v := s.visitor()
	first := v.get("/reports/this-week.atom")
	if first.status != 200 || first.header.Get("Content-Type") != "application/atom+xml; charset=utf-8" {
		t.Fatalf("%d %v", first.status, first.header)
	}
	v.header.Set("If-None-Match", first.header.Get("ETag"))
	if a := v.get("/reports/this-week.atom"); a.status != http.StatusNotModified || a.body != "" {
		t.Errorf("asked again: %d", a.status)
	}
	for asked, status := range map[string]int{"*": 304, `"x", W/` + first.header.Get("ETag"): 304, `"x"`: 200,
		strings.Trim(first.header.Get("ETag"), `"`): 200} {
		v.header.Set("If-None-Match", asked)
		if a := v.get("/reports/this-week.atom"); a.status != status {
			t.Errorf("If-None-Match: %s: %d, want %d", asked, a.status, status)
		}
	}
	v.header.Del("If-None-Match")
	read := func(feed string) (ids []string) {
		t.Helper()
		parse := exec.CommandContext(t.Context(), python, "-c", `
import sys, json, feedparser
f = feedparser.parse(sys.stdin.buffer.read())
json.dump({"bozo": str(f.get("bozo_exception", "")), "version": f.version, "title": f.feed.title, "links":
  [l.rel + " " + l.href for l in f.feed.links], "ids": [e.id for e in f.entries], "updated": [e.updated for e in f.entries],
  "titles": [e.title for e in f.entries], "content": [e.content[0].value for e in f.entries], "pages":
  [e.link for e in f.entries]}, sys.stdout)`)
		parse.Stdin = strings.NewReader(feed)
		out, err := parse.Output()
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Bozo, Version, Title                        string
			Links, IDs, Updated, Titles, Content, Pages []string
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		page := s.base + "/reports/this-week"
		if got.Bozo != "" || got.Version != "atom10" || got.Title != "The week" || len(got.IDs) < 3 ||
			strings.Join(got.Links, " ") != "alternate "+page+" self "+page+".atom" {
			t.Errorf("%s", out)
		}
		const tag = "tag:127.0.0.1,2026:notifyd/report/this-week/week/"
		if got.Pages[0] != page+"?of="+s.lastWeek() || !strings.HasPrefix(got.IDs[0], tag) ||
			!strings.Contains(got.Content[0], "alice") || strings.Contains(got.Content[0], "<b>") {
			t.Errorf("%s", out)
		}
		if a := s.visitor().get(strings.TrimPrefix(got.Pages[0], s.base)); a.status != 200 {
			t.Errorf("the page of an entry: %d", a.status)
		}
		return got.IDs
	}
	before := read(first.body)
	s.pass(7 * 24 * time.Hour)
	after := read(s.visitor().get("/reports/this-week.atom").body)
	if len(after) < 2 || after[1] != before[0] {
		t.Errorf("ids change: %q, %q", before, after)
	}
}

// TestReportFitsAPhone: whatever words are in it.
func TestReportFitsAPhone(t *testing.T) {
	tab := browser(t)
	s := newSite(t, "")
	s.say(0, unbroken, unbroken)
	s.storeAs("org.example.prod.wiki.article.edit", []byte(`{"msg_id":"2026-m","msg":{"user":"mallory"}}`),
		bus.Standing{Verdict: bus.Unsigned, Marked: true})
	s.reports(true)
	for _, path := range []string{"/reports", "/reports/this-week", "/reports/owner-changes", "/reports/badges"} {
		do(t, tab, chromedp.EmulateViewport(320, 700), chromedp.Navigate(s.base+path))
		wide, err := chromedp.Run(tab, chromedp.Evaluate[int](`document.documentElement.scrollWidth`))
		if err != nil || wide > 320 {
			t.Errorf("%s: %d pixels wide (%v)", path, wide, err)
		}
	}
	do(t, tab, chromedp.Navigate(s.base+"/reports/this-week"))
	shows(t, tab, "Not counted: 1 message whose sender is not proved.")
	said, err := chromedp.Run(tab, chromedp.Evaluate[string](
		`[...document.querySelectorAll('table')].every(t =>
			t.querySelector('thead th[scope=col]') && t.querySelector('tbody th[scope=row]'))
			+ ' ' + document.querySelectorAll('script:not([src])').length`))
	if err != nil || said != "true 0" {
		t.Errorf("%q, %v", said, err)
	}
}
