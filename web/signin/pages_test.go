package signin_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/signin"
	"github.com/notifyd/notifyd/web/visit"
)

// A door knows one person: user 7, by identity 70.
type door struct {
	issuer string
	linked []uint
	refuse error
	ended  []string
}

func (d *door) SignInAs(context.Context, accounts.Identity) (prefs.Entrance, error) {
	return prefs.Entrance{User: prefs.User{ID: 7}, Identity: 70}, d.refuse
}

func (d *door) Identities(_ context.Context, user uint) ([]accounts.Known, error) {
	return []accounts.Known{{Issuer: "https://other.example", Subject: "1002"}, {Issuer: d.issuer, Subject: "1001"}}, nil
}

func (d *door) Link(_ context.Context, user uint, _ accounts.Identity) (uint, error) {
	if d.refuse == nil {
		d.linked = append(d.linked, user)
	}
	return 70, d.refuse
}

func (d *door) EndBySID(_ context.Context, _, sid string) (int, error) {
	d.ended = append(d.ended, "session "+sid)
	return 1, nil
}

func (d *door) EndBySubject(_ context.Context, _, subject string) (int, error) {
	d.ended = append(d.ended, "subject "+subject)
	return 1, nil
}

// serve makes a request to a page. A form is posted where there is one.
func (b *bench) serve(pattern, provider, query string, form url.Values, v *visit.Visit, cookies ...*http.Cookie) (
	*visit.View, error) {
	b.Helper()
	method, path, _ := strings.Cut(pattern, " ")
	r := httptest.NewRequest(method, strings.Replace(path, "{provider}", provider, 1)+"?"+query,
		strings.NewReader(form.Encode())).WithContext(b.Context())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetPathValue("provider", provider)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	v.Request, v.Now = r, b.now()
	for _, p := range b.ways.Pages() {
		if p.Pattern == pattern {
			return p.Serve(v)
		}
	}
	b.Fatalf("no page %s", pattern)
	return nil, nil
}

const (
	beginPage    = "POST /signin/with/{provider}"
	againPage    = "POST /signin/with/{provider}/again"
	addPage      = "POST /signin/with/{provider}/add"
	callbackPage = "GET /signin/with/{provider}/callback"
	endedPage    = "POST /signin/with/{provider}/ended"
)

// through goes from a page to the provider and back, as a visitor who is v at the first and then at the second page.
func (b *bench) through(page string, back string, first, then *visit.Visit) (*visit.View, error) {
	b.Helper()
	view, err := b.serve(page, "fedora", "", url.Values{"back": {back}}, first)
	if err != nil {
		b.Fatal(err)
	}
	if view.Template != "away" || !strings.HasPrefix(view.Away, b.provider.issuer+"/auth?") || len(view.Cookies) != 1 {
		b.Fatalf("the browser goes to %+v", view)
	}
	return b.serve(callbackPage, "fedora", b.provider.authorize(view.Away).Encode(), nil, then, view.Cookies...)
}

func withDoor(t *testing.T) (*bench, *door) {
	b := newBench(t)
	d := &door{issuer: b.provider.issuer}
	b.ways.Door, b.ways.Ender = d, d
	return b, d
}

func TestPages(t *testing.T) {
	me := func() *visit.Visit {
		return &visit.Visit{User: prefs.User{ID: 7}, Login: accounts.Login{ID: 3, User: 7}}
	}
	t.Run("sign in", func(t *testing.T) {
		b, _ := withDoor(t)
		view, err := b.through(beginPage, "/filters?a=1", &visit.Visit{}, &visit.Visit{})
		if err != nil {
			t.Fatal(err)
		}
		l := view.Login
		if view.To != "/filters?a=1" || l == nil || l.User != 7 || l.Identity != 70 || l.Way != "fedora" ||
			l.SID != "session-1" || !l.Fresh.Equal(b.now()) {
			t.Errorf("%+v, %+v", view, l)
		}
	})
	t.Run("an old session of the provider is not fresh", func(t *testing.T) {
		for _, authTime := range []any{nil, b0.Add(-time.Hour).Unix(), b0.Add(time.Hour).Unix()} {
			b, _ := withDoor(t)
			b.provider.claims["auth_time"] = authTime
			view, err := b.through(beginPage, "/", &visit.Visit{}, &visit.Visit{})
			if err != nil {
				t.Fatal(err)
			}
			l := *view.Login
			if l.ID = 1; l.IsFresh(b.now()) {
				t.Errorf("auth_time %v makes it fresh", authTime)
			}
		}
	})
	t.Run("a page elsewhere", func(t *testing.T) {
		b, _ := withDoor(t)
		view, err := b.through(beginPage, "//evil.example/", &visit.Visit{}, &visit.Visit{})
		if err != nil || view.To != "/" {
			t.Errorf("%+v, %v", view, err)
		}
	})
	t.Run("not let in", func(t *testing.T) {
		b, d := withDoor(t)
		d.refuse = &accounts.Refusal{Text: "No new accounts are made here."}
		_, err := b.through(beginPage, "/", &visit.Visit{}, &visit.Visit{})
		b.fails(err, http.StatusForbidden, "No new accounts")
	})
	t.Run("again", func(t *testing.T) {
		b, _ := withDoor(t)
		if view, err := b.through(againPage, "/fresh", me(), me()); err != nil || !view.Freshen || view.To != "/fresh" {
			t.Errorf("%+v, %v", view, err)
		}
	})
	t.Run("again as somebody else", func(t *testing.T) {
		b, _ := withDoor(t)
		b.provider.claims["sub"] = "1002"
		_, err := b.through(againPage, "/", me(), me())
		b.fails(err, http.StatusForbidden, "somebody else")
	})
	t.Run("again with an old session", func(t *testing.T) {
		b, _ := withDoor(t)
		b.provider.claims["auth_time"] = b.now().Add(-time.Hour).Unix()
		_, err := b.through(againPage, "/", me(), me())
		b.fails(err, http.StatusForbidden, "without asking")
	})
	t.Run("again in another login", func(t *testing.T) {
		for _, then := range []*visit.Visit{{}, {User: prefs.User{ID: 7}, Login: accounts.Login{ID: 4, User: 7}}} {
			b, _ := withDoor(t)
			_, err := b.through(againPage, "/", me(), then)
			b.fails(err, http.StatusForbidden, "not signed in any more")
		}
	})
	t.Run("add", func(t *testing.T) {
		b, d := withDoor(t)
		view, err := b.through(addPage, "/settings/security", me(), me())
		if err != nil || view.To != "/settings/security" || view.Login != nil || len(d.linked) != 1 || d.linked[0] != 7 {
			t.Errorf("%+v, %v, %v", view, err, d.linked)
		}
	})
	t.Run("add in another login", func(t *testing.T) { // an attacker's identity must not get into a victim's account
		b, d := withDoor(t)
		other := &visit.Visit{User: prefs.User{ID: 8}, Login: accounts.Login{ID: 9, User: 8}}
		_, err := b.through(addPage, "/", me(), other)
		b.fails(err, http.StatusForbidden, "not signed in any more")
		if d.linked != nil {
			t.Error("it was added")
		}
	})
	t.Run("add what is somebody else's", func(t *testing.T) {
		b, d := withDoor(t)
		d.refuse = accounts.ErrBound
		_, err := b.through(addPage, "/", me(), me())
		b.fails(err, http.StatusConflict, "another account")
	})
	t.Run("who may see what", func(t *testing.T) {
		b, _ := withDoor(t)
		for _, p := range b.ways.Pages() {
			if open := p.For == visit.Everybody; p.Fresh != (p.Pattern == addPage) || open == (p.Pattern == addPage ||
				p.Pattern == againPage) {
				t.Errorf("%+v", p)
			}
		}
		if (*signin.Ways)(nil).Pages() != nil {
			t.Error("nothing has pages")
		}
	})
}

