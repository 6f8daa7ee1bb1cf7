package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// confirm adds an address to the account of a visitor, and confirms it by the code that is mailed there.
func (v *visitor) confirm(address string) prefs.Destination {
	t := v.site.t
	t.Helper()
	added := v.post("/destinations", "backend", "email", "address", address).want(t, http.StatusSeeOther)
	at := strings.TrimPrefix(added.header.Get("Location"), pathOf(v.site.base))
	code := v.site.code(address)
	v.post(at+"/confirm", "code", code).want(t, http.StatusSeeOther)
	id, err := strconv.Atoi(at[strings.LastIndex(at, "/")+1:])
	if err != nil {
		t.Fatal(err)
	}
	return prefs.Destination{ID: uint(id), Address: address}
}

func pathOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Path
}

var codes = regexp.MustCompile(`[0-9A-Z]{5}-[0-9A-Z]{5}`)

// code is the code in the newest mail to an address.
func (s *testSite) code(address string) string {
	s.t.Helper()
	code := codes.FindString(s.mail("email", address).Text)
	if code == "" {
		s.t.Fatalf("no code in %+v", s.mail("email", address))
	}
	return code
}

// letIn makes an address of the visitor a way in.
func (v *visitor) letIn(d prefs.Destination) {
	t := v.site.t
	t.Helper()
	v.post(destinationPath(d)+"/signin/code").want(t, http.StatusSeeOther)
	v.post(destinationPath(d)+"/signin", "code", v.site.code(d.Address)).to(t, pathOf(v.site.base)+destinationPath(d))
}

// signIn signs in by a mailed link, with the browser that agent names.
func (s *testSite) signIn(address, agent string) *visitor {
	s.t.Helper()
	v := s.visitor()
	v.header.Set("User-Agent", agent)
	s.pass(time.Minute + time.Second) // within a minute no second mail goes
	v.post("/signin", "address", address).want(s.t, 200, "Look into your mailbox")
	v.post(s.mail("email", address).Link).want(s.t, http.StatusSeeOther)
	return v
}

// steal gives a visitor with the same cookie.
func (v *visitor) steal() *visitor {
	stolen := v.site.visitor()
	stolen.client.Jar = v.client.Jar
	return stolen
}

func (v *visitor) isIn() bool { return v.get("/settings").status == 200 }

// titles are those of the mails about the account to an address, newest first.
func (s *testSite) titles(address string) (list []string) {
	s.t.Helper()
	entries, err := s.outbox.Recent(s.t.Context(), []string{outbox.Account + "email:" + address}, 0, 50)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Notice.Title)
	}
	return list
}

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	safari  = "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) AppleWebKit/605.1 (KHTML, like Gecko) Version/17 Safari/605.1"
)

// TestListReadersStayOut: who reads a mailing list that somebody has added cannot sign in as that person.
func TestListReadersStayOut(t *testing.T) {
	s := newSite(t, "")
	bob := s.signUp("bob")
	list := bob.confirm("team@lists.example.org")
	bob.get(destinationPath(list)).want(t, 200, "cannot be used to sign in")

	s.pass(2 * time.Minute)
	reader := s.visitor()
	known := reader.post("/signin", "address", "team@lists.example.org").want(t, 200, "Look into your mailbox")
	unknown := s.visitor().post("/signin", "address", "nobody@lists.example.org").want(t, 200)
	if known.body != unknown.body {
		t.Error("the answer tells who has an account")
	}
	mail := s.mail("email", "team@lists.example.org")
	if mail.Link != "" || !strings.Contains(mail.Title, "cannot be used to sign in") {
		t.Errorf("the list gets %+v", mail)
	}
	if reader.isIn() {
		t.Error("a reader of the list is in")
	}
	if got := s.destinations("bob"); !got[0].LetsIn() || got[1].LetsIn() {
		t.Errorf("%+v", got)
	}
}

// TestConfirmationSaysWhatItIsFor: the mail that confirms says that the address does not sign in.
func TestConfirmationSaysWhatItIsFor(t *testing.T) {
	s := newSite(t, "")
	bob := s.signUp("bob")
	bob.post("/destinations", "backend", "email", "address", "team@lists.example.org").want(t, http.StatusSeeOther)
	if mail := s.mail("email", "team@lists.example.org"); !strings.Contains(mail.Text, "cannot be used to sign in") {
		t.Errorf("%s", mail.Text)
	}
}

