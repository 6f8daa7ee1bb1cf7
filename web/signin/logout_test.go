package signin_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/web/signin"
)

// TestLogout are logout tokens that anybody may post.
func TestLogout(t *testing.T) {
	right, both := func(*bench, map[string]any) {}, signin.Ended{Subject: "1001", Session: "s1"}
	for name, c := range map[string]struct {
		change func(*bench, map[string]any)
		kind   string
		want   signin.Ended
		why    string // "": it counts
	}{
		"with session and subject": {right, "logout+jwt", both, ""},
		"typ JWT":                  {right, "JWT", both, ""},
		"with the subject only": {func(_ *bench, c map[string]any) { delete(c, "sid") }, "logout+jwt",
			signin.Ended{Subject: "1001"}, ""},
		"with the session only": {func(_ *bench, c map[string]any) { delete(c, "sub") }, "logout+jwt",
			signin.Ended{Session: "s1"}, ""},
		"a session that is null": {func(_ *bench, c map[string]any) { c["sid"] = nil }, "logout+jwt",
			signin.Ended{Subject: "1001"}, ""},
		"with neither": {func(_ *bench, c map[string]any) { delete(c, "sub"); delete(c, "sid") }, "logout+jwt",
			signin.Ended{}, "'sub' claim"},
		"with a nonce": {func(_ *bench, c map[string]any) { c["nonce"] = "n" }, "logout+jwt", signin.Ended{}, "nonce"},
		"without the event": {func(_ *bench, c map[string]any) { delete(c, "events") }, "logout+jwt", signin.Ended{},
			"missing required"},
		"another event": {func(_ *bench, c map[string]any) { c["events"] = map[string]any{"x": 1} }, "logout+jwt",
			signin.Ended{}, "missing required"},
		"without an id": {func(_ *bench, c map[string]any) { delete(c, "jti") }, "logout+jwt", signin.Ended{}, "jti"},
		"for another client": {func(_ *bench, c map[string]any) { c["aud"] = "other" }, "logout+jwt", signin.Ended{},
			"audience"},
		"of another issuer": {func(_ *bench, c map[string]any) { c["iss"] = "https://evil.example" }, "logout+jwt",
			signin.Ended{}, "different provider"},
		"expired": {func(b *bench, c map[string]any) { c["exp"] = b.now().Add(-time.Second).Unix() }, "logout+jwt",
			signin.Ended{}, "expired"},
		"good for a day": {func(b *bench, c map[string]any) { c["exp"] = b.now().Add(24 * time.Hour).Unix() }, "logout+jwt",
			signin.Ended{}, "too long"},
		"of the future": {func(b *bench, c map[string]any) { c["iat"] = b.now().Add(time.Hour).Unix() }, "logout+jwt",
			signin.Ended{}, "future"},
		"another kind of token": {right, "at+jwt", signin.Ended{}, "another kind"},
		"by somebody else's key": {func(b *bench, _ map[string]any) { b.provider.key.key = madeKeys()[2] }, "logout+jwt",
			signin.Ended{}, "no key"},
		"HS256 with the client's secret": {func(b *bench, _ map[string]any) {
			b.provider.secret = []byte(strings.Repeat("client-secret", 4))
		}, "logout+jwt", signin.Ended{}, "another kind"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			claims := logoutClaims(b)
			c.change(b, claims)
			got, err := b.ways.Logout(t.Context(), "fedora", b.provider.sign(claims, c.kind))
			if c.why != "" {
				b.refused(err, http.StatusBadRequest, c.why)
				return
			}
			if c.want.Issuer = b.provider.issuer; err != nil || got != c.want {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	t.Run("an ID token", func(t *testing.T) {
		b := newBench(t)
		id := b.provider.sign(map[string]any{"iss": b.provider.issuer, "aud": "notifyd", "sub": "1001", "jti": "1",
			"exp": b.now().Add(time.Minute).Unix(), "nonce": "n"}, "JWT")
		_, err := b.ways.Logout(t.Context(), "fedora", id)
		b.refused(err, http.StatusBadRequest, "missing required")
	})
	t.Run("no token", func(t *testing.T) {
		b := newBench(t)
		for _, raw := range []string{"", "x", "a.b.c", strings.Repeat("a", 60_000), unsigned(logoutClaims(b))} {
			_, err := b.ways.Logout(t.Context(), "fedora", raw)
			b.refused(err, http.StatusBadRequest, "")
		}
		if n := b.provider.asked("/keys"); n != 0 {
			t.Errorf("the keys were fetched %d times for what is no token", n)
		}
	})
	t.Run("replayed", func(t *testing.T) {
		b := newBench(t)
		token := b.provider.sign(logoutClaims(b), "logout+jwt")
		if _, err := b.ways.Logout(t.Context(), "fedora", token); err != nil {
			t.Fatal(err)
		}
		_, err := b.ways.Logout(t.Context(), "fedora", token)
		b.refused(err, http.StatusBadRequest, "used before")
	})
	t.Run("of another provider", func(t *testing.T) {
		b := newBench(t)
		_, err := b.ways.Logout(t.Context(), "salsa", b.provider.sign(logoutClaims(b), "logout+jwt"))
		b.refused(err, http.StatusBadRequest, "different provider") // the two fakes have the same key
	})
	t.Run("flood of unknown keys", func(t *testing.T) {
		b := newBench(t)
		known := b.provider.key
		b.provider.key = signingKey{"unknown", madeKeys()[2]}
		for range 50 {
			if _, err := b.ways.Logout(t.Context(), "fedora", b.provider.sign(logoutClaims(b), "logout+jwt")); err == nil {
				t.Fatal("it counts")
			}
		}
		if n := b.provider.asked("/keys"); n != 1 {
			t.Errorf("the keys were fetched %d times", n)
		}
		// strangers do not use up what those who sign in need
		b.provider.set(func() { b.provider.key, b.provider.keys = known, []signingKey{{"new", madeKeys()[1]}} })
		b.provider.set(func() { b.provider.key = signingKey{"new", madeKeys()[1]} })
		if _, err := b.signIn(); err != nil {
			t.Error(err)
		}
	})
	t.Run("unknown provider", func(t *testing.T) {
		b := newBench(t)
		_, err := b.ways.Logout(t.Context(), "debian", "x")
		b.refused(err, http.StatusNotFound, "")
	})
}

func logoutClaims(b *bench) map[string]any {
	return map[string]any{"iss": b.provider.issuer, "aud": "notifyd", "sub": "1001", "sid": "s1", "jti": "id-1",
		"iat": b.now().Unix(), "exp": b.now().Add(2 * time.Minute).Unix(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
}

func TestEndPage(t *testing.T) {
	b := newBench(t)
	if b.ways.EndPage("fedora") != "" || b.ways.EndPage("debian") != "" || (*signin.Ways)(nil).EndPage("fedora") != "" {
		t.Error("there is a page of what is not known")
	}
	if _, err := b.signIn(); err != nil {
		t.Fatal(err)
	}
	want := b.provider.issuer + "/logout?client_id=notifyd&post_logout_redirect_uri=https%3A%2F%2Fnotify.example.org%2Fn%2F"
	if got := b.ways.EndPage("fedora"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	b = newBench(t)
	b.provider.says["end_session_endpoint"] = nil
	if _, err := b.signIn(); err != nil || b.ways.EndPage("fedora") != "" {
		t.Errorf("%v, %q", err, b.ways.EndPage("fedora"))
	}
}

func TestProblemsSayBoth(t *testing.T) {
	cause := errors.New("the reason")
	p := &signin.Problem{Status: 400, Text: "For people.", Err: cause}
	if !errors.Is(p, cause) || p.Error() != "For people. (the reason)" {
		t.Errorf("%v", p)
	}
}
