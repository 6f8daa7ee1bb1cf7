package web_test

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web"
	"github.com/notifyd/notifyd/web/signin"
)

// waysIn opens the pages anew, with these ways in beside the mailed link. The tests' own network is a trusted proxy.
func (s *testSite) waysIn(settings signin.Settings, change ...func(*web.Options)) *signin.Ways {
	s.t.Helper()
	ways, err := signin.New(signin.Options{
		Settings: settings, BaseURL: s.base, Attempts: accounts.NewAttempts(s.db.Writer, s.now), Now: s.now,
		Random: rand.Reader, Log: slog.New(slog.NewTextHandler(s.logs, nil)), Door: s.prefs.Accounts,
		Ender: s.prefs.Logins, Mail: email.Info,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.ways = ways
	o := s.options()
	o.SignIn = ways
	o.TrustedProxies = func() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} }
	for _, c := range change {
		c(&o)
	}
	if s.pages, err = web.Handler(o); err != nil {
		s.t.Fatal(err)
	}
	return ways
}

const proxySecret = "a secret of the proxy"

// behindProxy opens the pages behind a proxy that names people.
func behindProxy(t *testing.T) (s *testSite, as func(v *visitor, user string)) {
	s = newSite(t, "")
	s.waysIn(signin.Settings{Header: signin.HeaderSettings{User: "X-Remote-User", Groups: "X-Groups", Time: "X-Auth-Time",
		SecretHeader: "X-Secret", Secret: proxySecret, Title: "our gate", SignInURL: "/gate", SignOutURL: "/gate/out"}})
	return s, func(v *visitor, user string) {
		v.header.Set("X-Secret", proxySecret)
		v.header.Set("X-Remote-User", user)
	}
}

func TestProxyNamesWhoIsSignedIn(t *testing.T) {
	t.Run("no name", func(t *testing.T) {
		s, as := behindProxy(t)
		v := s.visitor()
		as(v, "")
		v.get("/").want(t, 200, "Sign in at our gate", "Send me a link")
		v.get("/filters").want(t, http.StatusSeeOther)
	})
	t.Run("a name", func(t *testing.T) {
		s, as := behindProxy(t)
		v := s.visitor()
		as(v, "Alice")
		v.get("/filters").want(t, 200, "alice", "My packages")
		if u := s.user("alice"); u.Proof != accounts.OfProvider {
			t.Errorf("the name is %s", u.Proof.Words())
		}
		before := v.cookie()
		if v.get("/filters").want(t, 200); v.cookie() != before || s.count("logins") != 1 {
			t.Errorf("each request begins a login: %d", s.count("logins"))
		}
		v.post("/filters/preview").want(t, 200)
	})
	t.Run("a stranger's header", func(t *testing.T) {
		s, as := behindProxy(t)
		o := s.options()
		o.SignIn = s.waysIn(signin.Settings{Header: signin.HeaderSettings{User: "X-Remote-User", SecretHeader: "X-Secret",
			Secret: proxySecret}})
		o.TrustedProxies = func() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }
		var err error
		if s.pages, err = web.Handler(o); err != nil {
			t.Fatal(err)
		}
		v := s.visitor()
		as(v, "alice")
		v.header.Set("X-Forwarded-For", "10.0.0.1")
		v.get("/filters").want(t, http.StatusSeeOther)
		if s.count("logins") != 0 {
			t.Error("a login has begun")
		}
	})
	t.Run("no secret", func(t *testing.T) {
		s, as := behindProxy(t)
		v := s.visitor()
		as(v, "alice")
		v.header.Set("X-Secret", "guess")
		v.get("/").want(t, http.StatusForbidden, "cannot be trusted")
	})
	t.Run("twice", func(t *testing.T) {
		s, as := behindProxy(t)
		v := s.visitor()
		as(v, "alice")
		v.header.Add("X-Remote-User", "bob")
		v.get("/filters").want(t, http.StatusForbidden)
	})
	t.Run("another name ends the login", func(t *testing.T) {
		s, as := behindProxy(t)
		v, alices := s.visitor(), s.visitor()
		as(v, "alice")
		v.get("/filters").want(t, 200)
		alices.client.Jar.SetCookies(mustURL(t, s.base), v.client.Jar.Cookies(mustURL(t, s.base)))
		as(v, "bob")
		v.post("/filters/preview").want(t, http.StatusConflict, "somebody else by now")
		v.get("/filters").want(t, 200, "bob")
		alices.get("/filters").want(t, http.StatusSeeOther) // her cookie alone lets nobody in, and does not any more
		as(alices, "alice")
		alices.get("/filters").want(t, 200, "alice")
	})
	t.Run("no name ends the login", func(t *testing.T) {
		s, as := behindProxy(t)
		v := s.visitor()
		as(v, "alice")
		v.get("/filters").want(t, 200)
		as(v, "")
		v.get("/filters").want(t, http.StatusSeeOther)
		if s.count("logins") != 0 {
			t.Error("the login is still there")
		}
	})
	t.Run("a post of another site", func(t *testing.T) {
		s, as := behindProxy(t)
		v := s.visitor()
		as(v, "alice")
		v.header.Set("Sec-Fetch-Site", "cross-site")
		v.do(http.MethodPost, "/settings", "application/x-www-form-urlencoded", nil).want(t, http.StatusForbidden,
			"another site")
	})
	t.Run("signing out", func(t *testing.T) {
		s, as := behindProxy(t)
		v := s.visitor()
		as(v, "alice")
		v.get("/filters").want(t, 200)
		v.post("/signout").want(t, 200, "You may still be signed in at our gate", `href="/gate/out"`)
	})
	t.Run("the way by mail stays", func(t *testing.T) {
		s, as := behindProxy(t)
		v := s.signUp("carol")
		v.get("/filters").want(t, 200)
		as(v, "alice") // but who is named is who is signed in
		v.get("/filters").want(t, 200, "alice")
	})
	t.Run("a token wins", func(t *testing.T) {
		s, as := behindProxy(t)
		v := s.visitor()
		as(v, "alice")
		v.header.Set("Authorization", "Bearer x")
		v.get("/api/v1/notices").want(t, 200, "stream") // it has a check of its own
		if s.count("logins") != 0 {
			t.Error("a login has begun")
		}
	})
}

// TestProxyIsNoProofOfPresence: the header is there all day. Only the proxy's word when they signed in makes it fresh.
func TestProxyIsNoProofOfPresence(t *testing.T) {
	s, as := behindProxy(t)
	v := s.visitor()
	as(v, "alice")
	v.get("/filters").want(t, 200)
	fresh := func() bool {
		t.Helper()
		list, err := s.prefs.Logins.List(t.Context(), s.user("alice").ID)
		if err != nil || len(list) != 1 {
			t.Fatalf("%v, %v", list, err)
		}
		return list[0].IsFresh(s.now())
	}
	if fresh() {
		t.Error("a login by the header alone is fresh")
	}
	for _, c := range []struct {
		ago  time.Duration
		want bool
	}{{time.Hour, false}, {2 * time.Minute, true}, {-time.Hour, false}} {
		v.header.Set("X-Auth-Time", strconv.FormatInt(s.now().Add(-c.ago).Unix(), 10))
		v.get("/filters").want(t, 200)
		if fresh() != c.want {
			t.Errorf("signed in %s ago: fresh is %v", c.ago, !c.want)
		}
		s.pass(accounts.FreshFor)
	}
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