// TestAddressIsLetInByItsOwnCode, and no other.
func TestAddressIsLetInByItsOwnCode(t *testing.T) {
	s := newSite(t, "")
	bob := s.signUp("bob")
	second := bob.confirm("bob@example.net")
	page := destinationPath(second)
	bob.post(page+"/signin", "code", "AAAAA-AAAAA").want(t, 422, "wrong, used or too old")
	bob.letIn(second)
	bob.get(page).want(t, 200, "A link that is mailed here signs you in")
	if in := s.signIn("bob@example.net", firefox); !in.isIn() {
		t.Error("it does not let its owner in")
	}
	bob.post(page+"/signin/off").want(t, http.StatusSeeOther)
	// the first is the last way in now
	bob.post("/destinations/1/signin/off").want(t, http.StatusConflict, "Nothing but bob@example.org lets you in")
	bob.post("/destinations/1/off").want(t, http.StatusConflict, "Nothing was switched off")
	bob.post("/destinations/1/delete").want(t, http.StatusConflict, "lets you in, so it stays")
	bob.post("/destinations/1/pause").to(t, "/destinations/1")
	if d := s.destinations("bob")[0]; d.On || !d.LetsIn() {
		t.Errorf("paused: %+v", d)
	}
}

// TestLostAddressesLetNobodyIn: switched off, refused by the server, removed.
func TestLostAddressesLetNobodyIn(t *testing.T) {
	for name, lose := range map[string]func(s *testSite, v *visitor, d prefs.Destination){
		"switched off": func(s *testSite, v *visitor, d prefs.Destination) {
			v.post(destinationPath(d)+"/off").to(s.t, destinationPath(d))
		},
		"refused": func(s *testSite, _ *visitor, d prefs.Destination) {
			if err := s.prefs.Destinations.Disable(s.t.Context(), d.ID, "550 no such user"); err != nil {
				s.t.Fatal(err)
			}
		},
		"right taken": func(s *testSite, v *visitor, d prefs.Destination) {
			v.post(destinationPath(d)+"/signin/off").to(s.t, destinationPath(d))
		},
		"removed": func(s *testSite, v *visitor, d prefs.Destination) {
			v.post(destinationPath(d)+"/delete").to(s.t, "/destinations")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "")
			bob := s.signUp("bob")
			old := bob.confirm("bob@old.example.net")
			bob.letIn(old)
			intruder := s.signIn("bob@old.example.net", safari)
			if !intruder.isIn() {
				t.Fatal("the test is wrong")
			}
			s.pass(2 * time.Minute)
			asked := s.visitor()
			asked.post("/signin", "address", "bob@old.example.net")
			link := s.mail("email", "bob@old.example.net").Link // mailed before it is lost
			lose(s, bob, old)
			if intruder.isIn() {
				t.Error("a session that it began goes on")
			}
			asked.post(link).want(t, http.StatusGone)
			if !bob.isIn() {
				t.Error("bob is out")
			}
			s.pass(2 * time.Minute)
			s.visitor().post("/signin", "address", "bob@old.example.net").want(t, 200, "Look into your mailbox")
			if name != "removed" { // then it is nobody's, and gets a link that makes another account
				if mail := s.mail("email", "bob@old.example.net"); mail.Link != "" {
					t.Errorf("it gets a link: %+v", mail)
				}
			}
		})
	}
}

