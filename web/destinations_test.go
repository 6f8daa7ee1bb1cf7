package web_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/schedule"
)

var codeForm = regexp.MustCompile(`[0-9A-Z]{5}-[0-9A-Z]{5}`)

func TestConfirmByTypedCode(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	alice.post("/destinations", "backend", "irc", "address", "Alice_Nick@Libera").to(t, "/destinations/2")
	page := "/destinations/2"
	alice.get(page).want(t, 200, "Not confirmed", "Type it here")
	code := codeForm.FindString(s.mail("irc", "alice_nick@libera").Text)
	if code == "" {
		t.Fatal("the message has no code")
	}
	alice.post(page+"/test").want(t, http.StatusConflict)
	alice.post(page+"/confirm", "code", "AAAAA-AAAAA").want(t, 422, "wrong, used or too old")
	alice.post(page+"/confirm", "code", strings.ToLower(strings.ReplaceAll(code, "-", " "))).to(t, page)
	alice.get(page).want(t, 200, "alice_nick@libera is confirmed", "Each notice at once")
	alice.post(page+"/test").to(t, page)
	sent, err := s.outbox.Recent(t.Context(), []string{"2"}, 0, 5)
	if err != nil || len(sent) != 1 || sent[0].State != outbox.Waiting || sent[0].Notice.Title != "A test from notifyd" {
		t.Errorf("test notice: %+v, %v", sent, err)
	}
}

func TestConfirmByMailedLink(t *testing.T) {
	s := newSite(t, "/notify")
	alice := s.signUp("alice")
	alice.post("/destinations", "backend", "email", "address", "alice@work.example.org").want(t, http.StatusSeeOther)
	link := s.mail("email", "alice@work.example.org").Link
	alice.get(link).want(t, 200, `name="code"`, `value="`+codeForm.FindString(link)+`"`)
	if ds := s.destinations("alice"); ds[1].Confirmed {
		t.Fatal("opening the link confirmed the address")
	}
	bob := s.signUp("bob")
	bob.get(link).want(t, http.StatusNotFound)
	alice.post("/destinations/2/confirm", "code", codeForm.FindString(link)).want(t, http.StatusSeeOther)
	if ds := s.destinations("alice"); !ds[1].Confirmed {
		t.Error("the address is not confirmed")
	}
}

func TestCodesAreLimited(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	alice.post("/destinations", "backend", "irc", "address", "nick@libera").want(t, http.StatusSeeOther)
	tried := 0
	for range 40 {
		if alice.post("/destinations/2/confirm", "code", "AAAAA-AAAAA").status == http.StatusTooManyRequests {
			break
		}
		tried++
	}
	if tried > 25 {
		t.Errorf("%d codes could be tried at once", tried)
	}
	alice.post("/destinations/2/resend").to(t, "/destinations/2")
	alice.get("/destinations/2").want(t, 200, "a moment ago")
	for range 6 {
		s.pass(time.Minute)
		alice.post("/destinations/2/resend").to(t, "/destinations/2")
	}
	alice.get("/destinations/2").want(t, 200, "no more is sent for now")
}

func TestAddressesThatAreRefused(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	for _, c := range [][2]string{{"email", "nonsense"}, {"email", ""}, {"irc", "a b"}, {"smoke", "x"},
		{"email", "a@example.org\r\nBcc: b@example.org"}} {
		alice.post("/destinations", "backend", c[0], "address", c[1]).want(t, 422)
	}
	if n := len(s.destinations("alice")); n != 1 {
		t.Errorf("%d destinations", n)
	}
}

