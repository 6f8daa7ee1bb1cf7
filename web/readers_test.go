package web_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/history/report"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/web"
	"github.com/notifyd/notifyd/web/datagrepper"
)

// secretID and openID are messages of a restricted source, and of another one, with the same names.
const secretID, openID = "2026-secret-1", "2026-open-1"

// restricted makes a site where only alice may see the source "private".
func restricted(t *testing.T, public bool) *testSite {
	t.Helper()
	s := newSite(t, "")
	set, err := report.Load(nil, rulespec.Env{})
	if err != nil {
		t.Fatal(err)
	}
	outside := func() readers.Sources { return readers.Sources{Names: []string{"private"}} }
	o := s.options()
	o.Readers = func(user *prefs.User) readers.Sources {
		if user != nil && user.Name == "alice" {
			return readers.Sources{}
		}
		return outside()
	}
	desk := report.NewDesk(report.Config{Store: s.history, Describe: s.meaning.Describe, Now: s.now})
	o.Reports = &web.Reports{Set: func() *report.Set { return set }, Desk: desk, Public: public}
	handler, err := datagrepper.Handler(datagrepper.Options{History: s.history, Describe: s.meaning.Describe, Now: s.now,
		Log: slog.New(slog.DiscardHandler), URL: s.base + "/datagrepper", Private: !public, Public: outside})
	if err != nil {
		t.Fatal(err)
	}
	o.Archive = &web.Archive{Handler: handler, Public: public}
	if s.pages, err = web.Handler(o); err != nil {
		t.Fatal(err)
	}
	for source, id := range map[string]string{"private": secretID, "main": openID} {
		s.storeFrame(bus.Frame{Source: source, Topic: "org.example.prod.git.receive", Payload: fmt.Appendf(nil,
			`{"topic": "org.example.prod.git.receive", "msg_id": %q, "timestamp": %d, "msg": {"commit": {"repo": "bash",`+
				`"branch": "main", "rev": "abc", "username": "carol", "summary": %q, "message": "x"}}}`,
			id, s.now().Add(-time.Minute).Unix(), "about "+source)}, bus.Standing{})
	}
	return s
}

// TestRestrictedMessagesAreNotThere: on no page, in no number, by no id for those who may not see them.
func TestRestrictedMessagesAreNotThere(t *testing.T) {
	s := restricted(t, false)
	pages := map[string]string{ // what shows that the message is there
		"/messages":                                                  secretID,
		"/messages?package=bash&user=carol":                          secretID,
		"/messages?topic=org.example.prod.git.":                      secretID,
		"/messages/" + secretID:                                      "about private",
		"/datagrepper/raw":                                           secretID,
		"/datagrepper/raw?rows_per_page=1":                           `"total": 2`,
		"/datagrepper/raw?contains=private&delta=86400&category=git": secretID,
		"/datagrepper/raw?user=carol&grouped=1":                      secretID,
		"/datagrepper/v2/search?package=bash":                        secretID,
		"/datagrepper/id?id=" + secretID:                             secretID,
		"/datagrepper/v2/id?id=" + secretID:                          secretID,
		"/datagrepper/messagecount":                                  `{"messagecount": 2}`,
		"/datagrepper/charts/line?delta=86400":                       `<desc class="value">2</desc>`,
		"/reports/this-week":                                         ">2<",
	}
	alice, bob := s.signUp("alice"), s.signUp("bob")
	for path, shows := range pages {
		for v, want := range map[*visitor]bool{alice: true, bob: false} {
			a := v.get(path)
			if got := strings.Contains(a.body, shows); got != want && !(strings.HasPrefix(path, "/reports") && !want) {
				t.Errorf("%s for a reader %v: status %d, %q is shown: %v", path, want, a.status, shows, got)
			}
		}
		if a := bob.get(path); strings.Contains(a.body, "about private") {
			t.Errorf("%s tells the text of what is restricted", path)
		}
	}
	if mine, other := bob.get("/messages/"+secretID), bob.get("/messages/2026-never-was"); mine.status != 404 ||
		mine.body != other.body {
		t.Errorf("a restricted message differs from one that never was: %d, %d", mine.status, other.status)
	}
	if mine, other := bob.get("/datagrepper/id?id="+secretID), bob.get("/datagrepper/id?id=x"); mine.status != 404 ||
		mine.body != other.body {
		t.Errorf("the archive answers %d %s, and of an unknown one %d %s", mine.status, mine.body, other.status, other.body)
	}
	for v, want := range map[*visitor]string{alice: "Searched 2 messages", bob: "Searched 1 message "} {
		v.post("/filters/preview", "r0.kind", "package", "r0.name", "bash").want(t, 200, want)
	}
}

// TestPublicNeverHasRestricted: nobody knows who reads a public archive or a feed.
func TestPublicNeverHasRestricted(t *testing.T) {
	s := restricted(t, true)
	stranger := s.visitor()
	for _, path := range []string{"/datagrepper/raw", "/datagrepper/id?id=" + secretID, "/reports/this-week",
		"/reports/this-week.atom", "/datagrepper/messagecount", "/datagrepper/charts/line?delta=86400"} {
		a := stranger.get(path)
		if strings.Contains(a.body, secretID) || strings.Contains(a.body, "about private") ||
			strings.Contains(a.body, `{"messagecount": 2}`) || strings.Contains(a.body, `<desc class="value">2</desc>`) {
			t.Errorf("%s has what is restricted: %s", path, a.body)
		}
	}
	if a := stranger.get("/datagrepper/raw"); !strings.Contains(a.body, openID) {
		t.Errorf("the archive lacks what is public: %s", a.body)
	}
}

// TestReportsCountWhatIsSeen: the same report is kept for each that differ in what they may see.
func TestReportsCountWhatIsSeen(t *testing.T) {
	s := restricted(t, false)
	set, err := report.Load(nil, rulespec.Env{})
	if err != nil {
		t.Fatal(err)
	}
	desk := report.NewDesk(report.Config{Store: s.history, Describe: s.meaning.Describe, Now: s.now})
	r := set.Find("this-week")
	start, _ := desk.Latest(r)
	for _, c := range []struct {
		among readers.Sources
		want  int
	}{
		{readers.Sources{}, 2}, {readers.Sources{Names: []string{"private"}}, 1}, {readers.None(), 0},
		{readers.Sources{}, 2},
	} {
		made, err := desk.Window(context.WithoutCancel(t.Context()), r, c.among, start)
		if err != nil || made.Counted != c.want {
			t.Errorf("%+v: %d counted, %v, want %d", c.among, made.Counted, err, c.want)
		}
	}
}
