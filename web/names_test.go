package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/signin"
)

// proved makes of a site one where names are proved.
func proved(t *testing.T) *testSite {
	s := newSite(t, "")
	s.claimed = false
	return s
}

// join makes an account where no name is chosen.
func (s *testSite) join(address string) *visitor {
	s.t.Helper()
	v := s.visitor()
	v.post("/signin", "address", address).want(s.t, 200, "Look into your mailbox")
	v.post(s.mail("email", address).Link).to(s.t, "/welcome")
	v.get("/welcome").want(s.t, 200, "Make my account").lacks(s.t, `name="name"`)
	v.post("/welcome", "name", "root").to(s.t, "/")
	return v
}

// TestPagesOfAnUnprovedName: everywhere a filter that says @me is shown, it says that it matches nothing, why, and how
// that ends.
func TestPagesOfAnUnprovedName(t *testing.T) {
	s := proved(t)
	v := s.join("bob@example.org")
	e := s.publish("2026-1", "org.example.prod.git.receive", map[string]any{"agent": "bob"})
	v.get("/").want(t, 200, "Welcome</h1>", "no name yet", "your name on the bus is not proved. Until it is",
		"Waits for your name", "is not proved. <a href")
	v.get("/filters").want(t, 200, "2 filters say @me", "How to get it proved")
	v.get("/messages/"+e.ID).want(t, 200, "waits for your name", "your name on the bus is not proved")
	v.get("/messages?user=@me").want(t, 200).lacks(t, "/messages/"+e.ID)
	v.get("/settings").want(t, 200, "You have no name on the bus yet", "an operator can give you your name").
		lacks(t, `name="name"`)
	v.post("/settings", "name", "alice", "zone", "Europe/Berlin").to(t, "/settings")
	v.get("/settings").want(t, 200, "none yet").lacks(t, "alice")
	v.get("/filters/1").want(t, 200, "until it is, the filter matches nothing", "How to get it proved",
		"not proved, so it matches nothing")

	user, err := s.prefs.Accounts.ByAddress(t.Context(), "email", "bob@example.org")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.prefs.Accounts.Assign(t.Context(), user.ID, "bob"); err != nil {
		t.Fatal(err)
	}
	v.get("/settings").want(t, 200, "<strong>bob</strong>, given by an operator").lacks(t, "stands for nobody")
	v.get("/filters").want(t, 200).lacks(t, "Waits for your name")
}

// TestHowToGetANameProved: a provider is a way to a name, except for somebody whom it has let in without saying one.
func TestHowToGetANameProved(t *testing.T) {
	s := proved(t)
	v := s.join("bob@example.org")
	issuer := "https://id.example.org"
	s.waysIn(signin.Settings{OIDC: map[string]signin.Provider{"id": {Title: "the club", Issuer: issuer, ClientID: "n"}}})
	v.get("/settings").want(t, 200, "Sign in with the club").lacks(t, "has not said your name")
	user, err := s.prefs.Accounts.ByAddress(t.Context(), "email", "bob@example.org")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.prefs.Accounts.Link(t.Context(), user.ID, accounts.Identity{Way: "id", Issuer: issuer, Subject: "7"})
	if err != nil {
		t.Fatal(err)
	}
	v.get("/settings").want(t, 200, "signed in with the club, and it has not said your name").lacks(t, "Sign in with the club")
}

// TestClaimedNamesAreSaid: a site where everybody chooses a name says so on every page.
func TestClaimedNamesAreSaid(t *testing.T) {
	s := newSite(t, "")
	v := s.signUp("alice")
	for _, page := range []string{"/", "/filters", "/settings", "/help/rules", "/nowhere"} {
		if got := v.get(page); !strings.Contains(got.body, "Everybody here chooses a name") {
			t.Errorf("%s does not say that names are claimed", page)
		}
	}
}

// TestTurnedAway: who may make no account is told so after proving the address, and nobody else is told anything.
func TestTurnedAway(t *testing.T) {
	s := proved(t)
	s.join("bob@example.org")
	s.policy = accounts.Policy{SignUp: accounts.SignUpClosed}
	v := s.visitor()
	v.get("/").want(t, 200, "No new accounts are made here.")
	stranger := v.post("/signin", "address", "eve@example.org").want(t, 200, "Look into your mailbox")
	known := s.visitor().post("/signin", "address", "bob@example.org").want(t, 200, "Look into your mailbox")
	if stranger.body != known.body {
		t.Error("the answer tells who has an account")
	}
	v.post(s.mail("email", "eve@example.org").Link).to(t, "/welcome")
	v.post("/welcome").want(t, http.StatusForbidden, "No new accounts are made here.", "Ask those who run this service")
	s.visitor().post(s.mail("email", "bob@example.org").Link).to(t, "/")
}

// TestBackToThePage: signing in leads to the page that was asked for, in whichever browser the link is opened, and
// never away from the site.
func TestBackToThePage(t *testing.T) {
	s := newSite(t, "/notify")
	s.signUp("alice")
	v := s.visitor()
	v.get("/messages?app=git&user=x").to(t, "/notify/?signin=needed&back=%2Fmessages%3Fapp%3Dgit%26user%3Dx")
	v.get("/?signin=needed&back=%2Fmessages%3Fapp%3Dgit").want(t, 200, `name="back" value="/messages?app=git"`)
	v.post("/signin", "address", "alice@example.org", "back", "/messages?app=git").want(t, 200)
	other := s.visitor()
	link := s.mail("email", "alice@example.org").Link
	other.get(link).want(t, 200, "signs you in to the account of <strong>al***@example.org</strong>.", "back=%2Fmessages%3Fapp%3Dgit")
	other.post(link).to(t, "/notify/messages?app=git")
	for _, evil := range []string{"//evil.example", "https://evil.example", `/\evil.example`, `\\evil.example`, "evil",
		"/\t/evil.example", "javascript:alert(1)", "//evil.example/notify/"} {
		v := s.visitor()
		s.pass(61 * 60 * 1e9)
		v.post("/signin", "address", "alice@example.org", "back", evil).want(t, 200)
		v.post(s.mail("email", "alice@example.org").Link).to(t, "/notify/")
	}
}

// lacks fails the test where the answer has a text.
func (a answer) lacks(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(a.body, text) {
		t.Errorf("the page has %q:\n%s", text, a.body)
	}
}
