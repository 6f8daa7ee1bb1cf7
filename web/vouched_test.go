package web_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// A nearby directory knows where people can be reached, and nothing else.
type nearby struct {
	accounts.Nobody
	reach map[string][]accounts.Reach
}

func (n nearby) Reach(name string) []accounts.Reach { return n.reach[name] }

// prove makes the name of an account one that an operator has given.
func (s *testSite) prove(name string) {
	s.t.Helper()
	if err := s.prefs.Accounts.Assign(s.t.Context(), s.user(name).ID, name); err != nil {
		s.t.Fatal(err)
	}
}

// knows makes the directory know an address of alice, and a nick.
func (s *testSite) knows(sure bool, mails ...string) {
	s.people = nearby{reach: map[string][]accounts.Reach{"alice": {
		{Backend: "email", Addresses: mails, Sure: sure},
		{Backend: "irc", Addresses: []string{"ally@libera"}},
		{Backend: "pigeon", Addresses: []string{"alice"}}, // is not configured
	}}}
}

func TestAddressesOfTheDirectory(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	s.knows(true, "alice@work.example", "alice@example.org")
	const offer = "The directory knows <strong><bdi>alice@work.example</bdi></strong> as yours"
	alice.get("/destinations").want(t, 200).lacks(t, "Yours, says the directory") // her name is only claimed
	alice.post("/destinations", "backend", "email", "address", "alice@work.example", "vouched", "yes").to(t,
		"/destinations/2")
	if d := s.destinations("alice")[1]; d.Confirmed {
		t.Fatalf("confirmed for a claimed name: %+v", d)
	}
	alice.post("/destinations/2/delete").to(t, "/destinations")

	s.prove("alice")
	alice.get("/destinations").want(t, 200, offer, "No code is needed", "ally@libera", "A code is sent there first").
		lacks(t, "<bdi>alice@example.org")
	alice.get("/").want(t, 200).lacks(t, offer) // she has a destination
	s.signUp("bob").get("/destinations").want(t, 200).lacks(t, "Yours, says the directory")
	add := func(backend, address string) string {
		return alice.post("/destinations", "backend", backend, "address", address, "vouched", "yes").
			want(t, 303).header.Get("Location")
	}
	page := add("email", "alice@work.example")
	alice.get(page).want(t, 200, "is added", "so no code was needed", "cannot be used to sign in")
	if d := s.destinations("alice")[1]; !d.Confirmed || !d.Vouched || d.LetsIn() {
		t.Errorf("%+v", d)
	}
	if told := s.mail("email", "alice@example.org"); told.Link == "" || told.Text == "" {
		t.Errorf("the other address is told %+v", told)
	}
	alice.get(add("irc", "ally@libera")).want(t, 200, "A code is on its way to ally@libera")
	alice.get("/destinations").want(t, 200).lacks(t, "Yours, says the directory")

	// what is not vouched for needs a code, whatever the form says
	alice.get(add("email", "eve@example.org")).want(t, 200, "A code is on its way")
	for _, bad := range []string{"x@example.org\r\nBcc: y@example.org", "Bob <bob@example.org>"} {
		alice.post("/destinations", "backend", "email", "address", bad, "vouched", "yes").want(t, 422)
	}
	s.knows(true, "bob@example.org")
	alice.post("/destinations", "backend", "email", "address", "bob@example.org", "vouched", "yes").
		want(t, 409, "Another account has confirmed this address")
}

// TestFirstAddressOfTheDirectory: who has signed in at a provider that says no address is offered one on the first
// page.
func TestFirstAddressOfTheDirectory(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	s.prove("alice")
	s.otherWayIn("alice")
	s.knows(true, "alice@work.example")
	alice.post("/destinations/1/delete").to(t, "/destinations")
	alice.get("/").want(t, 200, "You have no destination yet", "alice@work.example", "No code is needed")
}

// TestDirectoryVouchesNoMore: its owner reads why nothing comes.
func TestDirectoryVouchesNoMore(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	s.prove("alice")
	s.knows(true, "alice@work.example")
	page := alice.post("/destinations", "backend", "email", "address", "alice@work.example", "vouched", "yes").
		want(t, 303).header.Get("Location")
	s.people = whole{nearby{reach: map[string][]accounts.Reach{"alice": {{Backend: "email", Sure: true}}}}}
	got, err := s.prefs.Accounts.Review(t.Context())
	if err != nil || got != (prefs.Reviewed{Doubted: 1}) {
		t.Fatalf("%+v, %v", got, err)
	}
	const why = "the directory no longer says that this address is yours"
	alice.get(page).want(t, 200, "We stopped sending here", why, "Confirm that it is yours").lacks(t, "switch it on again")
	alice.get("/").want(t, 200, why)
	alice.get("/settings/history").want(t, 200, "the directory no longer says whose it is")
}

// A whole directory has answered in all its parts.
type whole struct{ nearby }

func (whole) Whole() bool { return true }

// TestBrowserAddressesOfTheDirectory adds one by a click, on a screen and on a phone.
func TestBrowserAddressesOfTheDirectory(t *testing.T) {
	tab := browser(t)
	s := newSite(t, "")
	signInWith(t, s, tab, "alice")
	s.prove("alice")
	s.knows(true, "alice@work.example", "a.very.long.name.of.a.person.with.many.names@mail.department.example.org")
	for _, width := range []int{1280, 360} {
		do(t, tab, chromedp.EmulateViewport(int64(width), 900), chromedp.Navigate(s.base+"/destinations"))
		shows(t, tab, "Yours, says the directory")
		wrong, err := chromedp.Run(tab, chromedp.Evaluate[string](lookOver))
		if err != nil || wrong != "" {
			t.Errorf("at %d: %s (%v)", width, wrong, err)
		}
	}
	do(t, tab, chromedp.Click(chromedp.CSS(`button[aria-label="Add alice@work.example"]`)))
	shows(t, tab, "alice@work.example is added")
}
