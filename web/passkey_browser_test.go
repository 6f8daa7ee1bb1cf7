package web_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web"
)

// atLocalhost moves the site to where browsers take passkeys without https.
func (s *testSite) atLocalhost() {
	s.t.Helper()
	s.base = strings.Replace(s.base, "127.0.0.1", "localhost", 1)
	var err error
	if s.pages, err = web.Handler(s.options()); err != nil {
		s.t.Fatal(err)
	}
}

// authenticator plugs a device that keeps passkeys into the browser of a tab.
func authenticator(t *testing.T, tab context.Context) {
	t.Helper()
	if _, err := chromedp.Call(tab, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	_, err := chromedp.Call(tab, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{Protocol: webauthn.AuthenticatorProtocolCtap2,
			Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true,
			AutomaticPresenceSimulation: true, IsUserVerified: true}})
	if err != nil {
		t.Fatal(err)
	}
}

// addPasskey adds a passkey on the page.
func addPasskey(t *testing.T, s *testSite, tab context.Context, name string) {
	t.Helper()
	do(t, tab, chromedp.Navigate(s.base+"/settings/security"), chromedp.SendKeys(chromedp.CSS("#passkey-name"), name),
		chromedp.Click(chromedp.CSS(`form[action$="/passkeys"] button`)))
	shows(t, tab, "Make the passkey")
	do(t, tab, chromedp.Click(chromedp.CSS(`form[data-passkey="create"] button`)))
	shows(t, tab, "Added the passkey "+name)
}

// openLink asks for a link and presses its button.
func openLink(t *testing.T, s *testSite, tab context.Context, name string) {
	t.Helper()
	s.pass(2 * time.Minute)
	do(t, tab, chromedp.Navigate(s.base+"/signout"), chromedp.Navigate(s.base+"/"),
		chromedp.SendKeys(chromedp.CSS("#address"), name+"@example.org"),
		chromedp.Click(chromedp.CSS("#address + * ~ button, form button")))
	shows(t, tab, "Look into your mailbox")
	do(t, tab, chromedp.Navigate(s.mail("email", name+"@example.org").Link), chromedp.Click(chromedp.CSS("main button")))
}

func showPasskey(t *testing.T, tab context.Context) {
	t.Helper()
	do(t, tab, chromedp.Click(chromedp.CSS(`form[data-passkey="get"] button`)))
}

// TestBrowserPasskey: a passkey is added, asked for after the link, makes fresh, and is removed.
func TestBrowserPasskey(t *testing.T) {
	tab := browser(t)
	s := newSite(t, "/notify")
	s.atLocalhost()
	signInWith(t, s, tab, "alice")
	authenticator(t, tab)
	addPasskey(t, s, tab, "My phone")
	do(t, tab, chromedp.Click(chromedp.CSS(`.who button`)))
	shows(t, tab, "Send me a link")

	openLink(t, s, tab, "alice")
	shows(t, tab, "Show your passkey")
	do(t, tab, chromedp.Navigate(s.base+"/filters")) // nothing else can be reached
	shows(t, tab, "Send me a link")
	do(t, tab, chromedp.Navigate(s.base+"/signin/passkey"))
	showPasskey(t, tab)
	shows(t, tab, "alice")
	do(t, tab, chromedp.Navigate(s.base+"/settings/security"))
	shows(t, tab, "used just now")

	s.pass(accounts.FreshFor)
	do(t, tab, chromedp.Click(chromedp.CSS(`form[action$="/remove"] button`)))
	shows(t, tab, "Show that it is you")
	do(t, tab, chromedp.Click(chromedp.CSS(`form[action$="/fresh/passkey"] button`)))
	shows(t, tab, "Show your passkey")
	showPasskey(t, tab)
	shows(t, tab, "For 10 minutes you can make such changes.")
	if list, err := s.prefs.Passkeys.List(t.Context(), s.user("alice").ID); err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	do(t, tab, chromedp.Click(chromedp.CSS(`form[action$="/remove"] button`)))
	shows(t, tab, "The passkey is removed.")
	do(t, tab, chromedp.Click(chromedp.CSS(`.who button`)))
	shows(t, tab, "Send me a link")
	openLink(t, s, tab, "alice") // the link is enough again
	shows(t, tab, "Overview")
}

// TestBrowserPasskeyOfSomebodyElse: whoever has no passkey, or another one, or one that was copied, stays out.
func TestBrowserPasskeyOfSomebodyElse(t *testing.T) {
	tab := browser(t)
	s := newSite(t, "/notify")
	s.atLocalhost()
	signInWith(t, s, tab, "alice")
	authenticator(t, tab)
	addPasskey(t, s, tab, "My phone")
	do(t, tab, chromedp.Click(chromedp.CSS(`.who button`)))
	shows(t, tab, "Send me a link")

	other := browser(t) // with an empty device
	authenticator(t, other)
	openLink(t, s, other, "alice")
	shows(t, other, "Show your passkey")
	showPasskey(t, other)
	shows(t, other, "No passkey was shown")
	do(t, other, chromedp.Navigate(s.base+"/filters"))
	shows(t, other, "Send me a link")

	// the device has signed more often than it says: there is another one with the same key
	if err := s.db.Writer.Exec(
		`UPDATE passkeys SET credential = replace(credential, '"signCount":1', '"signCount":1000')`).Error; err != nil {
		t.Fatal(err)
	}
	openLink(t, s, tab, "alice")
	shows(t, tab, "Show your passkey")
	showPasskey(t, tab)
	shows(t, tab, "This passkey may have been copied")
	do(t, tab, chromedp.Navigate(s.base+"/filters"))
	shows(t, tab, "Send me a link")
}

