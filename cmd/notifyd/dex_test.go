package main

import (
	"fmt"
	"html"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestSignInAtDex runs the program with a real provider that is not there yet when it starts. Somebody signs in there,
// on both databases: the name is proved, the group is a role and in the directory, and the provider ends the session.
func TestSignInAtDex(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { signInAtDex(t, filepath.Join(t.TempDir(), "notifyd.db")) })
	t.Run("postgres", func(t *testing.T) { signInAtDex(t, migratest.Postgres(t)) })
}

func signInAtDex(t *testing.T, dsn string) {
	dex := exectest.NewDex(t)
	webPort, metricsPort := exectest.FreePort(t), exectest.FreePort(t)
	pages := fmt.Sprintf("http://127.0.0.1:%d", webPort)
	dex.Client = exectest.DexClient{Redirect: pages + "/signin/with/dex/callback", Ended: pages + "/signin/with/dex/ended",
		Home: pages + "/"}
	folder := t.TempDir()
	writeFile(t, folder, "dex.secret", exectest.DexClientSecret)
	config := writeFile(t, folder, "notifyd.yaml",
		fmt.Sprintf("database: {dsn: %q}", dsn),
		fmt.Sprintf("web: {listen: '127.0.0.1:%d', base_url: %q}", webPort, pages),
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", metricsPort),
		"accounts:",
		"  admins: {groups: [operators]}",
		"  oidc:",
		"    dex:",
		"      title: our Dex",
		"      issuer: "+dex.Issuer,
		"      client_id: "+exectest.DexClientID,
		"      client_secret_file: "+filepath.Join(folder, "dex.secret"),
		"      scopes: [profile, email, groups]",
	)
	if out, err := exec.Command(buildNotifyd(t), "--config", config, "config", "check").CombinedOutput(); err != nil {
		t.Fatalf("config check: %v: %s", err, out)
	}
	daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
	waitReady(t, daemon, metricsPort)
	b := newBrowser(t, pages)
	exectest.Eventually(t, 10*time.Second, "the page says that Dex is down", func() bool {
		return strings.Contains(b.get(t, "/"), "our Dex could not be reached just now")
	})
	dex.Serve(t, exectest.DexUser{Name: "alice", ID: "1001", Groups: []string{"operators", "packager"}})
	exectest.Eventually(t, 30*time.Second, "the page finds Dex", func() bool {
		return !strings.Contains(b.get(t, "/"), "could not be reached")
	})

	page := b.atDex(t, "alice")
	if b.at != "/" || !strings.Contains(page, "alice") {
		t.Fatalf("at %s:\n%s", b.at, page)
	}
	if page := b.get(t, "/operators"); !strings.Contains(page, "alice") { // only admins and helpers see it
		t.Errorf("the page of operators:\n%s", page)
	}
	known, numbers := regexp.MustCompile(`(?m)^notifyd_directory_entries\{.*signed-in.*\} 2$`),
		newBrowser(t, fmt.Sprintf("http://127.0.0.1:%d", metricsPort))
	exectest.Eventually(t, 20*time.Second, "both groups are in the directory", func() bool {
		return known.MatchString(numbers.get(t, "/metrics"))
	})
	if log := daemon.Text(); strings.Contains(log, "cannot be used") || strings.Contains(log, "nobody can sign in") {
		t.Errorf("the log says:\n%s", log)
	}

	logout, err := b.client.Get(dex.Issuer + "/logout?client_id=" + exectest.DexClientID)
	text := b.read(t)(logout, err)
	again := b.read(t)(b.client.PostForm(logout.Request.URL.String(), formOf(text)))
	exectest.Eventually(t, 10*time.Second, "the session here is over", func() bool {
		return strings.Contains(b.get(t, "/"), "Sign in with our Dex")
	})
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d after SIGTERM; Dex said %s", status, again)
	}
}

// atDex goes from the first page to Dex, types a name and the password there, and comes back.
func (b *browser) atDex(t *testing.T, name string) string {
	t.Helper()
	away := b.post(t, "/signin/with/dex")
	link := regexp.MustCompile(`href="([^"]+/auth\?[^"]+)"`).FindStringSubmatch(away)
	if link == nil {
		t.Fatalf("no link to Dex:\n%s", away)
	}
	answer, err := b.client.Get(html.UnescapeString(link[1]))
	page := b.read(t)(answer, err)
	form := formOf(page)
	form.Set("login", name+"@example.test")
	form.Set("password", exectest.DexPassword)
	return b.read(t)(b.client.PostForm(answer.Request.URL.String(), form))
}

// formOf gives the hidden fields of a page's form.
func formOf(page string) url.Values {
	form := url.Values{}
	for _, field := range regexp.MustCompile(`<input[^>]*type="hidden"[^>]*>`).FindAllString(page, -1) {
		name := regexp.MustCompile(`name="([^"]*)"`).FindStringSubmatch(field)
		value := regexp.MustCompile(`value="([^"]*)"`).FindStringSubmatch(field)
		if name != nil && value != nil {
			form.Set(name[1], html.UnescapeString(value[1]))
		}
	}
	return form
}
