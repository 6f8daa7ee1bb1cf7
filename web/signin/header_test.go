package signin_test

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/web/signin"
)

const proxySecret = "a secret of the proxy"

func proxied(t *testing.T, change func(*signin.HeaderSettings)) *signin.Ways {
	t.Helper()
	h := signin.HeaderSettings{User: "X-Forwarded-User", Name: "X-Account", Groups: "X-Groups", Time: "X-Auth-Time",
		SecretHeader: "X-Proxy-Secret", Secret: proxySecret, Title: "our gate"}
	change(&h)
	ways, err := signin.New(signin.Options{Settings: signin.Settings{Header: h}, Now: time.Now, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return ways
}

// TestTrustedHeader are requests that pretend to come from the proxy. The proxy is 192.0.2.1.
func TestTrustedHeader(t *testing.T) {
	right := func(r *http.Request) {
		r.RemoteAddr = "192.0.2.1:1234"
		r.Header = http.Header{"X-Forwarded-User": {"Alice"}, "X-Account": {"alice"}, "X-Groups": {"qa, /packager,,qa"},
			"X-Auth-Time": {"1772452800"}, "X-Proxy-Secret": {proxySecret}}
	}
	overUnix := func(r *http.Request) {
		right(r)
		r.RemoteAddr = "@"
		socket := &net.UnixAddr{Name: "/run/n.sock", Net: "unix"}
		*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, socket))
	}
	from := func(peer string) func(*http.Request) {
		return func(r *http.Request) { right(r); r.RemoteAddr = peer }
	}
	set := func(header string, values ...string) func(*http.Request) {
		return func(r *http.Request) { right(r); r.Header[header] = values }
	}
	add := func(header, value string) func(*http.Request) {
		return func(r *http.Request) { right(r); r.Header.Add(header, value) }
	}
	forwarded := func(r *http.Request) { from("198.51.100.7:1")(r); r.Header.Set("X-Forwarded-For", "192.0.2.1") }
	nothing := func(r *http.Request) { right(r); r.Header = http.Header{} }
	for name, c := range map[string]struct {
		change func(*http.Request)
		user   string
		bad    string
	}{
		"from the proxy":        {right, "alice", ""},
		"over a Unix socket":    {overUnix, "alice", ""},
		"from a stranger":       {from("198.51.100.7:1"), "", ""},
		"by the port directly":  {from("127.0.0.1:1"), "", ""},
		"X-Forwarded-For":       {forwarded, "", ""},
		"no header":             {set("X-Forwarded-User"), "", ""},
		"an empty header":       {set("X-Forwarded-User", " "), "", ""},
		"twice":                 {add("X-Forwarded-User", "bob"), "", "twice"},
		"twice, one empty":      {add("X-Forwarded-User", ""), "", "twice"},
		"with a comma":          {set("X-Forwarded-User", "alice, bob"), "", "no single name"},
		"with a control":        {set("X-Forwarded-User", "alice\x00"), "", "no single name"},
		"no UTF-8":              {set("X-Forwarded-User", "al\xffce"), "", "no single name"},
		"too long":              {set("X-Forwarded-User", strings.Repeat("a", 300)), "", "no single name"},
		"underscore twin":       {set("X_forwarded_user", "root"), "", "X_forwarded_user"},
		"half a twin":           {set("X-Forwarded_User", "root"), "", "X-Forwarded_User"},
		"twin of the groups":    {set("X_groups", "admins"), "", "X_groups"},
		"twin of the secret":    {set("X_proxy_secret", "x"), "", "X_proxy_secret"},
		"another underscore":    {set("X_other", "x"), "alice", ""},
		"no secret":             {set("X-Proxy-Secret"), "", "without the secret"},
		"a wrong secret":        {set("X-Proxy-Secret", "guess"), "", "without the secret"},
		"the secret twice":      {add("X-Proxy-Secret", "guess"), "", "without the secret"},
		"no secret and no name": {nothing, "", ""},
		"groups twice":          {add("X-Groups", "admins"), "", "twice"},
		"name twice":            {add("X-Account", "root"), "", "twice"},
		"time that is none":     {set("X-Auth-Time", "now"), "", "no number"},
		"time before all times": {set("X-Auth-Time", "-5"), "", "no number"},
	} {
		t.Run(name, func(t *testing.T) {
			ways := proxied(t, func(h *signin.HeaderSettings) {
				if name == "over a Unix socket" {
					h.Secret, h.SecretHeader = "", ""
				}
			})
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			c.change(r)
			id, ok, err := ways.Proxied(r, func(r *http.Request) bool { return strings.HasPrefix(r.RemoteAddr, "192.0.2.1:") })
			if c.bad != "" {
				if err == nil || !strings.Contains(err.Error(), c.bad) || ok {
					t.Errorf("%v, %v", ok, err)
				}
				return
			}
			if err != nil || ok != (c.user != "") || id.Subject != c.user {
				t.Fatalf("%+v, %v, %v", id, ok, err)
			}
			if ok && (id.Name != "alice" || !slices.Equal(id.Groups, []string{"packager", "qa"}) || !id.GroupsKnown ||
				id.AuthTime.Unix() != 1772452800 || id.Mail != "" || id.Issuer != "header:x-forwarded-user") {
				t.Errorf("%+v", id)
			}
		})
	}
}

