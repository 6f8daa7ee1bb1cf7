package web_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/web"
)

// commits puts n commits into the history, one every so often up to now, the oldest first.
func (s *testSite) commits(n int, every time.Duration) {
	s.t.Helper()
	s.pass(-time.Duration(n) * every)
	for i := range n {
		s.pass(every)
		s.publish(fmt.Sprintf("2026-commit-%03d", i), "org.example.prod.git.receive", map[string]any{
			"commit": map[string]any{
				"username": "bob", "repo": "bash", "branch": "main", "rev": fmt.Sprint("r", i), "agent": "bob",
				"summary": fmt.Sprintf("Change number %d", i), "stats": map[string]any{"files": map[string]any{}},
			},
		})
	}
}

var goOn = regexp.MustCompile(`name="do" value="(preview:[0-9-]+)"`)

// A preview gives the newest matches and leads on to older ones, each once.
func TestPreviewLeadsToOlderMatches(t *testing.T) {
	s := newSite(t, "")
	s.commits(25, time.Hour)
	alice := s.signUp("alice")
	form := []string{"r0.kind", "app", "r0.name", "git", "where", "all", "do"}
	seen := map[string]bool{}
	page := alice.post("/filters", append(form, "preview")...).
		want(t, 200, `<span class="count">25</span> messages`, "Searched 25 messages back to", "Older matches",
			`<svg viewBox="0 0 298 48"`, "Matches a day")
	for _, left := range []int{25, 15, 5} {
		if left < 25 {
			page.want(t, 200, fmt.Sprintf(`<span class="count">%d</span> older messages`, left), " from ", "Newest")
		}
		for _, id := range regexp.MustCompile(`/messages/2026-commit-\d+`).FindAllString(page.body, -1) {
			seen[id] = true
		}
		if next := goOn.FindStringSubmatch(page.body); next != nil {
			page = alice.post("/filters", append(form, next[1])...)
		} else if left != 5 {
			t.Fatalf("nothing leads on from %d:\n%s", left, page.body)
		}
	}
	if len(seen) != 25 {
		t.Errorf("%d of 25 matches were shown", len(seen))
	}
	alice.post("/filters", append(form, "preview:99999999999999999999-1x")...).
		want(t, 200, `<span class="count">25</span> messages`)
}

