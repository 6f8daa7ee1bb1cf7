package web_test

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web"
	"github.com/notifyd/notifyd/web/signin"
	"github.com/notifyd/notifyd/web/visit"
)

// withDex opens a site at which people sign in by a real Dex. The members of operators are admins there.
func withDex(t *testing.T, change func(*signin.Provider)) (*testSite, *exectest.Dex) {
	t.Helper()
	dex := exectest.NewDex(t)
	s := newSite(t, "/notify")
	dex.Client = exectest.DexClient{Redirect: s.base + "/signin/with/dex/callback",
		Ended: s.base + "/signin/with/dex/ended", Home: s.base + "/"}
	provider := signin.Provider{Title: "Dex", Issuer: dex.Issuer, ClientID: exectest.DexClientID,
		ClientSecret: exectest.DexClientSecret, Scopes: []string{"profile", "email", "groups"}}
	change(&provider)
	roles := accounts.Roles{Admins: accounts.Members{Groups: []string{"operators"}}}
	s.waysIn(signin.Settings{OIDC: map[string]signin.Provider{"dex": provider}}, func(o *web.Options) {
		o.Role = func(u prefs.User) accounts.Role {
			known, err := s.prefs.Accounts.Identities(context.Background(), u.ID)
			if err != nil || len(known) != 1 {
				t.Errorf("%v, %v", known, err)
				return accounts.User
			}
			return roles.Of(u.Me(false), known[0].Groups)
		}
		o.Pages = append(o.Pages, visit.Page{Pattern: "GET /secrets", For: visit.Admins,
			Serve: func(*visit.Visit) (*visit.View, error) {
				return &visit.View{Template: "ended", Title: "For admins"}, nil
			}})
	})
	return s, dex
}

func asIs(*signin.Provider) {}

// atDex types a name and the password on Dex's page.
func atDex(t *testing.T, tab context.Context, name string) {
	t.Helper()
	do(t, tab, chromedp.WaitVisible(chromedp.CSS(`input[name="login"]`)),
		chromedp.SendKeys(chromedp.CSS(`input[name="login"]`), name+"@example.test"),
		chromedp.SendKeys(chromedp.CSS(`input[name="password"]`), exectest.DexPassword),
		chromedp.Click(chromedp.CSS(`button[type="submit"]`)))
}

// signInAtDex goes from a page through the first page and Dex.
func (s *testSite) signInAtDex(tab context.Context, name string) {
	s.t.Helper()
	do(s.t, tab, chromedp.Navigate(s.base+"/filters"),
		chromedp.Click(chromedp.CSS(`form[action$="/signin/with/dex"] button`)))
	atDex(s.t, tab, name)
}

func TestBrowserSignsInAtDex(t *testing.T) {
	tab := browser(t)
	s, dex := withDex(t, asIs)
	dex.Serve(t, exectest.DexUser{Name: "alice", ID: "1001", Groups: []string{"packager", "operators"}},
		exectest.DexUser{Name: "bob", ID: "1002", Groups: []string{"packager"}})
	s.signInAtDex(tab, "alice")
	shows(t, tab, "alice")
	shows(t, tab, "My packages")
	at, err := chromedp.Run(tab, chromedp.Evaluate[string](`location.pathname`))
	if err != nil || at != "/notify/filters" { // the page that was asked for
		t.Errorf("at %s, %v", at, err)
	}
	u := s.user("alice")
	known, err := s.prefs.Accounts.Identities(t.Context(), u.ID)
	if err != nil || len(known) != 1 || known[0].Issuer != dex.Issuer || len(known[0].Groups) != 2 {
		t.Fatalf("%+v, %v", known, err)
	}
	if u.Proof != accounts.OfProvider {
		t.Errorf("her name is %s", u.Proof.Words())
	}
	do(t, tab, chromedp.Navigate(s.base+"/secrets")) // a group is a role
	shows(t, tab, "What that session began here has ended.")
	do(t, tab, chromedp.Navigate(s.base+"/settings/security"))
	shows(t, tab, "by Dex")
	shows(t, tab, "as alice")

	other := browser(t)
	s.signInAtDex(other, "bob")
	shows(t, other, "bob")
	do(t, other, chromedp.Navigate(s.base+"/secrets"))
	shows(t, other, "Page not found")
}

