package web_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
)

// call asks the API.
func (v *visitor) call(method, path, body string) (int, string) {
	v.site.t.Helper()
	r, err := http.NewRequestWithContext(v.site.t.Context(), method, v.site.base+path, strings.NewReader(body))
	if err != nil {
		v.site.t.Fatal(err)
	}
	answer, err := v.client.Do(r)
	if err != nil {
		v.site.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		v.site.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// TestQuietHoursAndPauseOnThePages: they are set, refused in words, shown on every page and said of what waits.
func TestQuietHoursAndPauseOnThePages(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	to := s.destinations("alice")[0]
	alice.post("/settings/quiet", "quiet", "mo-fr 22:00-07:00").want(t, 422, "is no day", "quiet-problem", "mo-fr")
	alice.post("/settings/quiet", "quiet", "00:00-24:00").want(t, 422, "leave no time in the week")
	alice.post("/settings/quiet", "quiet", "Mon-Fri 22-7; sat,sun 23:00-09:00").to(t, "/settings/when")
	alice.get("/settings/when").want(t, 200, "mon-fri 22:00-07:00; sat,sun 23:00-09:00", to.Address, "quiet")
	err := s.db.Writer.Transaction(func(tx *gorm.DB) error {
		_, err := s.outbox.Add(tx, []outbox.Delivery{{Message: "m1", Destination: prefs.Key(to.ID), Backend: "email",
			Address: to.Address, DueAt: s.now().Add(3 * time.Hour), Hold: "quiet", Together: true,
			Notice: backends.Notice{ID: "m1", Topic: "org.x.prod.y", Title: "it failed", Text: "it failed"}}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	alice.get("/notices").want(t, 200, "waits: quiet hours until ")
	alice.post("/settings/pause", "until", "yesterday").want(t, 422, "until-problem")
	alice.post("/settings/pause", "until", "2001-01-01T07:00").want(t, 422, "ends in the past")
	until := s.now().UTC().Add(72 * time.Hour).Format("2006-01-02T15:04")
	alice.post("/settings/pause", "until", until, "end", "drop").to(t, "/settings/when")
	alice.get("/filters").want(t, 200, "Paused until ", "1 notice to throw away", "Change or resume")
	alice.get("/notices").want(t, 200, "held: paused until ")
	alice.post("/settings/resume", "end", "digest").to(t, "/settings/when")
	if page := alice.get("/filters"); strings.Contains(page.body, "Paused until") {
		t.Error("after the pause the pages say that everything is paused")
	}
	alice.get("/notices").want(t, 200, "goes now")
	alice.post("/settings/resume", "end", "digest").want(t, 404)
}

// TestScheduleOfAFilter: for one destination, on a page of its own; only its owner reaches it.
func TestScheduleOfAFilter(t *testing.T) {
	s := newSite(t, "")
	alice, bob := s.signUp("alice"), s.signUp("bob")
	to, f := s.destinations("alice")[0], s.filters("alice")[0]
	page := fmt.Sprint("/filters/", f.ID) + "/schedules"
	form := page + "/" + prefs.Key(to.ID)
	alice.get(fmt.Sprint("/filters/", f.ID)).want(t, 200, page)
	alice.get(page).want(t, 200, "As the destination says", to.Address)
	alice.post(form, "how", "digest", "at", "25").want(t, 422, "at-problem")
	alice.post(form, "how", "digest", "at", "7, 12.30", "from", "error").to(t, page)
	alice.get(page).want(t, 200, "A digest at 07:00 and 12:30 every day. Errors at once.")
	if got := s.filters("alice")[0].Schedules[to.ID]; got.Text() != "at 07:00,12:30, from error" {
		t.Errorf("the schedule is %q", got.Text())
	}
	alice.get("/settings/filters.yaml").want(t, 200, "when:", "07:00,12:30", "at_once_from: error")
	bob.get(page).want(t, 404)
	bob.post(form, "how", "once").want(t, 404)
	alice.post(form, "how", "destination").to(t, page)
	if len(s.filters("alice")[0].Schedules) != 0 {
		t.Error("it is still there")
	}
}

// TestWhenInTheAPI: the same by JSON, with the session of the pages.
func TestWhenInTheAPI(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	to, f := prefs.Key(s.destinations("alice")[0].ID), fmt.Sprint(s.filters("alice")[0].ID)
	until := s.now().UTC().Add(48 * time.Hour).Format(time.RFC3339)
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"PUT", "/api/v1/quiet", `{"quiet": "22-7"}`, 200, `"quiet":"22:00-07:00"`},
		{"GET", "/api/v1/quiet", "", 200, `"quiet":"22:00-07:00"`},
		{"PUT", "/api/v1/quiet", `{"quiet": "x"}`, 422, `"field":"quiet"`},
		{"PUT", "/api/v1/quiet", `{"silence": ""}`, 400, `"error":`},
		{"PUT", "/api/v1/pause", `{"until": "` + until + `", "end": "drop"}`, 200, `"paused":true`},
		{"GET", "/api/v1/pause", "", 200, `"end":"drop"`},
		{"PUT", "/api/v1/pause", `{"until": "2001-01-01T00:00:00Z"}`, 422, `"field":"pause"`},
		{"DELETE", "/api/v1/pause?end=drop", "", 200, `"paused":false`},
		{"DELETE", "/api/v1/pause", "", 404, `"error":`},
		{"PUT", "/api/v1/destinations/" + to + "/schedule", `{"every": "1h", "first": true, "quiet": "12-13"}`, 200,
			`"quiet":"12:00-13:00"`},
		{"GET", "/api/v1/destinations/" + to + "/schedule", "", 200, `"every":"1h0m0s"`},
		{"PUT", "/api/v1/destinations/" + to + "/schedule", `{"first": true}`, 422, `"field":"first"`},
		{"GET", "/api/v1/filters/" + f + "/schedules/" + to, "", 404, `"error":`},
		{"PUT", "/api/v1/filters/" + f + "/schedules/" + to, `{"at": ["07:00"], "days": ["mon"]}`, 200, `"days":["mon"]`},
		{"GET", "/api/v1/filters/" + f + "/schedules/" + to, "", 200, `"at":["07:00"]`},
		{"DELETE", "/api/v1/filters/" + f + "/schedules/" + to, "", 200, "{}"},
		{"GET", "/api/v1/destinations/999/schedule", "", 404, `"error":`},
		{"GET", "/api/v1/waiting", "", 200, `"waiting":[`},
	} {
		status, body := alice.call(c.method, c.path, c.body)
		if status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.path, status, body, c.status, c.want)
		}
	}
	if status, _ := s.visitor().call("GET", "/api/v1/pause", ""); status != 401 {
		t.Errorf("a stranger gets %d", status)
	}
}
