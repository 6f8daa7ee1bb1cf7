package web_test

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// packageFilter is a filter on one package.
func packageFilter(name, pkg string) prefs.Filter {
	return prefs.Filter{On: true, Filter: rulespec.Filter{Name: name, Rules: []rulespec.Rule{
		{Kind: "package", Args: rulespec.Args{"name": {pkg}}}}}}
}

func (s *testSite) filter(user string, f prefs.Filter) prefs.Filter {
	s.t.Helper()
	saved, err := s.prefs.Filters.Save(s.t.Context(), s.user(user).ID, f)
	if err != nil {
		s.t.Fatal(err)
	}
	return saved
}

func TestEditorWithoutScript(t *testing.T) {
	s := newSite(t, "")
	s.builds()
	alice := s.signUp("alice")
	alice.get("/filters/new").want(t, 200, "No rule yet", "Add at least one rule")
	alice.post("/filters", "do", "add", "add", "package").want(t, 200, `name="r0.kind" value="package"`, `name="r0.name"`)
	two := []string{"r0.kind", "package", "r0.name", "bash", "r0.name", "zsh", "r1.kind", "actor", "r1.not", "not",
		"r1.name", "@me", "where", "all", "on", "yes"}
	alice.post("/filters", append(two, "do", "more:r0.name")...).want(t, 200, `value="bash"`, `value="zsh"`,
		`aria-label="Package, value 3"`)
	if page := alice.post("/filters", append(two, "do", "drop:0")...).want(t, 200).body; strings.Contains(page,
		`value="bash"`) || !strings.Contains(page, `name="r0.kind" value="actor"`) {
		t.Error("the dropped rule is still there, or the other is gone")
	}
	alice.post("/filters", append(two, "do", "preview")...).want(t, 200, `<span class="count">2</span> messages`,
		"Searched 2 messages back to", "holds")
	alice.post("/filters", append(two, "do", "save", "name", "Shells")...).to(t, "/filters")
	alice.get("/filters").want(t, 200, "Saved Shells.",
		"When a package is bash or zsh and you are not the one who did it.")
}

func TestEditorAsText(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	f := s.filter("alice", packageFilter("Shells", "bash"))
	page := filterPath(f)
	alice.post(page, "do", "text", "name", "Shells", "r0.kind", "package", "r0.name", "zsh", "where", "all", "on", "yes").
		want(t, 200, "<textarea", "name: Shells", "- package: zsh")
	text := "filters:\n  - name: Shells\n    once: true\n    to: email:alice@example.org\n    rules:\n      - package: fish\n"
	alice.post(page, "do", "guided", "mode", "text", "text", text).want(t, 200, `name="r0.name" value="fish"`)
	alice.post(page, "do", "save", "mode", "text", "text", text).to(t, "/filters")
	stored := s.filters("alice")
	last := stored[len(stored)-1]
	if last.ID != f.ID || !last.OneShot || len(last.Destinations) != 1 || last.Rules[0].Args["name"][0] != "fish" {
		t.Errorf("stored %+v", last)
	}
	for _, wrong := range []struct{ text, says string }{
		{"filters:\n  - name: Shells\n    rules:\n      - pakage: fish\n", "Line 4"},
		{"filters: [", "Line 1"},
		{"filters: []", "exactly one filter"},
		{"filters:\n  - name: A\n    to: irc:nobody\n    rules: [package: a]\n", "no destination irc:nobody"},
	} {
		alice.post(page, "do", "save", "mode", "text", "text", wrong.text).want(t, 422, wrong.says, `id="text-problem"`)
	}
}

func TestFiltersThatAreRefused(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	before := len(s.filters("alice"))
	for _, c := range []struct {
		name  string
		form  []string
		texts []string
	}{
		{"no rules", nil, []string{"Add at least one rule"}},
		{"only what is not wanted", []string{"r0.kind", "package", "r0.not", "not", "r0.name", "bash"},
			[]string{"would match everything else on the bus"}},
		{"no value", []string{"r0.kind", "package"}, []string{"A value is missing."}},
		{"bad expression", []string{"r0.kind", "regex", "r0.pattern", "a("},
			[]string{`class="problem"`, "Nothing was saved"}},
		{"unknown kind", []string{"r0.kind", "nonsense", "r1.kind", "package", "r1.name", "a"},
			[]string{"no such kind of rule"}},
		{"no destination", []string{"r0.kind", "package", "r0.name", "bash", "where", "some"},
			[]string{"Choose at least one destination"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			alice.post("/filters", append(c.form, "do", "save", "name", "Mine")...).want(t, http.StatusUnprocessableEntity,
				c.texts...)
		})
	}
	if after := len(s.filters("alice")); after != before {
		t.Errorf("%d filters were saved", after-before)
	}
}

