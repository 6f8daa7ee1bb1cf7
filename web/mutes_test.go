package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/prefs/mutes"
)

// muted gives alice's mutes that are on.
func (f *fixture) muted() (list []mutes.Record) {
	f.t.Helper()
	all, err := f.prefs.Mutes.List(f.t.Context(), f.user("alice").ID)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, r := range all {
		if r.On(f.now()) {
			list = append(list, r)
		}
	}
	return list
}

func TestMuteOnAPage(t *testing.T) {
	f := newFixture(t)
	f.alice.get("/messages/2026-build-1").want(t, 200, `href="/mutes/new?message=2026-build-1"`)
	f.alice.get("/mutes/new?message=2026-build-1").want(t, 200, `value="package bash"`, "messages of the kind",
		`value="filter `, "until it is solved")
	f.alice.get("/mutes/new?message=2026-build-1&of=package+bash&for=week&errors=yes").want(t, 200,
		"You hear no more of the package bash, until", "errors still come through", "It would have silenced 0 messages in 30 days, and 1 error would have come")
	f.alice.get("/mutes/new?message=2026-build-1&of=package+bash&for=week&errors=no").want(t, 200,
		"errors are silenced too", "It would have silenced 1 message in 30 days, 1 of them errors")
	f.alice.get("/mutes/new?message=2026-build-1&of=object+build%2Fbash-5.3-1&for=week&errors=no").want(t, 200,
		"It would have silenced 1 message in 30 days, 1 of them errors")
	if len(f.muted()) != 0 {
		t.Fatal("a look has muted it")
	}
	f.visitor().post("/mutes", "of", "package bash", "for", "week").want(t, http.StatusForbidden)
	f.alice.post("/mutes", "of", "package bash", "for", "week", "errors", "no").to(t, "/mutes")
	f.alice.get("/mutes").want(t, 200, "Muted: the package bash", "2 notices that waited are silenced", "Undo",
		"silenced so far: 1 message")
	if e := f.delivery("2026-build-1"); !e.Silenced() {
		t.Fatalf("it waits still: %+v", e)
	}
	id := f.muted()[0].ID
	for _, what := range []string{"end", "undo"} {
		f.bob.post("/mutes/"+fmt.Sprint(id)+"/"+what).want(t, http.StatusNotFound)
	}
	f.alice.post("/mutes/"+fmt.Sprint(id)+"/undo").to(t, "/mutes")
	if e := f.delivery("2026-build-1"); e.State != outbox.Waiting || len(f.muted()) != 0 {
		t.Errorf("after undo: %s, %d mutes", e.State, len(f.muted()))
	}
	f.alice.get("/mutes").want(t, 200, "Muted before", "(you)")
}

// TestMuteHostileValues: what nobody can mean is refused with words, and shown as text.
func TestMuteHostileValues(t *testing.T) {
	f := newFixture(t)
	for of, status := range map[string]int{
		"package " + strings.Repeat("x", 1001): 422, "package a\r\nb": 422, "everything x": 422, "package ": 422, "": 422,
		"filter 4711": 404, "filter 1 OR 1=1": 422, "object \x1b[31m": 422, "package <script>alert(1)</script>": 303,
		"object " + strings.Repeat("é", 500): 303,
	} {
		f.alice.post("/mutes", "of", of, "for", "day").want(t, status)
	}
	f.alice.post("/mutes", "of", "package bash", "for", "solved").want(t, 422, "nothing else is ever solved")
	f.alice.get("/mutes/new?of=package+bash&for=solved&message=2026-build-1").want(t, 422, "for-problem",
		`value="package bash" checked`)
	f.alice.get("/mutes/new?kind=person&value=a%07b&for=day").want(t, 422, "value-problem", "no name has",
		`value="person" selected`, `value="day" selected`)
	f.alice.get("/mutes/new?kind=package&value=&for=day").want(t, 422, "Say what is to be muted.")
	f.alice.post("/mutes", "of", "package bash", "for", "ever").want(t, 422, "how long")
	if page := f.alice.get("/mutes").want(t, 200, "&lt;script&gt;"); strings.Contains(page.body, "<script>alert") {
		t.Error("a value runs")
	}
	f.alice.get("/mutes/new?message="+url.QueryEscape(strings.Repeat("x", 9000))).want(t, 404)
	f.alice.get("/mutes/new?of=object+x&for=day").want(t, 200, "It would have silenced 0 messages")
}

