package web_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/prefs/accounts"
)

// TestChangesAreShownToTheirOwner: what a person, an operator and a link in a mail change stands on the person's page.
func TestChangesAreShownToTheirOwner(t *testing.T) {
	s := newSite(t, "")
	alice, bob := s.signUp("alice"), s.signUp("bob")
	alice.post("/settings", "name", "alice", "zone", "Asia/Tokyo").to(t, "/settings")
	f, to := s.filters("alice")[0], s.destinations("alice")[0]
	link := s.links.Unsubscribe(f.ID, to.ID)
	s.visitor().post(strings.TrimPrefix(link, s.base), "List-Unsubscribe", "One-Click").want(t, 200)
	operator := accounts.WithActor(t.Context(),
		accounts.Actor{Kind: accounts.Person, ID: s.user("bob").ID, Name: "bob", Role: "helper"})
	if err := s.prefs.Filters.SetOn(operator, s.user("alice").ID, f.ID, false); err != nil {
		t.Fatal(err)
	}
	alice.get("/settings").want(t, 200, `href="/settings/history"`)
	page := alice.get("/settings/history").want(t, 200, "the account was made", "the time zone was changed",
		"<del>UTC</del>", "<ins>Asia/Tokyo</ins>", "by a link in a mail", "by an operator", "by helper bob",
		"by you", "from 127.0.0.1", f.Name)
	if strings.Contains(page.body, "bob@example.org") {
		t.Error("it shows something of bob's")
	}
	other := bob.get("/settings/history").want(t, 200, "the account was made")
	if strings.Contains(other.body, "Asia/Tokyo") {
		t.Error("bob sees what alice changed")
	}
	var what []string
	file := alice.get("/settings/history.jsonl").want(t, 200)
	for text := range strings.Lines(file.body) {
		var line accounts.Line
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		what = append(what, line.What+" "+line.By)
	}
	want := "[account.register person login.new person account.zone person filter.detach link filter.off operator]"
	if fmt.Sprint(what) != want {
		t.Errorf("the file has %v, want %s", what, want)
	}
	s.visitor().get("/settings/history").asksToSignIn(t, "")
}

// TestManyChangesArePaged goes on to the older ones.
func TestManyChangesArePaged(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	for i := range 60 {
		if err := s.prefs.Filters.SetOn(t.Context(), s.user("alice").ID, s.filters("alice")[0].ID, i%2 == 0); err != nil {
			t.Fatal(err)
		}
	}
	first := alice.get("/settings/history").want(t, 200, "Older changes", "it was not noted who")
	if strings.Contains(first.body, "the account was made") {
		t.Error("one page has all")
	}
	_, rest, _ := strings.Cut(first.body, `href="/settings/history?before=`)
	before, _, _ := strings.Cut(rest, `"`)
	older := alice.get("/settings/history?before="+before).want(t, 200, "the account was made")
	if strings.Contains(older.body, "Older changes") {
		t.Error("there is no end")
	}
}

// TestOverviewTellsWhoLooked: an operator who looks at an account is named on its first page.
func TestOverviewTellsWhoLooked(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	if page := alice.get("/"); strings.Contains(page.body, "looked at your account") {
		t.Error("nobody looked")
	}
	helper := accounts.Actor{Kind: accounts.Operator, ID: 99, Name: "carol", Role: "helper"}
	err := s.prefs.Audit.Add(s.db.Writer.WithContext(t.Context()),
		accounts.Entry{At: s.now(), User: s.user("alice").ID, By: helper, What: accounts.AccountLook})
	if err != nil {
		t.Fatal(err)
	}
	alice.get("/").want(t, 200, "Helper carol looked at your account, just now, read only")
}

// TestAFilterSaysWhyAnOperatorSwitchedItOff until its owner switches it on again.
func TestAFilterSaysWhyAnOperatorSwitchedItOff(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	f := s.filters("alice")[0]
	carol := accounts.WithActor(t.Context(), accounts.Actor{Kind: accounts.Person, ID: 99, Name: "carol", Role: "helper"})
	if err := s.prefs.Operators.SwitchOff(carol, s.user("alice").ID, f.ID, "it matches <everything>"); err != nil {
		t.Fatal(err)
	}
	const says = "carol, has switched this filter off:</strong> it matches &lt;everything&gt;"
	alice.get("/filters").want(t, 200, says)
	alice.get("/settings/history").want(t, 200, "<ins>it matches &lt;everything&gt;</ins>", "by helper carol")
	alice.post(filterPath(f)+"/on").to(t, "/filters")
	if page := alice.get("/filters"); strings.Contains(page.body, says) {
		t.Error("it is on, and still says why it is off")
	}
}