// The numbers of all days add up, and a day that was not searched is not said to have none.
func TestPreviewSaysHowFarItCame(t *testing.T) {
	s := newSite(t, "")
	s.commits(40, 3*time.Hour)
	var err error
	if s.pages, err = web.HandlerWithin(s.options(), 16); err != nil {
		t.Fatal(err)
	}
	alice := s.signUp("alice")
	form := []string{
		"r0.kind", "everything", "r1.kind", "package", "r1.not", "not", "r1.name", "zsh", "where", "all", "do",
	}
	page := alice.post("/filters", append(form, "preview")...).
		want(t, 200, `<span class="count">16</span> messages`, "Searched 16 messages back to", "one search looks at no more",
			"not searched", `class="unknown"`, "<td>?</td>")
	sum := 0
	for _, count := range regexp.MustCompile(`</th><td>(\d+)</td>`).FindAllStringSubmatch(page.body, -1) {
		n := 0
		if _, err := fmt.Sscan(count[1], &n); err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	if sum != 16 {
		t.Errorf("the days add up to %d", sum)
	}
	none := []string{"r0.kind", "regex", "r0.pattern", "no such words", "where", "all", "do"}
	page = alice.post("/filters", append(none, "preview")...).
		want(t, 200, `<span class="count">0</span> messages`, "Searched 16 messages back to", "Search further back")
	if strings.Contains(page.body, "<svg viewBox=\"0 0 2") {
		t.Error("bars for no matches")
	}
	for range 2 {
		page = alice.post("/filters", append(none, goOn.FindStringSubmatch(page.body)[1])...).want(t, 200, "older messages")
	}
	page.want(t, 200, "Searched 8 messages from", "all that are kept")
	alice.post("/filters", "do", "preview", "r0.kind", "user", "r0.name", "nobody-at-all", "where", "all").
		want(t, 200, "Searched 0 messages back to", "by their names, no others can match")
}

// What only the text or the data tells is found too, whichever rules stand beside it.
func TestPreviewOfTexts(t *testing.T) {
	s := newSite(t, "")
	s.commits(12, time.Hour)
	s.builds()
	alice := s.signUp("alice")
	alice.get("/filters/new").want(t, 200, "No rule yet")
	for _, c := range []struct {
		rules []string
		count int
	}{
		{[]string{"r0.kind", "regex", "r0.pattern", "change number 1[01]?$", "r0.in", "summary"}, 3},
		{[]string{"r0.kind", "regex", "r0.pattern", "bob (pushed|committed)", "r0.in", "summary"}, 12},
		{[]string{"r0.kind", "regex", "r0.pattern", "CHANGE number 1"}, 3},
		{[]string{"r0.kind", "regex", "r0.pattern", "change", "r1.kind", "package", "r1.name", "bash"}, 12},
		{[]string{"r0.kind", "field", "r0.path", "commit.rev", "r0.is", "r7"}, 1},
		{[]string{"r0.kind", "keyword", "r0.name", "commit"}, 12},
		{[]string{"r0.kind", "keyword", "r0.not", "not", "r0.name", "commit", "r1.kind", "package", "r1.name", "bash"}, 1},
		{[]string{
			"r0.kind", "package", "r0.name", "b?sh", "r1.kind", "regex", "r1.not", "not", "r1.pattern", "Change number",
		}, 1},
	} {
		page := alice.post("/filters", append(c.rules, "where", "all", "do", "preview")...)
		got := regexp.MustCompile(`class="count">(\d+)<`).FindStringSubmatch(page.body)
		if got == nil || got[1] != fmt.Sprint(c.count) {
			t.Errorf("%v: %v, want %d", c.rules, got, c.count)
		}
	}
	alice.post("/filters", "do", "preview", "r0.kind", "regex", "r0.pattern", "(", "where", "all").
		want(t, 200, "No preview yet")
}

// The page of a message names the one rule that kept a filter from matching, what decided it, and where to change it.
func TestNearMisses(t *testing.T) {
	s := newSite(t, "")
	s.builds()
	alice := s.signUp("alice")
	two := func(name string, app, pkg string) prefs.Filter {
		return s.filter("alice", prefs.Filter{On: true, Filter: rulespec.Filter{Name: name, Rules: []rulespec.Rule{
			{Kind: "app", Args: rulespec.Args{"name": {app}}}, {Kind: "package", Args: rulespec.Args{"name": {pkg}}}}}})
	}
	for _, f := range s.filters("alice") {
		if err := s.prefs.Filters.Delete(t.Context(), s.user("alice").ID, f.ID); err != nil {
			t.Fatal(err)
		}
	}
	alice.get("/messages/2026-build-1").want(t, 200, "You have no filter")
	near := two("Nearly", "buildsys", "fish")
	far := two("Far off", "wiki", "fish")
	page := alice.get("/messages/2026-build-1").want(t, 200, "1 filter fails by a single rule", "Failed by one rule",
		"A package is fish: this does not hold", "package bash", `href="`+filterPath(near)+`#rule-2"`,
		"Your other filters", "Far off").body
	if strings.Contains(page, filterPath(far)+"#rule") {
		t.Error("a filter that fails by two rules is called a near miss")
	}
	alice.get(filterPath(near)).want(t, 200, `id="rule-2"`)
	two("Hit", "buildsys", "bash")
	alice.get("/messages/2026-build-1").want(t, 200, "1 filter of yours would match it now", "Failed by one rule",
		`<span class="badge good">matches</span>`)
}
