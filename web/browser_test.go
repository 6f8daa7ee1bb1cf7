package web_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// chromium is the one browser of this test process, started by the first test that needs it and stopped by TestMain.
var chromium struct {
	once sync.Once
	tab  context.Context // of the tab that it starts with
	stop func()
	err  error
}

// startChromium starts the browser. It finds notify.test on this machine: see TestBrowserOnPlainHTTP.
func startChromium(path string) {
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-gpu", true),
		chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("host-resolver-rules", "MAP notify.test 127.0.0.1"))...)
	tab, _ := chromedp.NewContext(allocator)
	chromium.tab, chromium.err = tab, chromedp.Do(tab)
	chromium.stop = func() {
		if err := chromedp.Cancel(tab); err != nil {
			fmt.Fprintln(os.Stderr, "stop chromium:", err)
		}
		stop()
	}
}

// browser gives a tab of a real chromium, with cookies and a cache of its own.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("NOTIFYD_REQUIRE") == "1" {
			t.Fatal("needs chromium")
		}
		t.Skip("needs chromium")
	}
	if chromium.once.Do(func() { startChromium(path) }); chromium.err != nil {
		t.Fatalf("start chromium: %v", chromium.err)
	}
	tab, done := chromedp.NewContext(chromium.tab, chromedp.WithNewBrowserContext())
	t.Cleanup(done)
	// not with do: the tab ends with the context of its first step
	if err := chromedp.Do(tab, chromedp.EmulateViewport(1280, 900)); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	return tab
}