// TestIntruderIsPutOut is the attack of a stolen cookie: the intruder makes a token and adds an own address that lets
// them in, removes the owner's, and the owner has nothing but the mail about it.
func TestIntruderIsPutOut(t *testing.T) {
	s := newSite(t, "/notify")
	bob := s.signUp("bob")
	other := bob.confirm("bob@work.example.org")
	intruder := bob.steal()
	mine := intruder.confirm("mallory@example.net")
	first := s.mail("email", "bob@example.org")
	if first.Title != "An address was added to your account" || strings.Contains(first.Text, "mallory@example.net") {
		t.Errorf("%+v", first) // the address is defanged, so that nothing in the mail is a link but ours
	}
	intruder.letIn(mine)
	intruder.post(destinationPath(other)+"/delete").to(t, "/notify/destinations")
	intruder.post("/destinations", "backend", "desktop", "address", "laptop").want(t, 200, "ntf_")
	in := s.signIn("mallory@example.net", safari)
	in.post("/destinations/1/delete").to(t, "/notify/destinations")
	if bob.isIn() {
		t.Fatal("the test is wrong: bob's address began bob's session")
	}
	for _, address := range []string{"bob@example.org", "bob@work.example.org"} {
		if got := s.titles(address); got[0] != "An address was removed from your account" {
			t.Errorf("%s is told %q", address, got)
		}
	}
	told := strings.Join(s.titles("bob@example.org"), "; ")
	for _, want := range []string{"An address may now sign in", "A token was made", "A new sign-in"} {
		if !strings.Contains(told, want) {
			t.Errorf("bob is not told %q: %s", want, told)
		}
	}
	if got := s.titles("mallory@example.net"); strings.Contains(strings.Join(got, ";"), "may now sign in") {
		t.Errorf("mallory is told of mallory: %q", got)
	}

	owner := s.visitor() // nobody is signed in
	for range 3 {
		owner.do(http.MethodHead, first.Link, "", nil)
		owner.get(first.Link).want(t, 200, "Was this not you?", "mallory@example.net was added", "laptop",
			"bob@example.org was removed")
	}
	owner.post(first.Link).want(t, http.StatusBadRequest) // a program that posts without pressing the button
	if !in.isIn() {
		t.Fatal("looking at the link changed something")
	}
	owner.post(first.Link, "undo", "yes").want(t, 200, "It is undone", "everybody is signed out")
	if in.isIn() || intruder.isIn() {
		t.Error("the intruder is in")
	}
	in.post("/filters", "do", "save").want(t, http.StatusForbidden)
	var ways []string
	for _, d := range s.destinations("bob") {
		ways = append(ways, d.Address+" "+strconv.FormatBool(d.LetsIn()))
	}
	got := strings.Join(ways, ", ")
	if strings.Contains(got, "mallory") || !strings.Contains(got, "bob@example.org true") ||
		!strings.Contains(got, "bob@work.example.org false") {
		t.Errorf("addresses: %s", got)
	}
	if tokens, err := s.prefs.Tokens.List(t.Context(), s.user("bob").ID); err != nil || len(tokens) > 0 {
		t.Errorf("tokens: %+v, %v", tokens, err)
	}
	if again := s.signIn("bob@example.org", firefox); !again.isIn() {
		t.Error("bob cannot sign in")
	}
	owner.post(first.Link, "undo", "yes").want(t, http.StatusGone)
}

// TestSecurityPage: sessions with place and program; one is ended, then all others; a sign-out ends its own.
func TestSecurityPage(t *testing.T) {
	s := newSite(t, "")
	s.signUp("bob")
	here, there := s.signIn("bob@example.org", firefox), s.signIn("bob@example.org", safari)
	page := here.get("/settings/security").want(t, 200, "Firefox on Linux", "Safari on macOS", "This one", "127.0.0.1",
		"by a link to bob@example.org", "End all others")
	list, err := s.prefs.Logins.List(t.Context(), s.user("bob").ID)
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	if n := strings.Count(page.body, "This one"); n != 1 {
		t.Errorf("%d sessions are this one", n)
	}
	button := regexp.MustCompile(`action="(/settings/security/sessions/\d+/end)"><button[^>]*Safari`)
	end := button.FindStringSubmatch(page.body)
	if end == nil {
		t.Fatal("the other session cannot be ended")
	}
	stranger := s.signUp("eve")
	stranger.post(end[1]).want(t, http.StatusSeeOther)
	if !there.isIn() {
		t.Error("a stranger ended it")
	}
	here.post(end[1]).to(t, "/settings/security")
	if there.isIn() || !here.isIn() {
		t.Error("the wrong session was ended")
	}
	third := s.signIn("bob@example.org", safari)
	here.post("/settings/security/others").to(t, "/settings/security")
	if third.isIn() || !here.isIn() || !stranger.isIn() {
		t.Error("all others: the wrong ones were ended")
	}
	here.post("/signout").to(t, "/")
	if list, err := s.prefs.Logins.List(t.Context(), s.user("bob").ID); err != nil || len(list) != 0 {
		t.Errorf("after the sign-out: %+v, %v", list, err)
	}
}