// TestBrowserIsFreshByDex: who has a session at the provider types the password there again.
func TestBrowserIsFreshByDex(t *testing.T) {
	tab := browser(t)
	s, dex := withDex(t, asIs)
	dex.Serve(t, exectest.DexUser{Name: "alice", ID: "1001"})
	s.signInAtDex(tab, "alice")
	shows(t, tab, "My packages")
	if err := s.db.Writer.Exec("UPDATE logins SET fresh_at = 0").Error; err != nil {
		t.Fatal(err)
	}
	do(t, tab, chromedp.Navigate(s.base+"/fresh?to=/destinations"))
	shows(t, tab, "Show that it is you")
	do(t, tab, chromedp.Click(chromedp.CSS(`form[action$="/dex/again"] button`)))
	atDex(t, tab, "alice")
	shows(t, tab, "Destinations")
	list, err := s.prefs.Logins.List(t.Context(), s.user("alice").ID)
	if err != nil || len(list) != 1 || !list[0].IsFresh(s.now()) {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestBrowserDexEndsTheSession: who signs out at the provider is out here too, in every tab.
func TestBrowserDexEndsTheSession(t *testing.T) {
	tab := browser(t)
	s, dex := withDex(t, asIs)
	dex.Serve(t, exectest.DexUser{Name: "alice", ID: "1001"})
	s.signInAtDex(tab, "alice")
	shows(t, tab, "alice")
	do(t, tab, chromedp.Navigate(dex.Issuer+"/logout?client_id="+exectest.DexClientID),
		chromedp.Click(chromedp.CSS("button")))
	exectest.Eventually(t, 10*time.Second, "Dex ends the login", func() bool { return s.count("logins") == 0 })
	do(t, tab, chromedp.Navigate(s.base+"/filters"))
	shows(t, tab, "Sign in with Dex")
}

// TestBrowserSignsOut: signing out offers the provider's own page.
func TestBrowserSignsOut(t *testing.T) {
	tab := browser(t)
	s, dex := withDex(t, asIs)
	dex.Serve(t, exectest.DexUser{Name: "alice", ID: "1001"})
	s.signInAtDex(tab, "alice")
	shows(t, tab, "alice")
	do(t, tab, chromedp.Click(chromedp.CSS(`.who button`)))
	shows(t, tab, "You may still be signed in at Dex.")
	do(t, tab, chromedp.Click(chromedp.CSS(`main a.button`)), chromedp.Click(chromedp.CSS("button")))
	shows(t, tab, "You have been successfully logged out.") // Dex leads back only with an ID token, which is not kept
}

// TestBrowserIsDisabledAtDex: the provider takes a group away that it takes to be in.
func TestBrowserIsDisabledAtDex(t *testing.T) {
	tab := browser(t)
	s, dex := withDex(t, func(p *signin.Provider) { p.Require = map[string]string{"groups": "people"} })
	dex.Serve(t, exectest.DexUser{Name: "alice", ID: "1001", Groups: []string{"people", "qa"}})
	s.signInAtDex(tab, "alice")
	shows(t, tab, "alice")
	dex.Serve(t, exectest.DexUser{Name: "alice", ID: "1001", Groups: []string{"qa"}})
	s.pass(time.Minute) // Dex has new keys
	tab = browser(t)
	s.signInAtDex(tab, "alice")
	shows(t, tab, "This account is switched off: Dex does not say groups: people.")
	if u := s.user("alice"); u.Disabled == "" || u.DisabledBy != accounts.ByUpstream || s.count("logins") != 0 {
		t.Errorf("%+v, %d logins", u, s.count("logins"))
	}
}
