package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/internal/exectest"
)

// TestProxyOverASocket runs the program behind a proxy that speaks to it over a Unix socket and says who is there.
func TestProxyOverASocket(t *testing.T) {
	folder, metricsPort := t.TempDir(), exectest.FreePort(t)
	socket := filepath.Join(folder, "n.sock")
	write := func(listen, header string) string { // there is a mail server, and people sign in by the proxy alone
		return writeFile(t, folder, "notifyd.yaml", "database: {dsn: "+filepath.Join(folder, "notifyd.db")+"}",
			"web: {listen: '"+listen+"', base_url: 'http://notify.test'}",
			fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", metricsPort),
			"backends: {email: {host: 127.0.0.1, port: 9, tls: none, from: notifyd@example.org}}",
			"accounts: {mail: false, trusted_header: {"+header+"}}")
	}
	// Without an allow-list and a secret, or a socket, nothing starts, and the program says what to set.
	for _, command := range [][]string{{"config", "check"}, {"serve"}} {
		config := write("127.0.0.1:0", "user: X-Remote-User")
		out, err := exec.Command(buildNotifyd(t), append([]string{"--config", config}, command...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "set web.trusted_proxies") {
			t.Errorf("%v: %v\n%s", command, err, out)
		}
	}
	daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config",
		write("unix:"+socket, "user: X-Remote-User, groups: X-Groups"), "serve"))
	waitReady(t, daemon, metricsPort)
	b := newBrowser(t, "http://notify.test")
	proxy := &asProxy{next: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	b.client.Transport = proxy
	page := b.get(t, "/")
	if !strings.Contains(page, "<h2 id=\"signin\">Sign in</h2>") || strings.Contains(page, "Send me a link") {
		t.Errorf("nobody is named:\n%s", page)
	}
	refused, err := b.client.PostForm(b.base+"/signin", url.Values{"address": {"alice@example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	defer refused.Body.Close()
	text, err := io.ReadAll(refused.Body)
	if err != nil || refused.StatusCode != http.StatusForbidden ||
		!strings.Contains(string(text), "No links to sign in are mailed here") {
		t.Errorf("asked for a link: %v, %s\n%s", err, refused.Status, text)
	}
	proxy.user = "Alice"
	if page := b.get(t, "/filters"); b.at != "/filters" || !strings.Contains(page, "alice") {
		t.Errorf("at %s:\n%s", b.at, page)
	}
	proxy.user = "bob"
	if page := b.get(t, "/filters"); strings.Contains(page, "alice") || !strings.Contains(page, "bob") {
		t.Errorf("another is named:\n%s", page)
	}
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

// asProxy sets the headers that a proxy sets.
type asProxy struct {
	next http.RoundTripper
	user string
}

// RoundTrip implements http.RoundTripper.
func (p *asProxy) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Forwarded-For", "192.0.2.7")
	if p.user != "" {
		r.Header.Set("X-Remote-User", p.user)
		r.Header.Set("X-Groups", "packager")
	}
	return p.next.RoundTrip(r)
}
