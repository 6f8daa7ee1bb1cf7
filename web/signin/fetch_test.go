package signin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/web/signin"
)

// TestDiscovery are discovery documents and answers that must not do harm.
func TestDiscovery(t *testing.T) {
	on := func(path string, answer http.HandlerFunc) func(*bench) {
		return func(b *bench) {
			b.provider.before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == path {
					answer(w, r)
				}
				return r.URL.Path == path
			}
		}
	}
	endless := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for part := []byte(strings.Repeat(" ", 64<<10)); r.Context().Err() == nil; {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	}
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("another host was asked")
	}))
	defer stranger.Close()
	elsewhere := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, stranger.URL, http.StatusTemporaryRedirect)
	}
	says := func(path, text string) func(*bench) {
		return on(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
	}
	to := func(field, address string) func(*bench) {
		return func(b *bench) { b.provider.says[field] = address }
	}
	again := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }
	const document = "/.well-known/openid-configuration"
	for name, c := range map[string]struct {
		change func(*bench)
		why    string
	}{
		"issuer with another slash":    {func(b *bench) { b.provider.issuer += "/" }, `/"`},
		"issuer of another host":       {func(b *bench) { b.provider.issuer = "https://evil.example" }, `"https://evil.example"`},
		"document without end":         {on(document, endless), "longer than 1024 KiB"},
		"keys without end":             {on("/keys", endless), "longer than 1024 KiB"},
		"document redirects elsewhere": {on(document, elsewhere), "no redirect to another host"},
		"keys redirect elsewhere":      {on("/keys", elsewhere), "no redirect to another host"},
		"tokens redirect elsewhere":    {on("/token", elsewhere), "no redirect to another host"},
		"redirects without end":        {on(document, again), "without end"},
		"no JSON":                      {says(document, "<html>"), "decode"},
		"a list":                       {says(document, "[]"), "decode"},
		"no addresses":                 {to("token_endpoint", ""), "which is none"},
		"address of another kind":      {to("authorization_endpoint", "javascript:alert(1)"), "which is none"},
		"keys in a file":               {to("jwks_uri", "file:///etc/passwd"), "which is none"},
		"no token endpoint":            {on("/token", http.NotFound), ""},
		"token endpoint says no JSON":  {says("/token", "hello"), ""},
		"keys are no JSON":             {says("/keys", "hello"), "read keys"},
		"keys that are none":           {says("/keys", `{"keys":[1,[],{}]}`), "no key for signatures"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			c.change(b)
			address, err := b.ways.Start(t.Context(), "fedora", signin.Goal{}, browser)
			if err == nil {
				_, _, err = b.ways.Finish(t.Context(), "fedora", b.provider.authorize(address), browser)
			}
			if err == nil || !strings.Contains(err.Error(), c.why) || len(err.Error()) > 1000 {
				t.Errorf("got %v, want %s", err, c.why)
			}
		})
	}
	t.Run("issuer mismatch shows both", func(t *testing.T) {
		b := newBench(t)
		b.provider.issuer += "/"
		if _, err := b.ways.Start(t.Context(), "fedora", signin.Goal{}, browser); err == nil {
			t.Fatal("it is taken")
		}
		for _, part := range []string{b.provider.server.URL + `\"`, b.provider.server.URL + `/\"`,
			"accounts.oidc.fedora.issuer"} {
			if !strings.Contains(b.logs.String(), part) {
				t.Errorf("the log lacks %s: %s", part, b.logs)
			}
		}
	})
}

// A provider that never answers is given up, and nobody is held by it.
func TestSlowProvider(t *testing.T) {
	b := newBench(t)
	b.provider.before = func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return true
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := b.ways.Start(ctx, "fedora", signin.Goal{}, browser); err == nil {
		t.Error("a document without an end was taken")
	}
	if b.ways.Buttons()[0].Down {
		t.Error("a visitor who leaves makes it look down")
	}
}

func TestSettings(t *testing.T) {
	inTheClear := func(p *signin.Provider) { p.Issuer = "http://id.example.org/" }
	offline := func(p *signin.Provider) { p.Scopes = []string{"offline_access"} }
	right := signin.Provider{Issuer: "https://id.example.org/openidc/", ClientID: "notifyd"}
	for name, c := range map[string]struct {
		change func(*signin.Provider)
		name   string
		why    string
	}{
		"right":                   {func(*signin.Provider) {}, "fedora", ""},
		"on this machine":         {func(p *signin.Provider) { p.Issuer = "http://127.0.0.1:5556/dex" }, "dex", ""},
		"in the clear":            {inTheClear, "fedora", "oidc.fedora.issuer"},
		"no issuer":               {func(p *signin.Provider) { p.Issuer = "" }, "fedora", "oidc.fedora.issuer"},
		"with a query":            {func(p *signin.Provider) { p.Issuer += "?a" }, "fedora", "oidc.fedora.issuer"},
		"no client":               {func(p *signin.Provider) { p.ClientID = "" }, "fedora", "oidc.fedora.client_id"},
		"scopes in one":           {func(p *signin.Provider) { p.Scopes = []string{"a b"} }, "fedora", "oidc.fedora.scopes"},
		"refresh tokens":          {offline, "fedora", "keeps no refresh tokens"},
		"a name of something":     {func(*signin.Provider) {}, "mail", "the name"},
		"a name with a slash":     {func(*signin.Provider) {}, "a/b", "the name"},
		"a name with a capital":   {func(*signin.Provider) {}, "Fedora", "the name"},
		"a name that is too long": {func(*signin.Provider) {}, strings.Repeat("a", 33), "the name"},
	} {
		t.Run(name, func(t *testing.T) {
			p := right
			c.change(&p)
			err := signin.Settings{OIDC: map[string]signin.Provider{c.name: p}}.Check()
			if c.why == "" && err != nil || c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why)) {
				t.Errorf("got %v, want %q", err, c.why)
			}
		})
	}
	twice := signin.Settings{OIDC: map[string]signin.Provider{"a": right, "b": right}}
	if err := twice.Check(); err == nil || !strings.Contains(err.Error(), "oidc.b.issuer: is that of oidc.a too") {
		t.Errorf("one issuer twice: %v", err)
	}
}