// TestMuteByALink: whoever has the link of a notice mutes what the notice is about, and undoes that, and no more.
func TestMuteByALink(t *testing.T) {
	f := newFixture(t)
	nobody := f.visitor()
	page := strings.TrimPrefix(f.links.Mute(f.mail.ID), f.base)
	nobody.get("/stop/"+f.stop+"?message=2026-build-1").want(t, 200, "Mute it instead", "/mute/")
	nobody.get(page+"?message=2026-build-1").want(t, 200, "package bash", "a week")
	nobody.get(page).want(t, http.StatusGone)
	nobody.get(page+"?message=other").want(t, http.StatusGone, "no longer kept")
	nobody.get(page+"?message=2026-build-1&of=package+bash&for=day&errors=no").want(t, 200, "errors are silenced too",
		`name="errors" value="no"`)
	for _, form := range [][]string{
		{"of", "package zsh", "for", "day", "message", "2026-build-1"}, {"of", "package bash", "for", "day"},
		{"of", "filter 2", "for", "day", "message", "2026-build-1"}, {"of", "", "for", "day", "message", "2026-build-1"},
	} {
		nobody.post(page, form...).want(t, 422, "nothing else")
	}
	for _, forged := range []string{f.stop, "AAAA", page[6:len(page)-2] + "xx", strings.Repeat("A", 500)} {
		nobody.post("/mute/"+forged, "of", "package bash", "for", "day", "message", "2026-build-1").want(t, http.StatusGone)
	}
	if len(f.muted()) != 0 {
		t.Fatal("something is muted")
	}
	done := nobody.post(page, "of", "package bash", "for", "day", "message", "2026-build-1").want(t, 200, "Muted", "Undo")
	if m := f.muted(); len(m) != 1 || m[0].By != "mail" || m[0].Kind != mute.Package || !m[0].Errors {
		t.Fatalf("%+v", m)
	}
	// a second one changes it, and cannot be undone here: the first may have been the owner's
	again := nobody.post(page, "of", "package bash", "for", "week", "message", "2026-build-1").want(t, 200)
	if strings.Contains(again.body, "Undo") {
		t.Error("a link undoes what it has not done")
	}
	undo := regexp.MustCompile(`action="(/mute/[^"]+/undo)"`).FindStringSubmatch(done.body)[1]
	nobody.post(page+"/undo").want(t, http.StatusGone)
	nobody.get(undo).want(t, http.StatusMethodNotAllowed)
	nobody.post(undo).want(t, 200, "You hear of it again")
	if len(f.muted()) != 0 {
		t.Error("undo did not end it")
	}
	f.pass(links.UndoLife)
	nobody.post(undo).want(t, http.StatusGone, "1 hour")
	f.pass(links.Life)
	nobody.get(page+"?message=2026-build-1").want(t, http.StatusGone, "too old")
}

// TestWhyNotSaysTheMute: who looks why a message did not come sees that it was muted.
func TestWhyNotSaysTheMute(t *testing.T) {
	f := newFixture(t)
	f.alice.post("/mutes", "of", "package bash", "for", "week", "errors", "no").to(t, "/mutes")
	f.pass(time.Minute)
	payload := `{"topic": "org.example.prod.buildsys.build.state.change", "msg_id": "2026-later", "msg": {"new": 3,
		"name": "bash", "build_id": 9, "owner": "bob", "version": "1", "release": "1", "instance": "primary"}}`
	f.store("org.example.prod.buildsys.build.state.change", []byte(payload))
	f.alice.get("/messages/2026-later").want(t, 200, "Nothing was sent: you had muted the package bash from")
}

// TestMuteEndsOnItsPage: what has ended is listed for 30 days.
func TestMuteEndsOnItsPage(t *testing.T) {
	f := newFixture(t)
	f.alice.post("/mutes", "of", "package bash", "for", "hour").to(t, "/mutes")
	f.pass(time.Hour)
	f.alice.get("/mutes").want(t, 200, "Nothing is muted", "Muted before", "the package bash")
}

