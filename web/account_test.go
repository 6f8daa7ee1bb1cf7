package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFirstVisit(t *testing.T) {
	s := newSite(t, "")
	s.visitor().get("/").want(t, 200, "Send me a link", "Email, IRC or Desktop")
	alice := s.signUp("alice")
	alice.get("/").want(t, 200, "Welcome, alice", "You start with these; change or delete them.", "My packages",
		"About me", "alice@example.org")
	if page := alice.get("/").body; strings.Contains(page, "You start with these") {
		t.Error("the second look at the overview greets again")
	}
	if len(s.filters("alice")) == 0 {
		t.Error("the account has no default filters")
	}
	ds := s.destinations("alice")
	if len(ds) != 1 || !ds[0].Confirmed || !ds[0].On {
		t.Errorf("destinations = %+v, want the confirmed address alone", ds)
	}
	alice.post("/signout").to(t, "/")
	alice.get("/").want(t, 200, "Send me a link")
}

func TestSignInLink(t *testing.T) {
	s := newSite(t, "")
	s.signUp("alice")
	t.Run("again", func(t *testing.T) {
		v := s.visitor()
		v.post("/signin", "address", "alice@example.org").want(t, 200)
		link := s.mail("email", "alice@example.org").Link
		for range 3 { // a mail scanner opens links
			v.get(link).want(t, 200, "Sign me in")
		}
		v.post(link).to(t, "/")
		v.get("/").want(t, 200, "Overview")
		s.visitor().post(link).want(t, http.StatusGone)
	})
	t.Run("old", func(t *testing.T) {
		v := s.visitor()
		v.post("/signin", "address", "alice@example.org").want(t, 200)
		link := s.mail("email", "alice@example.org").Link
		s.pass(time.Hour)
		v.post(link).want(t, http.StatusGone, "too old")
	})
	t.Run("forged", func(t *testing.T) {
		s.visitor().post("/signin/AAAA").want(t, http.StatusGone)
	})
	t.Run("new session token", func(t *testing.T) {
		v := s.visitor()
		v.post("/signin", "address", "somebody@example.org").want(t, 200)
		v.post(s.mail("email", "somebody@example.org").Link).to(t, "/welcome") // a session before anybody is signed in
		before := v.cookie()
		v.post("/signin", "address", "alice@example.org").want(t, 200)
		v.post(s.mail("email", "alice@example.org").Link).to(t, "/")
		if after := v.cookie(); before == "" || after == before {
			t.Errorf("session token before %q and after signing in %q", before, after)
		}
	})
}

func (v *visitor) cookie() string {
	u, err := http.NewRequest(http.MethodGet, v.site.base+"/", nil)
	if err != nil {
		v.site.t.Fatal(err)
	}
	for _, c := range v.client.Jar.Cookies(u.URL) {
		if c.Name == "notifyd" {
			return c.Value
		}
	}
	return ""
}

// Whether or not somebody has an account, and whether or not a link was sent, the answer is the same.
func TestSignInSaysNothingAboutAccounts(t *testing.T) {
	s := newSite(t, "")
	s.signUp("alice")
	known := s.visitor().post("/signin", "address", "alice@example.org").want(t, 200)
	unknown := s.visitor().post("/signin", "address", "nobody@example.org").want(t, 200)
	if known.body != unknown.body {
		t.Error("the answers for a known and an unknown address differ")
	}
	for range 6 {
		if last := s.visitor().post("/signin", "address", "alice@example.org"); last.status != 200 ||
			last.body != known.body {
			t.Fatalf("status %d: the limit of one address shows", last.status)
		}
	}
}

// The time says nothing either, and neither does it when a budget is used up and strangers get no mail.
func TestSignInTakesTheSameTime(t *testing.T) {
	s := newSite(t, "")
	s.signUp("alice")
	took := func(address func(int) string) time.Duration {
		var all []time.Duration
		for i := range 9 {
			s.pass(10 * time.Minute)
			began := time.Now()
			s.visitor().post("/signin", "address", address(i)).want(t, 200)
			all = append(all, time.Since(began))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	known := took(func(int) string { return "alice@example.org" })
	unknown := took(func(i int) string { return fmt.Sprintf("nobody%d@example.org", i) })
	if apart := (known - unknown).Abs(); apart > 10*time.Millisecond {
		t.Errorf("known %s, unknown %s", known, unknown)
	}
}

func TestSignInIsLimitedByNetwork(t *testing.T) {
	s := newSite(t, "")
	v := s.visitor()
	limited := 0
	for i := range 30 {
		a := v.post("/signin", "address", string(rune('a'+i))+"@example.org")
		if a.status == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited < 15 {
		t.Errorf("%d of 30 requests were refused", limited)
	}
	s.pass(20 * time.Minute)
	v.post("/signin", "address", "z@example.org").want(t, 200)
}

func TestSignInRefusesWhatIsNoAddress(t *testing.T) {
	s := newSite(t, "")
	for _, address := range []string{"", "alice", "alice@", "a b@example.org",
		"alice@example.org\r\nBcc: bob@example.org"} {
		s.visitor().post("/signin", "address", address).want(t, 422, `aria-invalid="true"`)
	}
}

func TestNameOfTheAccount(t *testing.T) {
	s := newSite(t, "")
	s.signUp("alice")
	v := s.visitor()
	v.post("/signin", "address", "carol@example.org").want(t, 200)
	v.post(s.mail("email", "carol@example.org").Link).to(t, "/welcome")
	v.post("/welcome", "name", "alice").want(t, 422, "uses this name already")
	v.post("/welcome", "name", "<script>").want(t, 422, "aria-invalid")
	v.post("/welcome", "name", "carol").to(t, "/")
}