// Alice and alice are one person.
func TestHeaderIsFolded(t *testing.T) {
	ways := proxied(t, func(h *signin.HeaderSettings) { h.Name, h.Groups, h.Time = "", "", "" })
	for _, user := range []string{"Alice", "alice", "ALICE"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header = http.Header{"X-Forwarded-User": {user}, "X-Proxy-Secret": {proxySecret}}
		id, ok, err := ways.Proxied(r, func(*http.Request) bool { return true })
		if err != nil || !ok || id.Subject != "alice" || id.Name != "alice" || id.GroupsKnown || !id.AuthTime.IsZero() {
			t.Errorf("%s: %+v, %v", user, id, err)
		}
	}
	var none *signin.Ways
	if none.HasHeader() || none.Buttons() != nil || none.Title("x") != "x" {
		t.Error("where nothing is configured there is something")
	}
}

// TestHeaderSettings: without an allow-list and a secret or socket nothing starts, and the error says what to set.
func TestHeaderSettings(t *testing.T) {
	right := signin.HeaderSettings{User: "X-Remote-User", SecretHeader: "X-Secret", Secret: proxySecret}
	const port = "127.0.0.1:8080"
	one := []string{"127.0.0.1/32"}
	same := func(*signin.HeaderSettings) {}
	noSecret := func(h *signin.HeaderSettings) { h.Secret, h.SecretHeader = "", "" }
	nobody := func(h *signin.HeaderSettings) { h.User = "" }
	low := func(h *signin.HeaderSettings) { h.User = "X_Remote_User" }
	alone := func(h *signin.HeaderSettings) { h.SecretHeader = "" }
	again := func(h *signin.HeaderSettings) { h.Groups = "x-remote-user" }
	script := func(h *signin.HeaderSettings) { h.SignInURL = "javascript:alert(1)" }
	for name, c := range map[string]struct {
		change  func(*signin.HeaderSettings)
		listen  string
		proxies []string
		why     string
	}{
		"right":               {same, port, one, ""},
		"none":                {func(h *signin.HeaderSettings) { *h = signin.HeaderSettings{} }, port, nil, ""},
		"a socket":            {noSecret, "unix:/run/n.sock", nil, ""},
		"no allow-list":       {same, port, nil, "set web.trusted_proxies"},
		"no secret":           {noSecret, port, one, "set secret_header and secret"},
		"a secret alone":      {alone, port, one, "trusted_header.secret"},
		"a short secret":      {func(h *signin.HeaderSettings) { h.Secret = "guess" }, port, one, "shorter than 16"},
		"a name with _":       {low, port, one, "trusted_header.user"},
		"one header twice":    {again, port, one, "that of user too"},
		"groups, but no user": {nobody, port, one, "user: is missing"},
		"an odd URL":          {script, port, one, "sign_in_url"},
	} {
		t.Run(name, func(t *testing.T) {
			h := right
			c.change(&h)
			err := signin.Settings{Header: h}.Check()
			if err == nil {
				err = h.CheckListen(c.listen, c.proxies)
			}
			if c.why == "" && err != nil || c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why)) {
				t.Errorf("got %v, want %q", err, c.why)
			}
		})
	}
}
