package signin_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/signin"
)

// A clock is set by the test.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// A bench is a site with one provider, or two.
type bench struct {
	*testing.T
	*clock
	ways     *signin.Ways
	provider *fake
	other    *fake
	attempts *accounts.Attempts
	settings signin.Settings
	logs     *exectest.Log
}

func newBench(t *testing.T, change ...func(*signin.Provider)) *bench {
	t.Helper()
	b := &bench{T: t, clock: &clock{at: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}, logs: &exectest.Log{}}
	b.provider, b.other = newFake(t, b.now), newFake(t, b.now)
	b.attempts = accounts.NewAttempts(migratest.Copy(t).Writer, b.now)
	one := signin.Provider{Title: "Fedora", Issuer: b.provider.issuer, ClientID: "notifyd", ClientSecret: "client-secret"}
	for _, c := range change {
		c(&one)
	}
	two := one
	two.Title, two.Issuer = "Salsa", b.other.issuer
	b.settings.OIDC = map[string]signin.Provider{"fedora": one, "salsa": two}
	b.open()
	return b
}

func (b *bench) open() {
	b.Helper()
	var err error
	b.ways, err = signin.New(signin.Options{Settings: b.settings, BaseURL: "https://notify.example.org/n", Now: b.now,
		Attempts: b.attempts, Random: rand.Reader, Log: slog.New(slog.NewTextHandler(b.logs, nil))})
	if err != nil {
		b.Fatal(err)
	}
}

const browser = "the cookie of a browser"

// start begins a sign-in at fedora and signs in there.
func (b *bench) start(goal signin.Goal) url.Values {
	b.Helper()
	address, err := b.ways.Start(b.Context(), "fedora", goal, browser)
	if err != nil {
		b.Fatalf("begin: %v", err)
	}
	return b.provider.authorize(address)
}

// signIn goes the whole way.
func (b *bench) signIn() (signin.Identity, error) {
	b.Helper()
	id, _, err := b.ways.Finish(b.Context(), "fedora", b.start(signin.Goal{}), browser)
	return id, err
}

// refused checks that a sign-in ended with a status, and that the log says why.
func (b *bench) refused(err error, status int, why string) {
	b.Helper()
	var p *signin.Problem
	if !errors.As(err, &p) || p.Status != status {
		b.Fatalf("got %v, want status %d", err, status)
	}
	if why != "" && !strings.Contains(err.Error(), why) {
		b.Errorf("%v\nsays nothing of %q", err, why)
	}
}

func TestSignIn(t *testing.T) {
	b := newBench(t)
	query := b.start(signin.Goal{Back: "/filters?x=1"})
	id, attempt, err := b.ways.Finish(t.Context(), "fedora", query, browser)
	if err != nil {
		t.Fatal(err)
	}
	if id.Way != "fedora" || id.Issuer != b.provider.issuer || id.Subject != "1001" || id.Name != "alice" ||
		id.Mail != "alice@example.org" || !slices.Equal(id.Groups, []string{"packager", "qa"}) || !id.GroupsKnown ||
		id.Session != "session-1" || !id.AuthTime.Equal(b.now()) || id.Disabled != "" {
		t.Errorf("got %+v", id)
	}
	if attempt.Back != "/filters?x=1" {
		t.Errorf("goes back to %q", attempt.Back)
	}
	if n := b.provider.asked("/userinfo"); n != 0 {
		t.Errorf("UserInfo was asked for %d times, and the ID token says everything", n)
	}
}

func TestWhereTheBrowserGoes(t *testing.T) {
	b := newBench(t, func(p *signin.Provider) {
		p.Scopes = []string{"profile", "https://id.example/scope/groups", "openid"}
	})
	address, err := b.ways.Start(t.Context(), "fedora", signin.Goal{Purpose: accounts.ToRenew, Login: 3}, browser)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name, want := range map[string]string{"client_id": "notifyd", "prompt": "login", "max_age": "0",
		"redirect_uri": "https://notify.example.org/n/signin/with/fedora/callback",
		"scope":        "openid profile https://id.example/scope/groups"} {
		if q.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, q.Get(name), want)
		}
	}
	again, err := b.ways.Start(t.Context(), "fedora", signin.Goal{}, browser)
	if err != nil {
		t.Fatal(err)
	}
	v, _ := url.Parse(again)
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if a, b := q.Get(name), v.Query().Get(name); a == b || len(a) < 43 {
			t.Errorf("%s: %q, then %q", name, a, b)
		}
	}
}

