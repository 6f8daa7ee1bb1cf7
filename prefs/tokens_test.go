package prefs_test

import (
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/links"
)

var _ scs.CtxStore = (*prefs.Sessions)(nil)

func TestSignIn(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, c *clock) {
		ctx := t.Context()
		token := must[string](t)(s.Accounts.NewSignIn(ctx, "alice@example.org"))
		if got := must[string](t)(s.Accounts.SignIn(ctx, token)); got != "alice@example.org" {
			t.Errorf("SignIn = %q", got)
		}
		for _, bad := range []string{token, "", "x", strings.Repeat("x", 100000)} {
			_, err := s.Accounts.SignIn(ctx, bad)
			want(t, err, prefs.ErrCode)
		}
		token = must[string](t)(s.Accounts.NewSignIn(ctx, "alice@example.org"))
		c.pass(prefs.SignInLife)
		_, err := s.Accounts.SignIn(ctx, token)
		want(t, err, prefs.ErrCode)
	})
}

// TestSignInOnce sends many requests with one token at once.
func TestSignInOnce(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, _ *clock) {
		token := must[string](t)(s.Accounts.NewSignIn(t.Context(), "alice@example.org"))
		var in atomic.Int32
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				switch _, err := s.Accounts.SignIn(t.Context(), token); err {
				case nil:
					in.Add(1)
				case prefs.ErrCode:
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if in.Load() != 1 {
			t.Errorf("%d signed in", in.Load())
		}
	})
}

func TestAPITokens(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, c *clock) {
		ctx := t.Context()
		alice, _ := person(t, s, "alice")
		bob, _ := person(t, s, "bob")
		token := must[string](t)(s.Tokens.New(ctx, alice.ID, "laptop"))
		made := must[[]prefs.APIToken](t)(s.Tokens.List(ctx, alice.ID))[0]
		if !made.Used.IsZero() || !made.Created.Equal(c.now()) || made.Name != "laptop" {
			t.Errorf("made %+v", made)
		}
		c.pass(time.Hour)
		if u := must[prefs.User](t)(s.Tokens.User(ctx, token, "192.0.2.1", "curl/8")); u.ID != alice.ID {
			t.Errorf("User = %+v", u)
		}
		used := c.now()
		c.pass(time.Second)
		must[prefs.User](t)(s.Tokens.User(ctx, token, "192.0.2.1", "curl/8"))
		if all := must[[]prefs.APIToken](t)(s.Tokens.List(ctx, alice.ID)); len(all) != 1 || !all[0].Used.Equal(used) {
			t.Errorf("List = %+v", all)
		}
		want(t, s.Tokens.Revoke(ctx, bob.ID, made.ID), prefs.ErrNotFound)
		ok(t, s.Tokens.Revoke(ctx, alice.ID, made.ID))
		for _, bad := range []string{token, "", "ntf_"} {
			_, err := s.Tokens.User(ctx, bad, "192.0.2.1", "curl/8")
			want(t, err, prefs.ErrNotFound)
		}
		_, err := s.Tokens.New(ctx, 9999, "x")
		want(t, err, prefs.ErrNotFound)
		for err = nil; err == nil; {
			_, err = s.Tokens.New(ctx, bob.ID, "x")
		}
		want(t, err, prefs.ErrTooMany)
	})
}

func TestSessions(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, c *clock) {
		x := s.Sessions
		find := func(token, want string) {
			t.Helper()
			data, found, err := x.Find(token)
			if err != nil || found != (want != "") || string(data) != want {
				t.Errorf("Find(%q) = %q, %v, %v", token, data, found, err)
			}
		}
		find("a", "")
		ok(t, x.Commit("a", []byte("one"), c.now().Add(time.Hour)))
		find("a", "one")
		ok(t, x.Commit("a", []byte("two"), c.now().Add(2*time.Hour)))
		c.pass(time.Hour)
		find("a", "two")
		c.pass(time.Hour)
		find("a", "")
		ok(t, x.Commit("b", []byte("three"), c.now().Add(time.Hour)))
		ok(t, x.Delete("b"))
		ok(t, x.Delete("b"))
		find("b", "")
		ok(t, x.Commit("empty", nil, c.now().Add(time.Hour)))
		find("\xff\x00'", "")
	})
}

// TestLinksShareAKey: a link of one node works at another node, whatever its base URL.
func TestLinksShareAKey(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, c *clock) {
		here := must[*links.Signer](t)(s.Links(t.Context(), "https://n.example.org/"))
		there := must[*links.Signer](t)(openStore(d, c.now).Links(t.Context(), "https://other.example.org"))
		token := path.Base(here.Unsubscribe(7, 9))
		if target := must[links.Target](t)(there.Verify(token)); target != (links.Target{Filter: 7, Destination: 9}) {
			t.Errorf("Verify = %+v", target)
		}
	})
}