func TestFilterLife(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	f := s.filter("alice", packageFilter("Shells", "bash"))
	on := func() bool {
		for _, g := range s.filters("alice") {
			if g.ID == f.ID {
				return g.On
			}
		}
		return false
	}
	before := s.changes()
	alice.post(filterPath(f)+"/off").to(t, "/filters")
	if on() {
		t.Error("the filter is still on")
	}
	alice.post(filterPath(f)+"/on", "from", "overview").to(t, "/")
	if !on() {
		t.Error("the filter is still off")
	}
	if s.changes() != before+2 {
		t.Errorf("the router was told %d times, want 2", s.changes()-before)
	}
	alice.header.Set("HX-Request", "true")
	if card := alice.post(filterPath(f)+"/off").want(t, 200, "Switch on").body; strings.Contains(card, "<html") {
		t.Error("the script gets a whole page where it wants a card")
	}
	alice.header.Del("HX-Request")

	alice.get(filterPath(f)+"/delete").want(t, 200, "Delete Shells?", "You can undo it")
	alice.post(filterPath(f)+"/delete").to(t, "/filters")
	alice.get("/filters").want(t, 200, "Deleted Shells.", `action="/filters/undo"`)
	alice.post("/filters/undo").to(t, "/filters")
	alice.get("/filters").want(t, 200, "Shells is back.")
	alice.post("/filters/undo").want(t, http.StatusGone)

	again := s.filters("alice")
	f = again[len(again)-1]
	count := len(again)
	alice.post(filterPath(f)+"/copy").want(t, http.StatusSeeOther)
	again = s.filters("alice")
	if len(again) != count+1 || again[count].On || again[count].Rules[0].Kind != "package" {
		t.Errorf("the copy is %+v", again[len(again)-1])
	}
}

func TestBrokenFilterIsMarked(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	f := s.filter("alice", packageFilter("Shells", "bash"))
	if err := s.db.Writer.Exec(`UPDATE filters SET rules = '[{"kind":"gone","args":{"name":["x"]}}]' WHERE id = ?`,
		f.ID).Error; err != nil {
		t.Fatal(err)
	}
	alice.get("/").want(t, 200, "Broken", "This filter matches nothing as it stands")
	alice.get(filterPath(f)).want(t, 200)
	alice.post(filterPath(f)+"/off").to(t, "/filters")
}

// A rule that asks a directory which is not there cannot be decided; its owner is told so.
func TestFilterWithoutDirectoryIsMarked(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	f := s.filter("alice", prefs.Filter{On: true, Filter: rulespec.Filter{Name: "Group", Rules: []rulespec.Rule{
		{Kind: "group", Args: rulespec.Args{"name": {"packagers"}}}}}})
	alice.get("/filters").want(t, 200, "matches nothing as it stands", "directory")
	alice.get(filterPath(f)).want(t, 200, "As it stands this matches nothing")
}

func TestKindsArePickedFromAList(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	kind := s.meaning.Kinds()[0].Kind
	alice.post("/filters", "do", "preview", "r0.kind", "kind", "r0.name", kind).
		want(t, 200, `<input type="checkbox" name="r0.name" value="`+kind+`" checked>`)
	alice.post("/filters", "do", "save", "name", "x", "r0.kind", "kind", "r0.name", kind, "r0.name", kind, "r0.name",
		"").to(t, "/filters")
	list := s.filters("alice")
	if got := list[len(list)-1].Rules[0].Args["name"]; len(got) != 1 || got[0] != kind {
		t.Errorf("stored %v", got)
	}
}

func TestDeadSetUpsAreNamed(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	d := s.destinations("alice")[0]
	f := packageFilter("Shells", "bash")
	f.Destinations = []uint{d.ID}
	s.filter("alice", f)
	alice.post(destinationPath(d)+"/pause").to(t, destinationPath(d))
	alice.get("/").want(t, 200, "Nothing can reach you: all your destinations are off",
		"every destination it goes to is off")
	s.otherWayIn("alice")
	alice.post(destinationPath(d)+"/delete").to(t, "/destinations")
	alice.get("/").want(t, 200, "Nothing can reach you: you have no destination.")
}

