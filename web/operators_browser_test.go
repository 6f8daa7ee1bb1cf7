package web_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestBrowserOperators goes the way of an admin through the pages, on a screen and on a phone: none is wider than the
// screen, and each has one heading and a name for each control.
func TestBrowserOperators(t *testing.T) {
	tab := browser(t)
	s := newSite(t, "/notify")
	s.builds()
	s.signUp("alice")
	s.filter("alice", packageFilter("Shells", "bash"))
	if err := s.prefs.Destinations.Disable(t.Context(), s.destinations("alice")[0].ID, "550 no such user"); err != nil {
		t.Fatal(err)
	}
	signInWith(t, s, tab, "ada")
	for _, width := range []int{1280, 360} {
		do(t, tab, chromedp.EmulateViewport(int64(width), 900))
		for path, text := range operatorsWay(s) {
			do(t, tab, chromedp.Navigate(s.base+path))
			shows(t, tab, text)
			wrong, err := chromedp.Run(tab, chromedp.Evaluate[string](lookOver))
			if err != nil || wrong != "" {
				t.Errorf("%s at %d: %s (%v)", path, width, wrong, err)
			}
		}
	}
	// the way itself, by clicks: find, look, switch off with a reason
	do(t, tab, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(s.base+"/"),
		chromedp.Click(chromedp.CSS(`nav a[href$="/operators"]`)), chromedp.SendKeys(chromedp.CSS("#q"), "ali"),
		chromedp.Click(chromedp.CSS(`form[role=search] button`)), chromedp.Click(chromedp.CSS(".list a")))
	shows(t, tab, "as its owner sees it")
	f := s.filters("alice")[0]
	do(t, tab, chromedp.Click(chromedp.CSS(fmt.Sprintf(`article[aria-labelledby="filter-%d"] summary`, f.ID))),
		chromedp.SendKeys(chromedp.CSS(fmt.Sprintf("#reason-%d", f.ID)), "too loud"),
		chromedp.Click(chromedp.CSS(fmt.Sprintf(`button[aria-label="Switch off %s"]`, f.Name))))
	shows(t, tab, "Switched off "+f.Name)
	shows(t, tab, "too loud")
}

// operatorsWay are the pages of operators, with a text that each shows.
func operatorsWay(s *testSite) map[string]string {
	account := accountPath(s.user("alice"))
	return map[string]string{
		"/operators": "Find an account", "/operators?q=nobody": "No account is found",
		"/operators/stopped": "550 no such user", "/operators/queue": "By backend", "/operators/sources": "zmq.main",
		"/operators/invitations": "Not taken up yet", account + "/name": "The name of alice",
		account: "as its owner sees it", account + "/delete": "Delete the account alice?",
		account + "/message?id=2026-build-1": "Why it did not reach them",
		account + "/message?id=2026-build-2": "one rule fails",
		"/settings/history":                  "What was changed", "/": "Overview",
	}
}

// lookOver says what is wrong with a page; "" for nothing.
const lookOver = `(() => {
	const wrong = [];
	if (document.documentElement.scrollWidth > innerWidth) wrong.push("it is wider than the screen");
	if (document.querySelectorAll("h1").length !== 1) wrong.push("it has not one heading");
	for (const e of document.querySelectorAll("input:not([type=hidden]), button, select, a[href]")) {
		const label = e.labels && e.labels.length && e.labels[0].textContent;
		const name = e.getAttribute("aria-label") || label || e.textContent;
		if (!name.trim()) wrong.push("no name: " + e.outerHTML.slice(0, 80));
	}
	const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
	for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push("twice: " + id);
	return wrong.join("; ");
})()`
