package web_test

import (
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/operators"
	"github.com/notifyd/notifyd/web/visit"
)

func accountPath(u prefs.User) string { return fmt.Sprintf("/operators/accounts/%d", u.ID) }

// TestOperatorsPagesAreHidden tries every page of operators as a user, as a helper and signed out: whoever may not see
// a page gets the answer of a page that is not there, and no link leads to it.
func TestOperatorsPagesAreHidden(t *testing.T) {
	s := newSite(t, "")
	alice, carol := s.signUp("alice"), s.signUp("carol")
	path := strings.NewReplacer("{id}", fmt.Sprint(s.user("alice").ID), "{filter}", fmt.Sprint(s.filters("alice")[0].ID))
	hidden := alice.get("/nothing/here").want(t, 404)
	tried := 0
	s.pass(accounts.FreshFor + time.Minute) // nobody is asked to prove again who they are, for a page that is not there
	for _, p := range operators.Pages(s.operators()) {
		if p.For < visit.Helpers {
			t.Errorf("%s is for everybody", p.Pattern)
		}
		method, route, _ := strings.Cut(p.Pattern, " ")
		do := func(v *visitor) answer {
			if method == http.MethodGet {
				return v.get(path.Replace(route))
			}
			return v.post(path.Replace(route), "reason", "because", "confirm", "alice", "backend", "email")
		}
		if a := do(alice).want(t, 404); strip(a.body) != strip(hidden.body) {
			t.Errorf("%s: the answer tells it from a page that is not there:\n%s", p.Pattern, a.body)
		}
		if p.For == visit.Admins {
			do(carol).want(t, 404)
		}
		if a := do(s.visitor()); a.status != http.StatusSeeOther && a.status != http.StatusForbidden {
			t.Errorf("signed out: %s gives %d", p.Pattern, a.status)
		}
		tried++
	}
	if tried < 8 {
		t.Errorf("%d pages", tried)
	}
	if u := s.user("alice"); len(s.filters("alice")) == 0 || !s.filters("alice")[0].On || u.ID == 0 {
		t.Error("something was done")
	}
	for _, page := range []string{hidden.body, alice.get("/").body, alice.get("/settings").body} {
		if strings.Contains(page, "/operators") {
			t.Error("a link leads a user to operators' pages")
		}
	}
	carol.get("/").want(t, 200, `href="/operators"`)
	if page := carol.get(accountPath(s.user("alice"))).want(t, 200); strings.Contains(page.body, "/delete") ||
		strings.Contains(page.body, "/off") || strings.Contains(page.body, "/sessions/end") {
		t.Error("a helper is shown what an admin does")
	}
}

// strip takes from a page what differs from visit to visit.
func strip(page string) string { return strings.Join(strings.Fields(page), " ") }

// TestOperatorsPostsComeFromThisSite: another site's page cannot make an admin do something.
func TestOperatorsPostsComeFromThisSite(t *testing.T) {
	s := newSite(t, "")
	s.signUp("alice")
	ada := s.signUp("ada")
	ada.header.Set("Sec-Fetch-Site", "cross-site")
	for _, p := range operators.Pages(s.operators()) {
		if route, post := strings.CutPrefix(p.Pattern, "POST "); post {
			route = strings.NewReplacer("{id}", "1", "{filter}", "1").Replace(route)
			ada.do(http.MethodPost, route, "application/x-www-form-urlencoded", strings.NewReader("reason=x")).want(t, 403)
		}
	}
}

// TestAHelperSeesAnAccountAsItsOwner: with a banner, masked, noted, and told to the owner.
func TestAHelperSeesAnAccountAsItsOwner(t *testing.T) {
	s := newSite(t, "")
	alice, carol, ada := s.signUp("alice"), s.signUp("carol"), s.signUp("ada")
	f := s.filter("alice", packageFilter("Shells & <more>", "bash"))
	page := carol.get(accountPath(s.user("alice"))).want(t, 200, "as its owner sees it", "Shells &amp; &lt;more&gt;",
		"a…@example.org", "the account was made", "Sessions</dt><dd>1", "by its owner")
	if strings.Contains(page.body, "alice@example.org") {
		t.Error("a helper sees an address")
	}
	if strings.Contains(page.body, filterPath(f)+`"`) {
		t.Error("a link leads to the helper's own filters")
	}
	ada.get(accountPath(s.user("alice"))).want(t, 200, "alice@example.org", "/delete")
	alice.get("/").want(t, 200, "Admin ada looked at your account")
	alice.get("/settings/history").want(t, 200, "an operator looked", "by helper carol", "by admin ada")
	carol.get("/operators/accounts/4711").want(t, 404)
	carol.get("/operators/accounts/x").want(t, 404)
	carol.get(accountPath(s.user("carol"))).want(t, 200)
	if own := carol.get("/settings/history"); strings.Contains(own.body, "an operator looked") {
		t.Error("one's own look is noted")
	}
}