func TestDesktopToken(t *testing.T) {
	s := newSite(t, "/notify")
	alice := s.signUp("alice")
	page := alice.post("/destinations", "backend", "desktop", "address", "laptop").want(t, 200, "It is shown only now",
		"notifyd desktop --server "+s.base).body
	token := regexp.MustCompile(`ntf_[A-Za-z0-9_-]+`).FindString(page)
	u, err := s.prefs.Tokens.User(t.Context(), token, "192.0.2.1", "curl/8")
	if err != nil || u.Name != "alice" {
		t.Fatalf("the token stands for %q, %v", u.Name, err)
	}
	d := s.destinations("alice")[1]
	if !d.Confirmed || d.Backend != "desktop" {
		t.Fatalf("destination %+v", d)
	}
	own := destinationPath(d)
	if again := alice.get(own).want(t, 200, "laptop").body; strings.Contains(again, token) {
		t.Error("the token is shown twice")
	}
	alice.post(own+"/tokens", "address", "tower").want(t, 200, "ntf_")
	if n := len(s.destinations("alice")); n != 2 {
		t.Errorf("%d destinations, want one for all machines", n-1)
	}
	tokens, err := s.prefs.Tokens.List(t.Context(), s.user("alice").ID)
	if err != nil || len(tokens) != 2 {
		t.Fatalf("tokens %v, %v", tokens, err)
	}
	alice.post(own+"/tokens/1/revoke").want(t, http.StatusSeeOther)
	if _, err := s.prefs.Tokens.User(t.Context(), token, "192.0.2.1", "curl/8"); err == nil {
		t.Error("the revoked token still works")
	}
	alice.post(own+"/delete").want(t, http.StatusSeeOther)
	if tokens, _ := s.prefs.Tokens.List(t.Context(), s.user("alice").ID); len(tokens) != 0 {
		t.Error("deleting the destination left a token")
	}
	if a := s.visitor().get("/api/v1/notices"); a.status != 200 || a.body != "stream" {
		t.Errorf("the stream answers %d %q", a.status, a.body)
	}
}

func TestSchedule(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	set := func(form ...string) answer {
		return alice.post("/destinations/1", form...)
	}
	for _, c := range []struct {
		name, field string
		form        []string
	}{
		{"nothing", "at least one of", []string{"how", "digest"}},
		{"minutes", `id="every-problem"`, []string{"how", "digest", "every", "0"}},
		{"words", `id="every-problem"`, []string{"how", "digest", "every", "soon"}},
		{"too many", `id="count-problem"`, []string{"how", "digest", "count", "100000"}},
		{"one", `id="count-problem"`, []string{"how", "digest", "count", "1"}},
		{"time", `id="at-problem"`, []string{"how", "digest", "at", "25:00"}},
	} {
		t.Run(c.name, func(t *testing.T) { set(c.form...).want(t, 422, c.field) })
	}
	set("how", "digest", "every", "90", "count", "20", "at", "7.05", "day", "1", "day", "2", "day", "9").to(t,
		"/destinations/1")
	got := s.destinations("alice")[0].Schedule
	want := schedule.Schedule{Every: 90 * time.Minute, Count: 20, At: "07:05",
		Weekdays: []time.Weekday{time.Monday, time.Tuesday}}
	if got.Every != want.Every || got.Count != want.Count || got.At != want.At || len(got.Weekdays) != 2 {
		t.Errorf("schedule %+v, want %+v", got, want)
	}
	alice.get("/destinations/1").want(t, 200, `value="90"`, `value="07:05"`)
	alice.get("/destinations").want(t, 200,
		"A digest 90 minutes after the first waiting notice, or when 20 wait, or at 07:05 on Monday and Tuesday, whichever comes first.", "Next digest", "or earlier")
	set("how", "once", "every", "90").to(t, "/destinations/1")
	if s.destinations("alice")[0].Schedule.Digest() {
		t.Error("it is still a digest")
	}
}

// Who fills in when a digest goes and overlooks the choice above it is asked, not ignored. Going back to at once needs
// no emptying of the fields.
func TestScheduleWithoutItsChoice(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	page := fmt.Sprintf("/destinations/%d", s.destinations("alice")[0].ID)
	alice.post(page, "how", "once", "at", "07:00").want(t, 422, "chose each notice at once", `value="digest" checked`,
		`value="07:00"`)
	alice.post(page, "how", "digest", "at", "07:00").to(t, page)
	alice.post(page, "how", "once", "at", "07:00").to(t, page)
	if got := s.destinations("alice")[0].Schedule; got.Digest() {
		t.Errorf("schedule %+v, want none", got)
	}
}