var b0 = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) // the clock of a bench

// fails checks that a page answers with an error for the visitor.
func (b *bench) fails(err error, status int, text string) {
	b.Helper()
	var f *visit.Failure
	if !errors.As(err, &f) || f.Status != status || !strings.Contains(f.Text, text) {
		b.Errorf("got %v, want %d %q", err, status, text)
	}
}

func TestCookieOfTheBrowser(t *testing.T) {
	b, _ := withDoor(t)
	view, err := b.serve(beginPage, "fedora", "", nil, &visit.Visit{})
	if err != nil {
		t.Fatal(err)
	}
	c := view.Cookies[0]
	if c.Name != "__Host-notifyd-way" || c.Path != "/" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode ||
		c.MaxAge != 600 || len(c.Value) != 43 {
		t.Errorf("%+v", c)
	}
	again, err := b.serve(beginPage, "fedora", "", nil, &visit.Visit{}, c)
	if err != nil || again.Cookies[0].Value != c.Value {
		t.Errorf("a second tab has another secret: %v", err)
	}
	planted := *c
	planted.Value = "short"
	if again, err = b.serve(beginPage, "fedora", "", nil, &visit.Visit{}, &planted); err != nil ||
		len(again.Cookies[0].Value) != 43 {
		t.Errorf("a short secret is taken: %v", err)
	}
	b.ways.BaseURL = "http://127.0.0.1:8080/n"
	if view, err = b.serve(beginPage, "fedora", "", nil, &visit.Visit{}); err != nil {
		t.Fatal(err)
	}
	if c := view.Cookies[0]; c.Name != "notifyd-way" || c.Path != "/n/signin/with/" || c.Secure {
		t.Errorf("%+v", c)
	}
}

// Whoever makes up answers is held to a rate: each is looked up in the database.
func TestAnswersAreBounded(t *testing.T) {
	b, _ := withDoor(t)
	for i := range 61 {
		_, err := b.serve(callbackPage, "fedora", "state=x&code=y", nil, &visit.Visit{Network: "192.0.2.1"})
		want := map[bool]int{true: http.StatusGone, false: http.StatusTooManyRequests}[i < 60]
		b.fails(err, want, "")
	}
	_, err := b.serve(callbackPage, "fedora", "state=x&code=y", nil, &visit.Visit{Network: "192.0.2.2"})
	b.fails(err, http.StatusGone, "")
}

func TestProviderEndsLogins(t *testing.T) {
	b, d := withDoor(t)
	post := func(token string) error {
		view, err := b.serve(endedPage, "fedora", "", url.Values{"logout_token": {token}}, &visit.Visit{})
		if err == nil && view.Template != "ended" {
			t.Errorf("%+v", view)
		}
		return err
	}
	claims := logoutClaims(b)
	token := b.provider.sign(claims, "logout+jwt")
	if err := post(token); err != nil {
		t.Fatal(err)
	}
	b.fails(post(token), http.StatusBadRequest, "")
	b.fails(post(strings.Repeat("a", 20_000)), http.StatusBadRequest, "too long")
	claims["jti"] = "id-2"
	delete(claims, "sid")
	if err := post(b.provider.sign(claims, "logout+jwt")); err != nil {
		t.Fatal(err)
	}
	if strings.Join(d.ended, ", ") != "session s1, subject 1001" {
		t.Errorf("ended %q", d.ended)
	}
}
