package web_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/irc"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/web"
)

// TestCodeNamesWhoAsks, and how to end what is sent there: whoever has the nick may know nothing of it.
func TestCodeNamesWhoAsks(t *testing.T) {
	s := newSite(t, "/notify")
	bob := s.signUp("bob")
	bob.post("/destinations", "backend", "irc", "address", "bob@local")
	text := s.mail("irc", "bob@local").Text
	who := "The account bob at " + strings.TrimPrefix(s.base, "http://")
	bob.post("/destinations", "backend", "email", "address", "team@lists.example.org")
	if mail := s.mail("email", "team@lists.example.org").Text; !strings.HasPrefix(mail, who+" wants notices sent here") {
		t.Errorf("the mail does not say who asks, and where: %s", mail)
	}
	for _, want := range []string{who + " wants notices sent here",
		"type the code on the page", "To end what is sent here, say: stop"} {
		if !strings.Contains(text, want) {
			t.Errorf("the code lacks %q: %s", want, text)
		}
	}
}

// TestPageOfANick says whom it belongs to, what is to be known of its network, and why what is owed to it waits.
func TestPageOfANick(t *testing.T) {
	s := newSite(t, "")
	o := s.options()
	cautious := irc.Info
	cautious.Caution = func(address string) string {
		if address == "bob@open" {
			return "Whoever takes this nick reads your notices."
		}
		return ""
	}
	o.Backends = []backends.Info{o.Backends[0], cautious}
	var err error
	if s.pages, err = web.Handler(o); err != nil {
		t.Fatal(err)
	}
	bob := s.signUp("bob")
	add := func(address, account string) prefs.Destination {
		bob.post("/destinations", "backend", "irc", "address", address)
		entries, err := s.outbox.Recent(t.Context(), []string{outbox.Account + "irc:" + address}, 0, 1)
		if err != nil || len(entries) != 1 {
			t.Fatal(entries, err)
		}
		p := backends.Parcel{To: address, Notices: []backends.Notice{entries[0].Notice}}
		if err := errors.Join(s.prefs.Mailed.Fill(t.Context(), &p), p.Held(t.Context(), account)); err != nil {
			t.Fatal(err)
		}
		ds := s.destinations("bob")
		d := ds[len(ds)-1]
		_, code, _ := strings.Cut(p.Notices[0].Text, "destination: ")
		bob.post(destinationPath(d)+"/confirm", "code", code[:11])
		return d
	}
	bound, open := add("bob@local", "bob_acc"), add("bob@open", "")
	bob.get(destinationPath(bound)).want(t, 200, "Notices go there only while the account <strong>bob_acc</strong>")
	page := bob.get(destinationPath(bound)).body
	if strings.Contains(page, "Whoever takes") || strings.Contains(page, "Notices wait") {
		t.Errorf("the page warns for nothing")
	}
	bob.get(destinationPath(open)).want(t, 200, "Whoever takes this nick reads your notices.")

	bob.post(destinationPath(bound) + "/test")
	err = s.db.Writer.Exec("UPDATE deliveries SET attempts = 1, last_error = ? WHERE lane IN "+
		"(SELECT id FROM lanes WHERE destination = ?)",
		"irc local: whoever has the nick is a stranger", prefs.Key(bound.ID)).Error
	if err != nil {
		t.Fatal(err)
	}
	s.pass(time.Second)
	bob.get(destinationPath(bound)).want(t, 200, "Notices wait:</strong> whoever has the nick is a stranger.")
}