// TestAnswers are answers that a browser may bring: each attempt counts once, of one provider, in one browser.
func TestAnswers(t *testing.T) {
	t.Run("two tabs at once", func(t *testing.T) {
		b := newBench(t)
		first, second := b.start(signin.Goal{Back: "/a"}), b.start(signin.Goal{Back: "/b"})
		for want, query := range map[string]url.Values{"/b": second, "/a": first} {
			if _, attempt, err := b.ways.Finish(t.Context(), "fedora", query, browser); err != nil || attempt.Back != want {
				t.Errorf("%v, goes to %q, want %q", err, attempt.Back, want)
			}
		}
	})
	t.Run("state replayed", func(t *testing.T) {
		b := newBench(t)
		query := b.start(signin.Goal{})
		if _, _, err := b.ways.Finish(t.Context(), "fedora", query, browser); err != nil {
			t.Fatal(err)
		}
		_, _, err := b.ways.Finish(t.Context(), "fedora", query, browser)
		b.refused(err, http.StatusGone, "")
	})
	t.Run("code replayed with a new state", func(t *testing.T) {
		b := newBench(t)
		old := b.start(signin.Goal{})
		if _, _, err := b.ways.Finish(t.Context(), "fedora", old, browser); err != nil {
			t.Fatal(err)
		}
		query := b.start(signin.Goal{})
		query.Set("code", old.Get("code"))
		_, _, err := b.ways.Finish(t.Context(), "fedora", query, browser)
		b.refused(err, http.StatusGone, "does not take the code")
	})
	t.Run("code of another person's attempt", func(t *testing.T) {
		b := newBench(t)
		victim := b.start(signin.Goal{})
		mine := b.start(signin.Goal{})
		mine.Set("code", victim.Get("code"))
		_, _, err := b.ways.Finish(t.Context(), "fedora", mine, browser)
		b.refused(err, http.StatusGone, "") // its verifier is another one
	})
	t.Run("state of another provider", func(t *testing.T) {
		b := newBench(t)
		query := b.start(signin.Goal{})
		_, _, err := b.ways.Finish(t.Context(), "salsa", query, browser)
		b.refused(err, http.StatusGone, "an attempt at fedora")
		_, _, err = b.ways.Finish(t.Context(), "fedora", query, browser)
		b.refused(err, http.StatusGone, "") // and it is used up
	})
	t.Run("another browser", func(t *testing.T) {
		for _, cookie := range []string{"", "another cookie"} {
			b := newBench(t)
			_, _, err := b.ways.Finish(t.Context(), "fedora", b.start(signin.Goal{}), cookie)
			b.refused(err, http.StatusGone, "another browser")
		}
	})
	t.Run("no state", func(t *testing.T) {
		b := newBench(t)
		for _, query := range []url.Values{{}, {"code": {"x"}}, {"state": {"made up"}, "code": {"x"}}} {
			_, _, err := b.ways.Finish(t.Context(), "fedora", query, browser)
			b.refused(err, http.StatusGone, "")
		}
	})
	t.Run("too late", func(t *testing.T) {
		b := newBench(t)
		query := b.start(signin.Goal{})
		b.pass(accounts.AttemptLife)
		_, _, err := b.ways.Finish(t.Context(), "fedora", query, browser)
		b.refused(err, http.StatusGone, "")
	})
	t.Run("error uses the attempt up", func(t *testing.T) {
		b := newBench(t)
		query := b.start(signin.Goal{})
		declined := url.Values{"error": {"access_denied"}, "error_description": {"a\nb"}, "state": query["state"]}
		_, _, err := b.ways.Finish(t.Context(), "fedora", declined, browser)
		b.refused(err, http.StatusForbidden, `"access_denied"`)
		_, _, err = b.ways.Finish(t.Context(), "fedora", query, browser)
		b.refused(err, http.StatusGone, "")
	})
	t.Run("unknown provider", func(t *testing.T) {
		b := newBench(t)
		_, _, err := b.ways.Finish(t.Context(), "debian", b.start(signin.Goal{}), browser)
		b.refused(err, http.StatusNotFound, "")
		_, err = b.ways.Start(t.Context(), "debian", signin.Goal{}, browser)
		b.refused(err, http.StatusNotFound, "")
	})
}

// TestIssuerOfTheAnswer is RFC 9207: iss, also on errors.
func TestIssuerOfTheAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		announced bool
		iss       string // "own": of the provider
		ok        bool
	}{
		"not announced, absent":    {false, "", true},
		"not announced, right":     {false, "own", true},
		"not announced, wrong":     {false, "https://evil.example", false},
		"announced, absent":        {true, "", false},
		"announced, right":         {true, "own", true},
		"announced, wrong":         {true, "https://evil.example", false},
		"announced, another slash": {true, "own/", false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.provider.says["authorization_response_iss_parameter_supported"] = c.announced
			iss := strings.Replace(c.iss, "own", b.provider.issuer, 1)
			query := b.start(signin.Goal{})
			if iss != "" {
				query.Set("iss", iss)
			}
			if _, _, err := b.ways.Finish(t.Context(), "fedora", query, browser); (err == nil) != c.ok {
				t.Errorf("an answer with a code: %v", err)
			}
			query = b.start(signin.Goal{})
			query.Del("code")
			query.Set("error", "access_denied")
			if iss != "" {
				query.Set("iss", iss)
			}
			_, _, err := b.ways.Finish(t.Context(), "fedora", query, browser)
			if want := map[bool]int{true: http.StatusForbidden, false: http.StatusBadGateway}[c.ok]; true {
				b.refused(err, want, "")
			}
		})
	}
}

