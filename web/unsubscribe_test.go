package web_test

import (
	"errors"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/prefs/links"
)

// undoOf gives the address that the Undo button of a page posts to.
func undoOf(t *testing.T, a answer) string {
	t.Helper()
	found := regexp.MustCompile(`action="(/stop/[^"]+/undo)"`).FindStringSubmatch(a.body)
	if found == nil {
		t.Fatalf("no Undo on the page:\n%s", a.body)
	}
	return found[1]
}

func TestUnsubscribeLink(t *testing.T) {
	f := newFixture(t)
	nobody := f.visitor()
	on := func() bool {
		g, err := f.prefs.Filters.Get(t.Context(), f.user("alice").ID, f.filter.ID)
		if err != nil {
			t.Fatal(err)
		}
		return g.On && (len(g.Destinations) == 0 || g.Destinations[0] == f.mail.ID)
	}
	page := "/stop/" + f.stop
	nobody.get(page).want(t, 200, "Stop these notices?", "Secret plans", "When a package is bash")
	if !on() {
		t.Fatal("looking at the page stopped the filter")
	}
	nobody.post(page).want(t, http.StatusBadRequest)
	undo := undoOf(t, nobody.post(page, "stop", "yes").want(t, 200, "no longer sends to alice@example.org", "Undo"))
	if on() {
		t.Fatal("the filter still sends there")
	}
	if a := nobody.post(page, "stop", "yes").want(t, 200); strings.Contains(a.body, "Undo") {
		t.Error("a stop that changed nothing can be undone")
	}
	nobody.post(page+"/undo").want(t, http.StatusGone)
	if on() {
		t.Fatal("the link of the mail brought it back")
	}
	nobody.post(undo).want(t, 200, "sends to alice@example.org again")
	if !on() {
		t.Fatal("undo did not bring it back")
	}
	undo = undoOf(t, nobody.post(page, "stop", "yes"))
	f.pass(links.UndoLife)
	nobody.post(undo).want(t, http.StatusGone, "for 1 hour")
	if on() {
		t.Fatal("an old undo brought it back")
	}
	f.alice.post(filterPath(f.filter)+"/on").want(t, http.StatusSeeOther)
	// A mail program posts without any header of a browser (RFC 8058, section 3.1).
	nobody.do(http.MethodPost, page, "application/x-www-form-urlencoded",
		strings.NewReader("List-Unsubscribe=One-Click")).want(t, 200)
	if on() {
		t.Fatal("one click did not stop the filter")
	}
	if ds := f.destinations("alice"); !ds[0].On {
		t.Error("the whole destination was switched off")
	}
}

func TestUnsubscribeADestination(t *testing.T) {
	f := newFixture(t)
	link := f.links.Manage(f.mail.ID)
	f.visitor().get(link).want(t, 200, "Everything that is sent to", "Stop everything here")
	undo := undoOf(t, f.visitor().post(link, "stop", "yes").want(t, 200, "Nothing more is sent to alice@example.org"))
	if f.destinations("alice")[0].On {
		t.Error("the destination is still on")
	}
	f.visitor().post(link+"/undo").want(t, http.StatusGone)
	f.visitor().post(undo).want(t, 200)
	if !f.destinations("alice")[0].On {
		t.Error("undo did not switch it on")
	}
}

