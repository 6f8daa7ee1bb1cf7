package httpjson_test

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/service"
	"github.com/jcmturner/gokrb5/v8/spnego"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/directorytest"
	"github.com/notifyd/notifyd/directory/fetch"
	"github.com/notifyd/notifyd/directory/httpjson"
	"github.com/notifyd/notifyd/directory/kerberos"
	"github.com/notifyd/notifyd/internal/exectest"
)

// A gate lets in who has a ticket, as mod_auth_gssapi does before FASJSON. A token that comes twice is refused.
type gate struct {
	*testing.T
	kdc   *exectest.KDC
	inner http.Handler
	login kerberos.Settings

	mu       sync.Mutex
	keys     *keytab.Keytab
	sessions int    // after how many requests a session ends; 0: there are none
	cookie   string // of something else, on each answer
	shut     bool   // nobody is let in
	asked, tokens, refused,
	used int // requests; those with a token that was good, that were refused; requests of the session
}

const (
	caller = "notifyd/host.example.org"
	door   = "HTTP/127.0.0.1"
)

func newGate(t *testing.T, inner http.Handler) *gate {
	g := &gate{T: t, kdc: exectest.NewKDC(t), inner: inner}
	g.kdc.Add(t, caller)
	g.kdc.Add(t, door)
	g.login = kerberos.Settings{Principal: caller + "@" + exectest.KDCRealm, Keytab: g.kdc.Keytab(t, caller),
		Config: g.kdc.Config}
	g.takeKeys()
	return g
}

// takeKeys makes the gate use the key that the KDC has now.
func (g *gate) takeKeys() {
	keys, err := keytab.Load(g.kdc.Keytab(g, door))
	if err != nil {
		g.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keys = keys
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.asked++
	session, err := r.Cookie("ipa_session")
	in := err == nil && g.used < g.sessions && session.Value == fmt.Sprint(g.tokens)
	if g.used++; in && r.Header.Get("Authorization") != "" {
		g.Error("a request has a session and a token")
	}
	keys, shut := g.keys, g.shut
	g.mu.Unlock()
	switch {
	case shut:
		g.refuse(w)
	case in:
		g.inner.ServeHTTP(w, r)
	default:
		note := &statusNote{ResponseWriter: w}
		spnego.SPNEGOKRB5Authenticate(http.HandlerFunc(g.letIn), keys, service.DecodePAC(false)).ServeHTTP(note, r)
		if note.status == http.StatusUnauthorized {
			g.mu.Lock()
			g.refused++
			g.mu.Unlock()
		}
	}
}

func (g *gate) refuse(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", "Negotiate")
	w.WriteHeader(http.StatusUnauthorized)
}

func (g *gate) letIn(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.tokens++
	g.used = 1
	if g.sessions > 0 {
		http.SetCookie(w, &http.Cookie{Name: "ipa_session", Value: fmt.Sprint(g.tokens), Secure: true})
	}
	if g.cookie != "" {
		http.SetCookie(w, &http.Cookie{Name: g.cookie, Value: "1"})
	}
	g.mu.Unlock()
	g.inner.ServeHTTP(w, r)
}

type statusNote struct {
	http.ResponseWriter
	status int
}

func (s *statusNote) WriteHeader(status int) { s.status = status; s.ResponseWriter.WriteHeader(status) }

// source opens a source of what is behind the gate, by TLS.
func (g *gate) source(path string) directory.Source {
	server := httptest.NewTLSServer(g)
	g.Cleanup(server.Close)
	ca := filepath.Join(g.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		g.Fatal(err)
	}
	set := settings("fasjson-users", server.URL+path)
	set.PageSize, set.Login, set.TLS.CAFile = 4, fetch.Login{Kerberos: g.login}, ca
	return open(g.T, set)
}

// read reads all 25 people, or says what is wrong.
func (g *gate) read(s directory.Source) string {
	f, err := s.Fetch(g.Context(), nil)
	if err != nil {
		return err.Error()
	}
	if len(f.People) != 25 {
		return fmt.Sprintf("%d people", len(f.People))
	}
	return ""
}

// counts says what has come to the gate since the last time.
func (g *gate) counts() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	said := fmt.Sprintf("%d requests, %d tokens, %d refused", g.asked, g.tokens, g.refused)
	g.asked, g.tokens, g.refused = 0, 0, 0
	return said
}