// What the page of a message says and what the preview says come from the engine that delivers.
func TestMessagePage(t *testing.T) {
	s := newSite(t, "")
	s.builds()
	alice := s.signUp("alice")
	f := s.filter("alice", packageFilter("Shells", "bash"))
	alice.get("/messages/2026-build-1").want(t, 200, "would match it now, yet nothing was sent", "holds",
		"The message as it came", "&#34;bash&#34;")
	alice.get("/messages/2026-build-2").want(t, 200, "Why it did not reach you", "fails")
	alice.get("/filters/new?message=2026-build-1").want(t, 200, `name="r0.kind" value="kind"`,
		`name="r1.name" value="bash"`)
	s.store("org.example.prod.coffee.ready", []byte(`{"timestamp":1500000000000,"msg_id":"odd","msg":{"agent":"bob"}}`))
	alice.get("/messages/odd").want(t, 200, "Mended", "topic was missing; &#34;org.example.prod.coffee.ready&#34; was taken",
		"timestamp 1500000000000 was taken for milliseconds", "2017-07-14")
	s.storeFrame(bus.Frame{Source: "test", Topic: "org.example.prod.coffee.ready", Late: true, Payload: []byte(
		`{"topic":"org.example.prod.coffee.ready","timestamp":1500000000,"msg_id":"late","msg":{}}`)}, bus.Standing{})
	alice.get("/messages/late").want(t, 200, "<dt>Came</dt><dd>late: it had been missed, and was asked for again</dd>")
	if strings.Contains(alice.get("/messages/odd").body, "<dt>Came</dt>") {
		t.Error("a message is called late that came in time")
	}
	s.publish("2026-half", "org.example.prod.wiki.article.edit", map[string]any{"user": "bob"})
	alice.get("/messages/2026-half").want(t, 200, "<dt>Sort of thing</dt>", "<dt>Left out</dt>",
		"the message has nothing for it: <code>")
	if strings.Contains(alice.get("/messages/odd").body, "<dt>Left out</dt>") {
		t.Error("something is said to be left out where no entry wants it")
	}
	alice.get("/messages/nothing").want(t, 404, "no such message")
	alice.get("/messages?package=zsh").want(t, 200, "2026-build-2")
	if page := alice.get("/messages?package=zsh").body; strings.Contains(page, "2026-build-1") {
		t.Error("the search shows what does not fit")
	}
	s.deliver("alice", f, "2026-build-1")
	alice.get("/messages/2026-build-1").want(t, 200, "Why it reached you", "waiting")
	alice.get("/notices").want(t, 200, "waiting", "when a package is bash", filterPath(f))
	alice.get("/").want(t, 200, "waiting")
}

// Pages speak of kinds of message by the names that the catalogue has for people; only the editor has those of rules.
func TestSentencesNameKindsForPeople(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	alice.post("/filters", "do", "save", "name", "Trouble", "where", "all", "on", "yes",
		"r0.kind", "kind", "r0.name", "buildsys.build.failed", "r0.name", "buildsys.build.cancelled").to(t, "/filters")
	filters := s.filters("alice")
	id := filters[len(filters)-1].ID
	s.builds()
	words := html.EscapeString(`he kind of message is "Builds failed" or "Builds cancelled"`)
	stop := strings.TrimPrefix(s.links.Unsubscribe(id, s.destinations("alice")[0].ID), s.base)
	for _, page := range []string{"/", "/filters", fmt.Sprintf("/filters/%d", id), fmt.Sprintf("/filters/%d/delete", id),
		stop, "/messages/2026-build-1"} {
		alice.get(page).want(t, 200, words)
	}
	alice.get("/messages").want(t, 200, "<span>Builds completed</span>")
	if body := alice.get(fmt.Sprintf("/filters/%d", id)).body; strings.Index(body, "<summary>Koji") > strings.Index(body,
		"<summary>Anitya") {
		t.Error("what is chosen stands below what is not")
	}
}

// What can be imported can be edited: a filter that names thousands of packages is a form of more than 64 KiB.
func TestEditorTakesLargeFilters(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	f := packageFilter("Mine", "tea")
	for i := range 4 {
		var names []string
		for j := range rulespec.MaxValues {
			names = append(names, fmt.Sprintf("perl-some-module-of-a-long-name-%d-%d", i, j))
		}
		f.Rules = append(f.Rules, rulespec.Rule{Kind: "package", Args: rulespec.Args{"name": names}})
	}
	page := fmt.Sprintf("/filters/%d", s.filter("alice", f).ID)
	form := []string{"do", "save", "name", "Mine too", "where", "all", "on", "yes"}
	for i, r := range f.Rules {
		form = append(form, fmt.Sprintf("r%d.kind", i), r.Kind)
		for _, name := range r.Args["name"] {
			form = append(form, fmt.Sprintf("r%d.name", i), name)
		}
	}
	alice.post(page, form...).to(t, "/filters")
	alice.post("/filters/preview", form...).want(t, 200)
	text := alice.get("/settings/filters.yaml").body
	text = "filters:\n" + text[strings.Index(text, "  - name: Mine too"):]
	alice.post(page, "do", "save", "mode", "text", "text", text).to(t, "/filters")
}

// A search that gives up early says so and leads on; it does not say that nothing fits.
func TestMessagesBeyondOneSearch(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	s.publish("2026-rare", "org.example.prod.rare.thing", map[string]any{})
	var events []*catalogue.Event
	for i := range 10_100 {
		topic := "org.example.prod.common.thing"
		m, err := bus.Decode(bus.Frame{Topic: topic,
			Payload: fmt.Appendf(nil, `{"topic":%q,"msg_id":"2026-%d","timestamp":%d,"msg":{}}`, topic, i, s.now().Unix())},
			s.now())
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, s.meaning.Describe(m))
	}
	if err := s.db.Writer.Transaction(func(tx *gorm.DB) error {
		_,
			err := s.history.Append(tx, events)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	page := alice.get("/messages?topic=org.example.prod.rare.").want(t, 200, "None of the newest messages fits").body
	older := regexp.MustCompile(`href="(/messages\?[^"]*before=[^"]*)"`).FindStringSubmatch(page)
	if older == nil || strings.Contains(page, "No message fits.") {
		t.Fatalf("the page does not lead on:\n%s", page)
	}
	alice.get(html.UnescapeString(older[1])).want(t, 200, "/messages/2026-rare")
}