// TestAStopByAStrangerIsTold: who got a notice passed on stops everything; its owner is told and takes it back. What
// the owner does while signed in is not told.
func TestAStopByAStrangerIsTold(t *testing.T) {
	f := newFixture(t)
	told := func(address string) backends.Notice { return f.testSite.mail("email", address) }
	link := f.links.Manage(f.mail.ID)
	f.visitor().do(http.MethodPost, link, "application/x-www-form-urlencoded",
		strings.NewReader("List-Unsubscribe=One-Click")).want(t, 200)
	mail := told("alice@example.org")
	if mail.Title != "All notices to alice@example.org were stopped" || !strings.HasSuffix(mail.Link, "/undo") {
		t.Fatalf("the owner is told %+v", mail)
	}
	f.visitor().post(link, "stop", "yes").want(t, 200)
	if again := told("alice@example.org"); again.ID != mail.ID {
		t.Error("a stop that changed nothing is told again")
	}
	for range 2 { // a mail scanner opens links
		f.visitor().get(mail.Link).want(t, 200, "Send notices again?")
	}
	if f.destinations("alice")[0].On {
		t.Fatal("looking at the page switched it on")
	}
	f.visitor().post(mail.Link).want(t, 200, "Notices are sent to alice@example.org again")
	if !f.destinations("alice")[0].On {
		t.Fatal("the link in the mail did not switch it on")
	}
	f.visitor().post(link, "stop", "yes").want(t, 200)
	f.visitor().post(mail.Link).want(t, http.StatusGone)
	f.alice.post("/destinations/1/on").want(t, http.StatusSeeOther)
	before := told("alice@example.org").ID
	f.pass(2 * time.Minute)
	f.alice.post(link, "stop", "yes").want(t, 200)
	if after := told("alice@example.org").ID; after != before {
		t.Error("the owner is told what the owner did")
	}
	f.pass(links.WideLife + time.Hour)
	f.visitor().get(link).want(t, http.StatusGone, "too old")
	f.visitor().get("/stop/"+f.stop).want(t, 200)
}

// RFC 8058 lets a mail program post its form as multipart/form-data; a large one is refused.
func TestOneClickAsMultipart(t *testing.T) {
	form := func(value string) (kind, body string) {
		var out strings.Builder
		w := multipart.NewWriter(&out)
		if err := errors.Join(w.WriteField("List-Unsubscribe", value), w.Close()); err != nil {
			t.Fatal(err)
		}
		return w.FormDataContentType(), out.String()
	}
	f := newFixture(t)
	page := "/stop/" + f.stop
	kind, body := form("One-Click")
	f.visitor().do(http.MethodPost, page, "multipart/form-data", strings.NewReader(body)).want(t, 400)
	other, nothing := form("no")
	f.visitor().do(http.MethodPost, page, other, strings.NewReader(nothing)).want(t, 400, "nothing was done")
	long, large := form(strings.Repeat("One-Click", 1000))
	f.visitor().do(http.MethodPost, page, long, strings.NewReader(large)).want(t, http.StatusRequestEntityTooLarge)
	if g, err := f.prefs.Filters.Get(t.Context(), f.user("alice").ID, f.filter.ID); err != nil || !g.On {
		t.Fatalf("%+v, %v", g, err)
	}
	f.visitor().do(http.MethodPost, page, kind, strings.NewReader(body)).want(t, 200, "no longer sends to")
}

func TestUnsubscribeLinksThatDoNotWork(t *testing.T) {
	f := newFixture(t)
	forged := links.New([]byte("another key of 16 bytes"), f.base, f.now).Unsubscribe(f.filter.ID, f.mail.ID)
	before := f.dump()
	for _, link := range []string{forged, f.base + "/stop/x", f.base + "/stop/" + f.stop[:len(f.stop)-2], f.base +
		"/stop/" + f.stop + "A"} {
		f.visitor().get(link).want(t, http.StatusGone, "not complete, or it is too old")
		f.visitor().post(link, "stop", "yes").want(t, http.StatusGone)
		f.visitor().post(link+"/undo").want(t, http.StatusGone)
	}
	if f.dump() != before {
		t.Error("a link that does not work changed something")
	}
	f.alice.post(filterPath(f.filter)+"/delete").to(t, "/filters")
	f.visitor().get("/stop/"+f.stop).want(t, http.StatusGone, "gone already")
	f.pass(links.Life + time.Hour)
	f.visitor().get("/stop/"+f.stop).want(t, http.StatusGone, "too old")
}
