package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"gorm.io/gorm"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
)

// giveUp queues a notice for a destination and gives it up. It gives the notice's id.
func (s *testSite) giveUp(message string, destination uint) int64 {
	s.t.Helper()
	d := outbox.Delivery{Message: message, Destination: prefs.Key(destination), Backend: "email", Address: "x@example.org",
		DueAt: s.now()}
	d.Notice.Title = "About " + message
	if err := s.queue(s.t.Context(), d); err != nil {
		s.t.Fatal(err)
	}
	if err := s.outbox.CancelOne(s.t.Context(), d.Destination, "552 mailbox full"); err != nil {
		s.t.Fatal(err)
	}
	return s.delivery(message).ID
}

func (s *testSite) delivery(message string) outbox.Entry {
	s.t.Helper()
	all, err := s.outbox.Find(s.t.Context(), outbox.Query{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range all {
		if e.Message == message {
			return e
		}
	}
	s.t.Fatalf("no delivery of %s", message)
	return outbox.Entry{}
}

func TestSendAgain(t *testing.T) {
	s := newSite(t, "/notify")
	alice, bob := s.signUp("alice"), s.signUp("bob")
	first, second, bobs := s.giveUp("m1", 1), s.giveUp("m2", 1), s.giveUp("m3", 2)
	button := func(id int64) string { return fmt.Sprintf("/notices/%d/resend", id) }

	alice.get("/notices").want(t, 200, "552 mailbox full", `action="/notify`+button(first)+`"`, "Send again")
	for _, path := range []string{button(bobs), button(4711), "/notices/x/resend"} {
		alice.post(path).want(t, http.StatusNotFound)
	}
	s.visitor().post(button(first)).want(t, http.StatusForbidden)
	if e := s.delivery("m1"); e.State != outbox.Dead {
		t.Fatalf("somebody else could send it again: %s", e.State)
	}
	alice.post(button(first)).to(t, "/notify/notices")
	alice.get("/notices").want(t, 200, "The notice is on its way again.")
	if e := s.delivery("m1"); e.State != outbox.Waiting || e.DueAt.After(s.now()) {
		t.Errorf("after the button the notice is %+v", e)
	}
	alice.post(button(first)).want(t, http.StatusNotFound, "on its way again already")

	// what takes nothing has no button, and the address behind it says why
	alice.post("/destinations/1/pause").to(t, "/notify/destinations/1")
	if page := alice.get("/notices").want(t, 200, "552 mailbox full"); strings.Contains(page.body, "Send again") {
		t.Error("there is a button although the destination is off")
	}
	alice.post(button(second)).want(t, http.StatusConflict, "cannot be sent again: its destination is switched off")
	// not by Disable, which would end bob's session too
	if err := s.db.Writer.Exec("UPDATE destinations SET disabled = '550 no such user' WHERE id = 2").Error; err != nil {
		t.Fatal(err)
	}
	bob.post(button(bobs)).want(t, http.StatusConflict, "550 no such user")
}

func TestBrowserSendsAgain(t *testing.T) {
	tab := browser(t)
	s := newSite(t, "/notify")
	signInWith(t, s, tab, "alice")
	s.giveUp("m1", 1)
	do(t, tab, chromedp.Navigate(s.base+"/notices"))
	shows(t, tab, "552 mailbox full")
	do(t, tab, chromedp.Click(chromedp.CSS(`button[aria-label="Send again: About m1"]`)))
	shows(t, tab, "The notice is on its way again.")
	shows(t, tab, "goes now; last time: 552 mailbox full")
	if e := s.delivery("m1"); e.State != outbox.Waiting {
		t.Errorf("after the button the notice is %s", e.State)
	}
}

// TestWithdrawnNotice: what was withdrawn because it is not true did not fail, and cannot be sent again.
func TestWithdrawnNotice(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	if err := s.queue(t.Context(), outbox.Delivery{Message: "m1", Destination: prefs.Key(1), Backend: "email",
		Address: "alice@example.org", DueAt: s.now()}); err != nil {
		t.Fatal(err)
	}
	err := s.db.Writer.Transaction(func(tx *gorm.DB) error {
		_, err := s.outbox.AddAfter(tx, []outbox.Move{{From: "m1", To: "m1", Withdraw: "it is not true"}}, nil, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	page := alice.get("/notices")
	page.want(t, 200, "not sent", "withdrawn: it is not true")
	if strings.Contains(page.body, "/resend") {
		t.Error("what was withdrawn can be sent again")
	}
}