// TestWaiting: what waits is shown as the digest that it would be, is sent now, or thrown away and taken back.
func TestWaiting(t *testing.T) {
	f := newFixture(t)
	if err := f.db.Writer.Exec("UPDATE deliveries SET due_at = ?, hold = 'digest', together = true",
		f.now().Add(time.Hour).UnixMicro()).Error; err != nil {
		t.Fatal(err)
	}
	drop := fmt.Sprint("/waiting/", f.mail.ID, "/drop")
	f.alice.get("/waiting").want(t, 200, "alice@example.org", "1 notice", "waits: digest at", "bash", drop)
	due := f.now().UTC().Add(time.Hour)
	f.alice.post("/settings/quiet", "quiet", due.Add(-10*time.Minute).Format("15:04")+"-"+
		due.Add(10*time.Minute).Format("15:04")).to(t, "/settings/when")
	f.alice.get("/waiting").want(t, 200, "waits: quiet hours until "+due.Add(10*time.Minute).Format("15:04"))
	f.alice.post("/settings/quiet", "quiet", "").to(t, "/settings/when")
	for what, status := range map[string]int{"drop": http.StatusNotFound, "send": http.StatusNotFound,
		"keep/1": http.StatusGone} {
		f.bob.post(fmt.Sprint("/waiting/", f.mail.ID, "/", what)).want(t, status)
	}
	thrown := f.alice.post(drop).want(t, http.StatusSeeOther).header.Get("Location")
	page := f.alice.get(thrown).want(t, 200, "Thrown away: 1 notice", "Keep it after all")
	state := func() (e outbox.Entry) {
		list, err := f.outbox.OfMessage(t.Context(), "2026-build-1", []string{fmt.Sprint(f.mail.ID)})
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		return list[0]
	}
	if e := state(); !e.Silenced() || !strings.Contains(e.LastError, "thrown away by you") {
		t.Fatalf("%+v", e)
	}
	keep := regexp.MustCompile(`action="(/waiting/[^"]+/keep/[^"]+)"`).FindStringSubmatch(page.body)[1]
	f.alice.post(keep).to(t, "/waiting")
	if e := state(); e.State != outbox.Waiting || !e.DueAt.After(f.now()) || e.Hold != "digest" {
		t.Fatalf("%+v", e)
	}
	f.alice.post(fmt.Sprint("/waiting/", f.mail.ID, "/send")).to(t, "/waiting")
	if e := state(); e.State != outbox.Waiting || e.DueAt.After(f.now()) {
		t.Fatalf("%+v", e)
	}
	f.pass(keepFor)
	f.alice.post(keep).want(t, http.StatusGone)
}

const keepFor = time.Hour + time.Second

func TestMuteAPI(t *testing.T) {
	f := newFixture(t)
	call := func(v *visitor, method, path, body string) answer {
		v.header.Set("Sec-Fetch-Site", "same-origin")
		defer v.header.Del("Sec-Fetch-Site")
		return v.do(method, path, "application/json", strings.NewReader(body))
	}
	ends := f.now().Add(48 * time.Hour).UTC().Format(time.RFC3339)
	mute := `{"kind": "package", "value": "bash", "ends": "` + ends + `", "errors": false}`
	call(f.visitor(), "POST", "/api/v1/mutes", mute).want(t, 401)
	call(f.alice, "POST", "/api/v1/mutes/preview", mute).want(t, 200, `"silenced":1`, `"errors":1`, `"whole":true`)
	call(f.alice, "POST", "/api/v1/mutes", mute).want(t, 200, `"silenced_waiting":2`, `"by":"api"`)
	call(f.alice, "GET", "/api/v1/mutes", "").want(t, 200, `"value":"bash"`, `"on":true`)
	call(f.alice, "POST", "/api/v1/mutes", `{"kind": "package", "value": "bash"}`).want(t, 422, `"field":"ends"`)
	call(f.alice, "POST", "/api/v1/mutes", `{"other": 1}`).want(t, 400)
	call(f.alice, "POST", "/api/v1/mutes", `{"kind": "object", "value": "a/1", "until_solved": true}`).want(t, 200)
	id := f.muted()[1].ID
	call(f.bob, "DELETE", fmt.Sprint("/api/v1/mutes/", id), "").want(t, 404)
	call(f.alice, "DELETE", fmt.Sprint("/api/v1/mutes/", id, "?undo=yes"), "").want(t, 200, `"on":false`)
	call(f.alice, "GET", fmt.Sprint("/api/v1/destinations/", f.mail.ID, "/waiting"), "").want(t, 200, `"waiting":1`)
	call(f.bob, "GET", fmt.Sprint("/api/v1/destinations/", f.mail.ID, "/waiting"), "").want(t, 404)
	call(f.alice, "DELETE", fmt.Sprint("/api/v1/destinations/", f.mail.ID, "/waiting"), "").want(t, 200, `"thrown_away":1`)
}