func TestUsersByKerberos(t *testing.T) {
	for _, test := range []struct {
		name, path, want string
		sessions         int
		cookie           string
	}{
		{"a token for each page", "/users/", "7 requests, 7 tokens, 0 refused", 0, ""},
		{"a redirect", "/users", "14 requests, 14 tokens, 0 refused", 0, ""},
		{"a session", "/users/", "7 requests, 1 tokens, 0 refused", 1000, ""},
		{"a session that ends in the middle", "/users/", "9 requests, 3 tokens, 2 refused", 3, ""},
		{"cookies that are no session", "/users/", "8 requests, 7 tokens, 1 refused", 0, "lang"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := newGate(t, newFAS(t, 25))
			g.sessions, g.cookie = test.sessions, test.cookie
			if problem := g.read(g.source(test.path)); problem != "" {
				t.Error(problem)
			}
			if got := g.counts(); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// TestKerberosLogsInAgain: the key of the server is replaced, so that our ticket is worth nothing.
func TestKerberosLogsInAgain(t *testing.T) {
	g := newGate(t, newFAS(t, 25))
	s := g.source("/users/")
	if problem := g.read(s); problem != "" {
		t.Fatal(problem)
	}
	g.counts()
	g.kdc.Admin(t, "cpw -randkey "+door)
	g.takeKeys()
	if problem := g.read(s); problem != "" {
		t.Error(problem)
	}
	if got, want := g.counts(), "8 requests, 7 tokens, 1 refused"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	g.shut = true
	if problem := g.read(s); !strings.Contains(problem, "does not take our Kerberos ticket") || g.asked != 2 {
		t.Errorf("after %d requests: %s", g.asked, problem)
	}
	g.shut = false
	g.kdc.Kill()
	if problem := g.read(s); problem != "" {
		t.Errorf("with a ticket and without a KDC: %s", problem)
	}
	g.counts()
	g.kdc.Admin(t, "cpw -randkey "+door)
	g.takeKeys()
	if problem := g.read(s); !strings.Contains(problem, "no KDC of EXAMPLE.ORG answers") || g.asked != 1 {
		t.Errorf("without a KDC, after %d requests: %s", g.asked, problem)
	}
	g.kdc.Serve(t)
	if problem := g.read(s); problem != "" {
		t.Error(problem)
	}
}

func TestKerberosKeepsThePromises(t *testing.T) {
	g := newGate(t, newFAS(t, 25))
	at := func(t *testing.T, url string) directory.Source {
		s := settings("fasjson-users", url)
		s.Login, s.MaxBytes = fetch.Login{Kerberos: g.login}, 1<<20
		return open(t, s)
	}
	away := filepath.Join(t.TempDir(), "krb5.conf")
	if err := os.WriteFile(away, fmt.Appendf(nil, "[libdefaults]\n[realms]\n %s = {\n  kdc = 127.0.0.1:%d\n }\n",
		exectest.KDCRealm, exectest.FreePort(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	directorytest.Run(t, directorytest.Kit{
		Good: func(*testing.T) directory.Source { return g.source("/users/") },
		At:   func(t *testing.T, address string) directory.Source { return at(t, "http://"+address) },
		Bad: map[string]func(*testing.T) directory.Source{
			"without a KDC": func(t *testing.T) directory.Source {
				s := settings("fasjson-users", text(t, owners))
				s.Login.Kerberos = g.login
				s.Login.Kerberos.Config = away
				return open(t, s)
			},
			"to another": func(t *testing.T) directory.Source {
				return at(t, serve(t, http.RedirectHandler(text(t, owners), http.StatusFound).ServeHTTP))
			},
		},
	})
}

func TestKerberosSettings(t *testing.T) {
	g := newGate(t, nil)
	for _, test := range []struct {
		change func(*httpjson.Settings)
		want   string
	}{
		{func(s *httpjson.Settings) { s.URL = "http://example.org/x" }, "url: https was expected"},
		{func(s *httpjson.Settings) { s.Login.Token = "t" }, "login.kerberos: "},
		{func(s *httpjson.Settings) { s.Login.User, s.Login.Password = "u", "p" }, "login.kerberos: "},
		{func(s *httpjson.Settings) { s.Login.Kerberos.Keytab = "" }, "login.kerberos.keytab: "},
		{func(s *httpjson.Settings) { s.Login.Kerberos = kerberos.Settings{Service: "HTTP"} }, "login.kerberos.principal: "},
	} {
		s := settings("fasjson-users", "https://example.org/x")
		s.Login.Kerberos = g.login
		test.change(&s)
		if _, err := httpjson.New(s); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%v, want %s", err, test.want)
		}
	}
}
