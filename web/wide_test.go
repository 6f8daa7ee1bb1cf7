package web_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// unbroken is a word that no browser can break by itself: senders choose topics and names, servers their errors.
var unbroken = strings.Repeat("Bandwurmwort", 15)

// wideSite has an account with an unbroken word wherever somebody else, or the person, can put one; it gives pages.
func wideSite(t *testing.T, s *testSite) []string {
	t.Helper()
	f := s.filter("alice", prefs.Filter{On: true, Filter: rulespec.Filter{Name: unbroken, Rules: []rulespec.Rule{
		{Kind: "package", Args: rulespec.Args{"name": {unbroken}}},
		{Kind: "topic", Args: rulespec.Args{"pattern": {"*." + unbroken}}}}}})
	s.publish("2026-"+unbroken, "org.example.prod."+unbroken, map[string]any{"user": unbroken,
		"url": "https://example.org/" + unbroken})
	d, err := s.prefs.Destinations.Add(t.Context(), s.user("alice").ID, "irc",
		strings.Repeat("n", 30)+"@"+strings.Repeat("net.", 8)+"org")
	if err == nil {
		err = s.prefs.Destinations.Disable(t.Context(), d.ID, "550 "+unbroken)
	}
	if err == nil {
		to := s.destinations("alice")[0]
		err = s.queue(t.Context(), outbox.Delivery{
			Message: "2026-" + unbroken, Destination: prefs.Key(to.ID), Backend: to.Backend, Address: to.Address, DueAt: s.now(),
			Notice: backends.Notice{Topic: "a.b", Text: unbroken, Why: []backends.Reason{{Filter: unbroken,
				Sentence: unbroken}}},
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return []string{
		"/", "/filters", fmt.Sprintf("/filters/%d", f.ID), fmt.Sprintf("/filters/%d/delete", f.ID), "/destinations",
		fmt.Sprintf("/destinations/%d", d.ID), "/notices", "/messages", "/messages/2026-" + unbroken, "/settings",
		"/help/rules",
		strings.TrimPrefix(s.links.Unsubscribe(f.ID, d.ID), s.base),
	}
}

// No page is wider than a phone, whatever words are on it.
func TestPagesFitAPhone(t *testing.T) {
	tab := browser(t)
	s := newSite(t, "")
	signInWith(t, s, tab, "alice")
	for _, page := range wideSite(t, s) {
		do(t, tab, chromedp.EmulateViewport(320, 700), chromedp.Navigate(s.base+page))
		wide, err := chromedp.Run(tab, chromedp.Evaluate[int](`document.documentElement.scrollWidth`))
		if err != nil || wide > 320 {
			t.Errorf("%.40s: %d pixels wide (%v)", page, wide, err)
		}
	}
}
