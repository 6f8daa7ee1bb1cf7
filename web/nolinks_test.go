package web_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/notifyd/notifyd/web"
	"github.com/notifyd/notifyd/web/security"
	"github.com/notifyd/notifyd/web/signin"
)

// withoutLinks opens the pages of a site that mails no links to sign in, behind a proxy that names people.
func (s *testSite) withoutLinks() {
	s.waysIn(signin.Settings{Header: signin.HeaderSettings{User: "X-Remote-User", Time: "X-Auth-Time",
		SecretHeader: "X-Secret", Secret: proxySecret, Title: "our gate", SignInURL: "/gate"}},
		func(o *web.Options) {
			o.NoMailedLinks = true
			o.Pages = security.Pages(security.Options{Accounts: s.prefs.Accounts, Logins: s.prefs.Logins,
				Tokens: s.prefs.Tokens, Destinations: s.prefs.Destinations, Undos: s.prefs.Undos, Passkeys: s.prefs.Passkeys,
				Queue: s.queue, BaseURL: s.base, SignIn: s.ways, NoMailedLinks: true})
		})
}

// TestNobodySignsInByMail is the story of a site that had mailed links and has them no more.
func TestNobodySignsInByMail(t *testing.T) {
	s := newSite(t, "")
	bob := s.signUp("bob")
	s.pass(time.Hour)
	s.visitor().post("/signin", "address", "bob@example.org").want(t, 200)
	link := s.mail("email", "bob@example.org").Link
	mails := len(s.titles("bob@example.org"))
	s.withoutLinks()

	// Links are neither offered nor sent, and those that are there let nobody in.
	v := s.visitor()
	v.get("/").want(t, 200, "Sign in at our gate", "No links to sign in are mailed here").lacks(t, "Send me a link")
	v.post("/signin", "address", "bob@example.org").want(t, http.StatusForbidden, "No links to sign in are mailed here")
	if now := len(s.titles("bob@example.org")); now != mails {
		t.Errorf("%d mails became %d", mails, now)
	}
	v.get(link).want(t, http.StatusForbidden, "let nobody in")
	v.post(link).want(t, http.StatusForbidden, "let nobody in")
	bob.get("/filters").want(t, http.StatusSeeOther) // the session that a link began has ended
	if n := s.count("logins"); n != 0 {
		t.Errorf("%d logins are left", n)
	}

	// Whoever the proxy names is in. Destinations are confirmed by a code as before, and are no way in.
	v = s.visitor()
	v.header.Set("X-Secret", proxySecret)
	v.header.Set("X-Remote-User", "carol")
	v.header.Set("X-Auth-Time", strconv.FormatInt(s.now().Unix(), 10))
	v.get("/settings/security").want(t, 200, "No link that is mailed lets anybody in here")
	d := v.confirm("carol@example.org")
	page := destinationPath(d)
	v.get(page).want(t, 200, "carol@example.org").lacks(t, "sign me in")
	v.post(page+"/signin/code").want(t, http.StatusNotFound)

	// To be fresh again they go to the proxy; no code is mailed.
	s.pass(time.Hour)
	v.get("/fresh").want(t, 200, "Sign in again at our gate").lacks(t, "Mail me a code")
	v.post("/fresh/mail", "address", strconv.Itoa(int(d.ID)), "to", "/").want(t, http.StatusNotFound)
}