// TestPasskeyPagesWithoutAPasskey: what no browser sends, or comes too late, lets nobody in.
func TestPasskeyPagesWithoutAPasskey(t *testing.T) {
	s := newSite(t, "")
	s.atLocalhost()
	alice := s.signUp("alice")
	err := s.db.Writer.Exec("INSERT INTO passkeys (user_id, credential_id, credential, name, created_at, used_at) "+
		"VALUES (?, 'AQ', '{\"id\":\"AQ==\"}', 'phone', 1, 0)", s.user("alice").ID).Error
	if err != nil {
		t.Fatal(err)
	}
	v := s.visitor()
	v.get("/signin/passkey").want(t, http.StatusGone, "Ask for a new link")
	v.post("/signin/passkey", "response", "{}").want(t, http.StatusGone)
	half := func() {
		t.Helper()
		s.pass(2 * time.Minute)
		v.post("/signin", "address", "alice@example.org").want(t, 200)
		v.post(s.mail("email", "alice@example.org").Link).to(t, "/signin/passkey")
		v.get("/signin/passkey").want(t, 200, "data-options", "ask an operator", "needs JavaScript")
	}
	half()
	v.post("/signin/passkey").want(t, http.StatusUnprocessableEntity, "A passkey needs JavaScript")
	v.post("/signin/passkey", "response", `{"id":"AQ"}`).want(t, http.StatusUnprocessableEntity,
		"That was no passkey of this account")
	v.post("/signin/passkey", "response", strings.Repeat("x", 64<<10)).want(t, http.StatusRequestEntityTooLarge)
	v.get("/filters").asksToSignIn(t, "")
	s.pass(5 * time.Minute)
	v.get("/signin/passkey").want(t, http.StatusGone)
	half()

	// whoever was signed in on this browser is not any more
	v = alice
	half()
	alice.get("/filters").asksToSignIn(t, "")

	// an operator takes them away meanwhile
	if err := s.prefs.Passkeys.Reset(t.Context(), s.user("alice").ID); err != nil {
		t.Fatal(err)
	}
	v.post("/signin/passkey", "response", "{}").want(t, http.StatusNotFound)
	s.pass(2 * time.Minute)
	v.post("/signin", "address", "alice@example.org").want(t, 200)
	v.post(s.mail("email", "alice@example.org").Link).to(t, "/")
}

// TestNoPasskeysHere: a site that can have none says why, and asks nobody.
func TestNoPasskeysHere(t *testing.T) {
	s := newSite(t, "") // at a number
	alice := s.signUp("alice")
	alice.get("/settings/security").want(t, 200, "There can be no passkeys here", "a number and no name")
	alice.post("/settings/security/passkeys", "name", "x").want(t, http.StatusConflict, "There are no passkeys here")
}

// TestOperatorResetsPasskeys: an admin takes the passkeys away, it is noted, and the owner is told.
func TestOperatorResetsPasskeys(t *testing.T) {
	s := newSite(t, "")
	s.atLocalhost()
	s.signUp("alice")
	ada, carol := s.signUp("ada"), s.signUp("carol")
	id := s.user("alice").ID
	page := "/operators/accounts/" + strconv.FormatUint(uint64(id), 10)
	ada.post(page+"/passkeys/reset").want(t, http.StatusConflict, "no passkey")
	err := s.db.Writer.Exec("INSERT INTO passkeys (user_id, credential_id, credential, name, created_at, used_at) "+
		"VALUES (?, 'AQ', '{\"id\":\"AQ==\"}', 'phone', 1, 0)", id).Error
	if err != nil {
		t.Fatal(err)
	}
	ada.get(page).want(t, 200, "Take all passkeys away")
	carol.post(page+"/passkeys/reset").want(t, http.StatusNotFound)
	ada.post(page+"/passkeys/reset").to(t, page)
	mail := s.mail("email", "alice@example.org")
	if mail.Title != "A passkey was removed from your account" || !strings.Contains(mail.Text, "by admin ada") {
		t.Errorf("told: %s: %s", mail.Title, mail.Text)
	}
	entries, err := s.prefs.Audit.Of(t.Context(), id, 0, 1)
	if err != nil || entries[0].What != accounts.PasskeyRemove || entries[0].By.Name != "ada" {
		t.Errorf("noted: %+v, %v", entries, err)
	}
	s.visitor().post(mail.Link, "undo", "yes").want(t, 200) // it was not her
	if list, err := s.prefs.Passkeys.List(t.Context(), id); err != nil || len(list) != 1 || list[0].Name != "phone" {
		t.Errorf("back: %+v, %v", list, err)
	}
}
