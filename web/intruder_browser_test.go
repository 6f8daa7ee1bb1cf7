package web_test

import (
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/notifyd/notifyd/prefs/accounts"
)

// TestBrowserPutsAnIntruderOut goes the owner's way in a browser, on a screen and on a phone: who is signed in, a
// change that asks for a code first, and the link in the mail about what an intruder did.
func TestBrowserPutsAnIntruderOut(t *testing.T) {
	tab := browser(t)
	s := newSite(t, "/notify")
	signInWith(t, s, tab, "bob")
	intruder := s.signIn("bob@example.org", safari)
	list := intruder.confirm("team@lists.example.org")
	undo := s.mail("email", "bob@example.org").Link

	look := func(path, text string) {
		t.Helper()
		for _, width := range []int64{1280, 360} {
			do(t, tab, chromedp.EmulateViewport(width, 900), chromedp.Navigate(path))
			shows(t, tab, text)
			wrong, err := chromedp.Run(tab, chromedp.Evaluate[string](lookOver))
			if err != nil || wrong != "" {
				t.Errorf("%s at %d: %s (%v)", path, width, wrong, err)
			}
		}
	}
	look(s.base+"/settings/security", "Safari on macOS")
	look(s.base+destinationPath(list), "cannot be used to sign in")
	look(s.base+destinationPath(s.destinations("bob")[0]), "A link that is mailed here signs you in")
	look(undo, "Was this not you?")

	s.pass(accounts.FreshFor)
	look(s.base+"/settings/delete", "Show that it is you")
	do(t, tab, chromedp.Click(chromedp.CSS(`main form button`)))
	shows(t, tab, "A code is on its way")
	do(t, tab, chromedp.SendKeys(chromedp.CSS("#code"), s.code("bob@example.org")),
		chromedp.Click(chromedp.CSS(`main form button`)))
	shows(t, tab, "Delete my account?")

	do(t, tab, chromedp.Navigate(s.base+"/settings/security"),
		chromedp.Click(chromedp.CSS(`form[action$="/others"] button`)))
	shows(t, tab, "All other sessions have ended")
	if intruder.isIn() {
		t.Error("the intruder is in")
	}
	do(t, tab, chromedp.Navigate(undo), chromedp.Click(chromedp.CSS(`main form button`)))
	shows(t, tab, "It is undone")
	intruder.get("/filters").want(t, http.StatusSeeOther)
	do(t, tab, chromedp.Navigate(s.base+"/settings"))
	shows(t, tab, "Send me a link")
}