func TestFreshSignIn(t *testing.T) {
	for name, c := range map[string]struct {
		authTime func(now time.Time) any
		ok       bool
	}{
		"just now":              {func(now time.Time) any { return now.Unix() }, true},
		"a clock behind":        {func(now time.Time) any { return now.Add(-30 * time.Second).Unix() }, true},
		"a fraction":            {func(now time.Time) any { return float64(now.Unix()) + 0.5 }, true},
		"a session of the day":  {func(now time.Time) any { return now.Add(-2 * time.Hour).Unix() }, false},
		"the future":            {func(now time.Time) any { return now.Add(time.Hour).Unix() }, false},
		"missing":               {func(time.Time) any { return nil }, false},
		"a text":                {func(time.Time) any { return "yesterday" }, false},
		"negative":              {func(time.Time) any { return -1 }, false},
		"beyond what times are": {func(time.Time) any { return 1e300 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.provider.claims["auth_time"] = c.authTime(b.now())
			query := b.start(signin.Goal{Purpose: accounts.ToRenew, Login: 1})
			_, _, err := b.ways.Finish(t.Context(), "fedora", query, browser)
			if c.ok != (err == nil) {
				t.Fatalf("got %v", err)
			}
			if !c.ok {
				b.refused(err, http.StatusForbidden, "")
			}
			if _, err := b.signIn(); err != nil {
				t.Errorf("an ordinary sign-in: %v", err)
			}
		})
	}
}

func TestReturnPaths(t *testing.T) {
	for in, want := range map[string]string{"/": "/", "/filters?a=b#c": "/filters?a=b#c", "/a//b": "/a//b",
		"": "/", "filters": "/", "//evil.example": "/", "///evil.example": "/", "/\\evil.example": "/",
		"\\\\evil.example": "/", "https://evil.example/": "/", "https:evil": "/", "javascript:alert(1)": "/",
		"/\tx": "/", "/a\r\nSet-Cookie: x": "/", "/%0d": "/%0d", "/%zz": "/", " /x": "/",
		"/" + strings.Repeat("a", 3000): "/"} {
		if got := signin.SafePath(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestProviderIsDown(t *testing.T) {
	b := newBench(t)
	down := true
	b.provider.before = func(w http.ResponseWriter, _ *http.Request) bool {
		if down {
			http.Error(w, strings.Repeat("out of order\n", 1000), http.StatusBadGateway)
		}
		return down
	}
	if buttons := b.ways.Buttons(); len(buttons) != 2 || buttons[0].Down || buttons[0].Title != "Fedora" {
		t.Fatalf("nobody has asked yet: %+v", buttons)
	}
	for range 5 { // it is asked once: the others are told at once
		_, err := b.ways.Start(t.Context(), "fedora", signin.Goal{}, browser)
		b.refused(err, http.StatusServiceUnavailable, "502")
	}
	if n := b.provider.asked("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("asked %d times", n)
	}
	if buttons := b.ways.Buttons(); !buttons[0].Down || buttons[1].Down {
		t.Errorf("the page shows %+v", buttons)
	}
	if log := b.logs.String(); strings.Count(log, "cannot reach a provider") != 1 || len(log) > 1000 {
		t.Errorf("the log says %s", log)
	}
	down = false
	b.pass(time.Minute)
	if _, err := b.signIn(); err != nil || b.ways.Buttons()[0].Down {
		t.Errorf("it is back: %v, %+v", err, b.ways.Buttons())
	}
	down = true // what is known of it is good for a while
	b.pass(24 * time.Hour)
	if _, err := b.ways.Start(t.Context(), "fedora", signin.Goal{}, browser); err != nil {
		t.Errorf("its document is known: %v", err)
	}
}

// Run finds out which providers are there before anybody asks, and ends with its context.
func TestRun(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.ways.Run(ctx) }()
	exectest.Eventually(t, 10*time.Second, "both are asked", func() bool {
		return b.provider.asked("/.well-known/openid-configuration") > 0 && b.other.asked("/.well-known/openid-configuration") > 0
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestTwoProvidersWithTheSameSubject(t *testing.T) {
	b := newBench(t)
	one, err := b.signIn()
	if err != nil {
		t.Fatal(err)
	}
	address, err := b.ways.Start(t.Context(), "salsa", signin.Goal{}, browser)
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := b.ways.Finish(t.Context(), "salsa", b.other.authorize(address), browser)
	if err != nil {
		t.Fatal(err)
	}
	if one.Subject != two.Subject || one.Issuer == two.Issuer {
		t.Errorf("%+v and %+v are one person", one, two)
	}
}