// TestOperatorsExplainAMessage: why a notice came to somebody else, and why it did not.
func TestOperatorsExplainAMessage(t *testing.T) {
	s := newSite(t, "")
	alice, carol := s.signUp("alice"), s.signUp("carol")
	s.filter("alice", packageFilter("Shells", "bash"))
	s.builds()
	at := accountPath(s.user("alice")) + "/message?id="
	carol.get(at+"2026-build-1").want(t, 200, "bash", "matches", "What became of a message for")
	carol.get(at+"2026-build-2").want(t, 200, "one rule fails", "Why it did not reach them")
	carol.get(at+html.EscapeString(s.base+"/messages/2026-build-1")).want(t, 200, "matches")
	carol.get(at+"nothing").want(t, 404)
	carol.get(at).want(t, 404)
	alice.get("/settings/history").want(t, 200, "the message 2026-build-1", "by helper carol")
}

// TestOperatorsFindAccounts by all that people have at hand.
func TestOperatorsFindAccounts(t *testing.T) {
	s := newSite(t, "")
	s.signUp("alice")
	s.signUp("bob")
	carol := s.signUp("carol")
	e := s.publish("2026-find-1", "org.example.prod.test", map[string]any{})
	to := s.destinations("bob")[0]
	err := s.db.Writer.Transaction(func(tx *gorm.DB) error {
		_, err := s.outbox.Add(tx, []outbox.Delivery{{Message: e.ID, Destination: prefs.Key(to.ID), Backend: "email",
			Address: to.Address, DueAt: s.now()}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string][]string{
		"": {"alice", "bob", "carol"}, "ali": {"alice"}, "bob%40example.org": {"bob"}, "example.org": {},
		fmt.Sprint(s.user("bob").ID): {"bob"}, "2026-find-1": {"bob"}, "%3Cscript%3E": {},
	} {
		page := carol.get("/operators?q="+typed).want(t, 200)
		var got []string
		for _, name := range []string{"alice", "bob", "carol"} {
			if strings.Contains(page.body, "<bdi>"+name+"</bdi>") {
				got = append(got, name)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q finds %v, want %v", typed, got, want)
		}
	}
	carol.get("/operators").want(t, 200, "helper")
	carol.get("/operators?list=claimed").want(t, 200, "Whose name is only claimed", "<bdi>alice</bdi>")
	carol.get("/operators?list=disabled").want(t, 200, "None.")
}

// TestAnAdminSwitchesOffAFilter: its owner reads why, on the filter and by mail.
func TestAnAdminSwitchesOffAFilter(t *testing.T) {
	s := newSite(t, "")
	alice, ada := s.signUp("alice"), s.signUp("ada")
	f := s.filters("alice")[0]
	off := accountPath(s.user("alice")) + fmt.Sprintf("/filters/%d/off", f.ID)
	ada.post(off, "reason", " ").want(t, 422, "The reason is missing")
	ada.post(strings.Replace(off, fmt.Sprint("/filters/", f.ID), "/filters/4711", 1), "reason", "x").want(t, 404)
	before := s.changes()
	ada.post(off, "reason", "it matches everything").to(t, accountPath(s.user("alice")))
	if s.filters("alice")[0].On || s.changes() == before {
		t.Error("it is on, or nobody was told that what is delivered has changed")
	}
	alice.get("/filters").want(t, 200, "ada, has switched this filter off:</strong> it matches everything")
	sent, err := s.outbox.Recent(t.Context(), []string{prefs.Key(s.destinations("alice")[0].ID)}, 0, 1)
	if err != nil || len(sent) != 1 || !strings.Contains(sent[0].Notice.Text, "it matches everything") ||
		!strings.Contains(sent[0].Notice.Text, "admin ada") || !strings.Contains(sent[0].Notice.Title, f.Name) {
		t.Fatalf("told by %+v, %v", sent, err)
	}
	alice.get("/notices").want(t, 200, "An operator has switched off your filter")
}

// TestAnAdminEndsSessionsAndDeletes: who was signed in is out, and the account goes only when its name was typed.
func TestAnAdminEndsSessionsAndDeletes(t *testing.T) {
	s := newSite(t, "")
	alice, ada := s.signUp("alice"), s.signUp("ada")
	id := s.user("alice").ID
	page := accountPath(s.user("alice"))
	alice.get("/filters").want(t, 200)
	ada.post(page+"/sessions/end").to(t, page)
	alice.get("/filters").asksToSignIn(t, "")
	ada.get(page+"/delete").want(t, 200, "Delete the account alice?")
	ada.post(page+"/delete", "confirm", "alic").want(t, 422, "not the name of this account")
	ada.post(page+"/delete", "confirm", "alice").to(t, "/operators")
	ada.get(page).want(t, 404)
	ada.post(accountPath(s.user("ada"))+"/delete", "confirm", "ada").want(t, 409, "your own account")
	var last accounts.Entry
	for e, err := range s.prefs.Audit.Walk(t.Context(), id, s.now().AddDate(-1, 0, 0)) {
		if err != nil {
			t.Fatal(err)
		}
		last = e
	}
	if last.What != accounts.AccountDelete || last.By.Name != "ada" || last.By.Role != "admin" {
		t.Errorf("what is left: %+v", last)
	}
}

// TestOperatorsSeeTheQueue: what was given up, why and for whom; an admin sends it again.
func TestOperatorsSeeTheQueue(t *testing.T) {
	s := newSite(t, "")
	s.signUp("alice")
	carol, ada := s.signUp("carol"), s.signUp("ada")
	to := s.destinations("alice")[0]
	for i := range 5 {
		err := s.db.Writer.Transaction(func(tx *gorm.DB) error {
			_, err := s.outbox.Add(tx, []outbox.Delivery{{Message: fmt.Sprint("m", i), Destination: prefs.Key(to.ID),
				Backend: "email", Address: to.Address, DueAt: s.now()}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.outbox.CancelOne(t.Context(), prefs.Key(to.ID), "the mailbox is full & more"); err != nil {
		t.Fatal(err)
	}
	carol.get("/operators/queue").want(t, 200, "Account mail in the last hour", "unknown addresses").
		lacks(t, "is used up")
	s.budgets = []accounts.Budget{{Name: "codes", Used: 100, Most: 100, Refused: 7},
		{Name: "unknown addresses", Most: 100}}
	carol.get("/operators/queue").want(t, 200, "Account mail is used up: codes.", `>7</td>`).
		lacks(t, "used up: unknown addresses")
	page := carol.get("/operators/queue").want(t, 200, "given up", "the mailbox is full &amp; more", "<bdi>alice</bdi>")
	if strings.Contains(page.body, "Send again") || strings.Contains(page.body, "alice@example.org") {
		t.Error("a helper may send again, or sees an address")
	}
	ada.post("/operators/queue/resend").want(t, 422)
	ada.post("/operators/queue/resend", "backend", "email", "reason", "the mailbox is full & more").
		to(t, "/operators/queue")
	waiting, err := s.outbox.Find(t.Context(),
		outbox.Query{State: outbox.Waiting, Destinations: []string{prefs.Key(to.ID)}})
	if err != nil || len(waiting) != 5 || !waiting[0].Together {
		t.Errorf("%d wait: %+v, %v", len(waiting), waiting, err)
	}
	ada.get("/operators/queue").want(t, 200, "5 notices are on the way again")
}

// TestOperatorsSeeStoppedAddressesAndSources.
func TestOperatorsSeeStoppedAddressesAndSources(t *testing.T) {
	s := newSite(t, "")
	s.signUp("alice")
	carol, ada := s.signUp("carol"), s.signUp("ada")
	carol.get("/operators/stopped").want(t, 200, "None: all addresses")
	if err := s.prefs.Destinations.Disable(t.Context(), s.destinations("alice")[0].ID, "550 no such user"); err != nil {
		t.Fatal(err)
	}
	page := carol.get("/operators/stopped").want(t, 200, "550 no such user", "a…@example.org", "<bdi>alice</bdi>")
	if strings.Contains(page.body, "alice@example.org") {
		t.Error("a helper sees an address")
	}
	ada.get("/operators/stopped").want(t, 200, "alice@example.org")
	carol.get("/operators/sources").want(t, 200, "zmq.main", "not connected", "12", "line 3: unknown key", "1h0m0s old")
}

// TestAnAdminSwitchesAnAccountOffAndOn: nobody is signed in any more, its owner reads why, and all is as it was again.
func TestAnAdminSwitchesAnAccountOffAndOn(t *testing.T) {
	s := newSite(t, "")
	alice, ada := s.signUp("alice"), s.signUp("ada")
	page := accountPath(s.user("alice"))
	filters := len(s.filters("alice"))
	ada.post(page+"/disable", "reason", "").want(t, 422, "Say why")
	ada.post(accountPath(s.user("ada"))+"/disable", "reason", "x").want(t, 409)
	ada.post(page+"/disable", "reason", "a script <signed> up").to(t, page)
	ada.get(page).want(t, 200, "a script &lt;signed&gt; up", "Switch the account on again")
	ada.get("/operators?list=disabled").want(t, 200, "<bdi>alice</bdi>")
	if a := alice.get("/filters"); a.status == http.StatusOK {
		t.Error("alice is still signed in")
	}
	told := s.mail("email", "alice@example.org")
	if !strings.Contains(told.Text, "a script <signed> up") || !strings.Contains(told.Text, "admin ada") {
		t.Errorf("told: %+v", told)
	}
	ada.post(page+"/enable").to(t, page)
	if u := s.user("alice"); u.Disabled != "" || len(s.filters("alice")) != filters {
		t.Errorf("on again: %+v", u)
	}
}

// TestAnAdminGivesAName: what somebody has only claimed is confirmed, given to another, or taken away.
func TestAnAdminGivesAName(t *testing.T) {
	s := newSite(t, "")
	s.signUp("alice")
	s.signUp("bob")
	ada := s.signUp("ada")
	alice, bob := s.user("alice"), s.user("bob")
	ada.get("/operators?list=claimed").want(t, 200, "<bdi>alice</bdi>")
	ada.get(accountPath(alice)+"/name").want(t, 200, "claimed: chosen, and confirmed by nobody", `value="alice"`)
	ada.post(accountPath(alice)+"/name", "name", "alice").to(t, accountPath(alice))
	if u := s.user("alice"); u.ID != alice.ID || u.Proof != accounts.OfOperator {
		t.Errorf("confirmed: %+v", u)
	}
	if page := ada.get("/operators?list=claimed"); strings.Contains(page.body, "<bdi>alice</bdi>") {
		t.Error("it is still only claimed")
	}
	ada.post(accountPath(bob)+"/name", "name", "alice").want(t, 409, "another person")
	ada.post(accountPath(bob)+"/name", "name", "b b").want(t, 422)
	ada.post(accountPath(bob)+"/name", "name", "").to(t, accountPath(bob))
	ada.get(accountPath(bob)).want(t, 200, fmt.Sprint("account ", bob.ID), "not there yet")
	sent, err := s.outbox.Recent(t.Context(), []string{prefs.Key(s.destinations("alice")[0].ID)}, 0, 1)
	if err != nil || len(sent) != 1 || !strings.Contains(sent[0].Notice.Text, "Your name on the bus is alice now") {
		t.Errorf("told: %+v, %v", sent, err)
	}
}

// TestInvitations are made and taken back by admins; helpers see them masked.
func TestInvitations(t *testing.T) {
	s := newSite(t, "")
	carol, ada := s.signUp("carol"), s.signUp("ada")
	ada.post("/operators/invitations", "subject", "Dave@example.org").to(t, "/operators/invitations")
	ada.post("/operators/invitations", "subject", "").want(t, 422)
	ada.get("/operators/invitations").want(t, 200, "dave@example.org", "by ada")
	if page := carol.get("/operators/invitations").want(t, 200, "d…@example.org"); strings.Contains(page.body, "dave@") ||
		strings.Contains(page.body, "Take back") {
		t.Error("a helper sees an address, or takes it back")
	}
	ada.post("/operators/invitations/withdraw", "subject", "dave@example.org").to(t, "/operators/invitations")
	ada.post("/operators/invitations/withdraw", "subject", "dave@example.org").want(t, 404)
	ada.get("/operators/invitations").want(t, 200, "None.")
}