// do runs steps in the tab and fails the test when they take too long.
func do(t *testing.T, tab context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// shows waits until the page has the text. It asks from outside: a page without script cannot wait by itself.
func shows(t *testing.T, tab context.Context, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for last := ""; ; {
		body, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
		if err == nil && strings.Contains(body, text) {
			return
		}
		if err == nil {
			last = body
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the page never shows %q (%v); it shows:\n%s", text, err, last)
		}
	}
}

// signInWith goes from the first page through the mailed link to the overview, as a new person does.
func signInWith(t *testing.T, s *testSite, tab context.Context, name string) {
	t.Helper()
	do(t, tab, chromedp.Navigate(s.base+"/"), chromedp.SendKeys(chromedp.CSS("#address"), name+"@example.org"),
		chromedp.Click(chromedp.CSS("#address + * ~ button, form button")))
	shows(t, tab, "Look into your mailbox")
	do(t, tab, chromedp.Navigate(s.mail("email", name+"@example.org").Link), chromedp.Click(chromedp.CSS("main button")))
	shows(t, tab, "Account name")
	do(t, tab, chromedp.Click(chromedp.CSS("main button")))
	shows(t, tab, "You start with these")
}

func (s *testSite) builds() {
	s.publish("2026-build-1", "org.example.prod.buildsys.build.state.change", map[string]any{
		"name": "bash", "version": "5.3", "release": "1", "owner": "bob", "old": 0, "new": 3, "build_id": 1,
		"instance": "primary"})
	s.publish("2026-build-2", "org.example.prod.buildsys.build.state.change", map[string]any{
		"name": "zsh", "version": "5.9", "release": "2", "owner": "carol", "old": 0, "new": 1, "build_id": 2,
		"instance": "primary"})
}

func TestBrowserWithScript(t *testing.T) {
	tab := browser(t)
	s := newSite(t, "/notify")
	s.builds()
	signInWith(t, s, tab, "alice")

	// A filter: pick a kind of rule, type a package, and see what it would have matched, without a reload.
	do(t, tab, chromedp.Navigate(s.base+"/filters/new"), chromedp.SetValue(chromedp.CSS("#add"), "package"),
		chromedp.Click(chromedp.CSS(`button[value="add"]`)), chromedp.WaitVisible(chromedp.CSS(`[id="r0.name"]`)),
		chromedp.SendKeys(chromedp.CSS(`[id="r0.name"]`), "bash"))
	shows(t, tab, "1 message would have matched")
	do(t, tab, chromedp.SendKeys(chromedp.CSS("#name"), "My shell"), chromedp.Click(chromedp.CSS(`button[value="save"]`)))
	shows(t, tab, "Saved My shell.")

	// The switch answers with one card; the page stays.
	mark := chromedp.Evaluate[bool](`window.mark = true`)
	if _, err := chromedp.Run(tab, mark); err != nil {
		t.Fatal(err)
	}
	do(t, tab, chromedp.Click(chromedp.CSS(`button[aria-label="Switch off My shell"]`)),
		chromedp.WaitVisible(chromedp.CSS(`button[aria-label="Switch on My shell"]`)))
	if kept, err := chromedp.Run(tab, chromedp.Evaluate[bool](`window.mark === true`)); err != nil || !kept {
		t.Errorf("switching reloaded the page (%v)", err)
	}
	for _, f := range s.filters("alice") {
		if f.Name == "My shell" && f.On {
			t.Error("the filter is still on")
		}
	}
}

// TestBrowserGoesFurtherBack presses the button below the preview, with script and without, and keeps what was typed.
func TestBrowserGoesFurtherBack(t *testing.T) {
	tab := browser(t)
	s := newSite(t, "/notify")
	s.commits(23, time.Hour)
	signInWith(t, s, tab, "alice")
	for _, script := range []bool{true, false} {
		if _, err := chromedp.Call(tab, emulation.SetScriptExecutionDisabled,
			emulation.SetScriptExecutionDisabledParams{Value: !script}); err != nil {
			t.Fatal(err)
		}
		do(t, tab, chromedp.EmulateViewport(390, 844), chromedp.Navigate(s.base+"/filters/new"),
			chromedp.SetValue(chromedp.CSS("#add"), "app"),
			chromedp.Click(chromedp.CSS(`button[value="add"]`)), chromedp.WaitVisible(chromedp.CSS(`[id="r0.name"]`)),
			chromedp.SendKeys(chromedp.CSS(`[id="r0.name"]`), "git"),
			chromedp.Click(chromedp.CSS(`.actions button[value="preview"]`)))
		shows(t, tab, "23 messages would have matched")
		do(t, tab, chromedp.Click(chromedp.CSS(`#preview button[value^="preview:"]`)))
		shows(t, tab, "13 older messages would have matched")
		do(t, tab, chromedp.Click(chromedp.CSS(`#preview button[value^="preview:"]`)))
		shows(t, tab, "\n3 older messages would have matched") // not "13 older"
		wide, err := chromedp.Run(tab,
			chromedp.Evaluate[bool](`document.documentElement.scrollWidth > 390 || document.querySelector('[id="r0.name"]').value != "git"`))
		if err != nil || wide {
			t.Errorf("script %v: the page is wider than the phone, or has lost what was typed (%v)", script, err)
		}
		do(t, tab, chromedp.Click(chromedp.CSS(`#preview button[value="preview"]`)))
		shows(t, tab, "23 messages would have matched")
	}
}

// TestBrowserNearMiss goes from a message that did not come to the rule that kept it away.
func TestBrowserNearMiss(t *testing.T) {
	tab := browser(t)
	s := newSite(t, "/notify")
	s.builds()
	signInWith(t, s, tab, "alice")
	s.filter("alice", prefs.Filter{On: true, Filter: rulespec.Filter{Name: "Nearly", Rules: []rulespec.Rule{
		{Kind: "app", Args: rulespec.Args{"name": {"buildsys"}}}, {Kind: "package", Args: rulespec.Args{"name": {"fish"}}}}}})
	do(t, tab, chromedp.Navigate(s.base+"/messages/2026-build-1"))
	shows(t, tab, "Failed by one rule")
	shows(t, tab, "A package is fish: this does not hold (package bash).")
	do(t, tab, chromedp.Click(chromedp.CSS(`a[href$="#rule-2"]`)),
		chromedp.WaitVisible(chromedp.CSS(`#rule-2:target [id="r1.name"]`)))
	shows(t, tab, "Searched 0 messages back to")
}

func TestBrowserWithoutScript(t *testing.T) {
	tab := browser(t)
	if _, err := chromedp.Call(tab, emulation.SetScriptExecutionDisabled,
		emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, "")
	s.builds()
	signInWith(t, s, tab, "alice")
	do(t, tab, chromedp.Navigate(s.base+"/filters/new"), chromedp.SendKeys(chromedp.CSS("#add"), "Package"),
		chromedp.Click(chromedp.CSS(`button[value="add"]`)), chromedp.WaitVisible(chromedp.CSS(`[id="r0.name"]`)),
		chromedp.SendKeys(chromedp.CSS(`[id="r0.name"]`), "bash"),
		chromedp.Click(chromedp.CSS(`.actions button[value="preview"]`)))
	shows(t, tab, "1 message would have matched")
	do(t, tab, chromedp.SendKeys(chromedp.CSS("#name"), "My shell"), chromedp.Click(chromedp.CSS(`button[value="save"]`)))
	shows(t, tab, "Saved My shell.")
	do(t, tab, chromedp.Click(chromedp.CSS(`button[aria-label="Switch off My shell"]`)),
		chromedp.WaitVisible(chromedp.CSS(`button[aria-label="Switch on My shell"]`)))
}

// A browser tells a site that is neither https nor on this machine nothing of where a form came from but its Origin.
func TestBrowserOnPlainHTTP(t *testing.T) {
	tab := browser(t)
	s := newSite(t, "")
	do(t, tab, chromedp.Navigate(strings.Replace(s.base, "127.0.0.1", "notify.test", 1)+"/"),
		chromedp.SendKeys(chromedp.CSS("#address"), "alice@example.org"), chromedp.Click(chromedp.CSS("form button")))
	shows(t, tab, "Look into your mailbox")
}

// What goes wrong with an answer that comes without a reload is said on the page, and nothing on it is lost: here the
// session was ended in another window.
func TestBrowserShowsErrorsOfParts(t *testing.T) {
	tab := browser(t)
	s := newSite(t, "/notify")
	signInWith(t, s, tab, "alice")
	end := func() {
		t.Helper()
		if err := s.db.Writer.Exec("UPDATE sessions SET expires_at = -expires_at").Error; err != nil {
			t.Fatal(err)
		}
	}
	do(t, tab, chromedp.Navigate(s.base+"/filters"))
	end()
	do(t, tab, chromedp.Click(chromedp.CSS(`button[aria-label="Switch off About me"]`)))
	shows(t, tab, "You are not signed in, or your session has ended.")
	end() // and is back

	do(t, tab, chromedp.Navigate(s.base+"/filters/new"), chromedp.SendKeys(chromedp.CSS("#name"), "Precious"))
	end()
	do(t, tab, chromedp.Click(chromedp.CSS(`button[value="add"]`)))
	shows(t, tab, "That is not allowed.")
	do(t, tab, chromedp.Click(chromedp.CSS(`.actions button[value="preview"]`)),
		chromedp.WaitVisible(chromedp.CSS("#preview .note.bad")))
	kept, err := chromedp.Run(tab,
		chromedp.Evaluate[bool](`document.querySelector("#name").value === "Precious" && document.querySelectorAll("h1").length === 1`))
	if err != nil || !kept {
		t.Errorf("what was typed is gone (%v)", err)
	}
}