// TestSensitiveChangesAskForAFreshSignIn: ten minutes after the sign-in, and until a code is typed.
func TestSensitiveChangesAskForAFreshSignIn(t *testing.T) {
	s := newSite(t, "/notify")
	bob := s.signUp("bob")
	second := bob.confirm("bob@example.net")
	s.pass(accounts.FreshFor)
	bob.header.Set("Referer", s.base+"/destinations")
	for _, path := range []string{"/destinations", "/destinations/1/delete", "/destinations/1/tokens", "/settings/delete",
		destinationPath(second) + "/signin", destinationPath(second) + "/signin/code", "/destinations/1/signin/off",
		"/destinations/1/off"} {
		bob.post(path, "backend", "email", "address", "mallory@example.net", "confirm", "bob").
			to(t, "/notify/fresh?to="+url.QueryEscape("/destinations"))
	}
	bob.get("/settings/delete").to(t, "/notify/fresh?to="+url.QueryEscape("/settings/delete"))
	bob.get("/settings/everything.zip").to(t, "/notify/fresh?to="+url.QueryEscape("/settings/everything.zip"))
	if got := s.destinations("bob"); len(got) != 2 || !got[0].On {
		t.Fatalf("something was done: %+v", got)
	}
	if got := s.titles("bob@example.net"); len(got) != 1 {
		t.Errorf("mails %q", got)
	}
	bob.get("/filters").want(t, 200, "Nothing was done yet")

	bob.get("/fresh?to=%2Fdestinations").want(t, 200, "Mail me a code to bob@example.org")
	bob.post("/fresh/mail", "address", "2", "to", "/destinations").want(t, http.StatusNotFound) // it lets nobody in
	bob.post("/fresh/mail", "address", "1", "to", "/destinations").want(t, 200, "A code is on its way")
	code := s.code("bob@example.org")
	bob.post("/fresh", "address", "1", "code", "AAAAA-AAAAA").want(t, 422, "wrong, used or too old")
	before := bob.cookie()
	bob.post("/fresh", "address", "1", "code", code, "to", "/destinations").to(t, "/notify/destinations")
	if bob.cookie() == before {
		t.Error("the session has the token of before")
	}
	bob.post("/destinations", "backend", "email", "address", "third@example.net").want(t, http.StatusSeeOther)
	s.pass(accounts.FreshFor)
	bob.post("/destinations", "backend", "email", "address", "fourth@example.net").
		to(t, "/notify/fresh?to="+url.QueryEscape("/destinations"))
}

// TestFreshLeadsNowhereElse: the page to return to is of this site.
func TestFreshLeadsNowhereElse(t *testing.T) {
	s := newSite(t, "")
	bob := s.signUp("bob")
	for _, to := range []string{"https://evil.test/", "//evil.test/", `/\evil.test`, "javascript:alert(1)", "/\tevil"} {
		s.pass(2 * time.Minute)
		bob.post("/fresh/mail", "address", "1", "to", to).want(t, 200)
		at := bob.post("/fresh", "address", "1", "code", s.code("bob@example.org"), "to", to).header.Get("Location")
		if at != "/" {
			t.Errorf("%q leads to %q", to, at)
		}
	}
}

// TestDisabledAccountIsOut: at once, with the reason, and nobody signs in to it.
func TestDisabledAccountIsOut(t *testing.T) {
	s := newSite(t, "")
	bob := s.signUp("bob")
	if err := s.db.Writer.Exec("UPDATE users SET disabled = 'sends spam' WHERE name = 'bob'").Error; err != nil {
		t.Fatal(err)
	}
	bob.get("/filters").want(t, http.StatusForbidden, "This account is switched off: sends spam.")
	s.pass(2 * time.Minute)
	v := s.visitor()
	v.post("/signin", "address", "bob@example.org").want(t, 200)
	v.post(s.mail("email", "bob@example.org").Link).want(t, http.StatusForbidden, "sends spam")
}

// TestNewPlaceIsTold, and the same browser at the same place is not.
func TestNewPlaceIsTold(t *testing.T) {
	s := newSite(t, "")
	s.signUp("bob")
	s.signIn("bob@example.org", firefox)
	if got := s.titles("bob@example.org"); got[0] != "A new sign-in to your account" {
		t.Errorf("%q", got)
	}
	mail := s.mail("email", "bob@example.org")
	if !strings.Contains(mail.Text, "Firefox on Linux") || !strings.Contains(mail.Link, "/undo/") {
		t.Errorf("%+v", mail)
	}
	s.signIn("bob@example.org", firefox)
	if got := s.titles("bob@example.org"); got[0] == "A new sign-in to your account" {
		t.Errorf("told again: %q", got)
	}
}
