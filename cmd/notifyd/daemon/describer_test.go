package daemon

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// What sentences do without is among the metrics.
func TestLeftOutIsMeasured(t *testing.T) {
	folder, dir := t.TempDir(), t.TempDir()
	writeFile(t, folder, "tea.yaml", strings.ReplaceAll(teaApp, "summary: Tea is ready", "summary: '[{{.msg.cup}}: ]Tea'"))
	s, _, err := openConfig(t, "database: {dsn: '"+dir+"/notifyd.db'}", "web: {listen: ''}", "metrics: {listen: ''}",
		"catalogue: {folder: '"+folder+"'}")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	s.describer.describe(tea("alice")).Prose()
	w := httptest.NewRecorder()
	s.operatorPages().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if want := `notifyd_catalogue_left_out_total{app="tea",field="summary"} 1`; !strings.Contains(w.Body.String(), want) {
		t.Errorf("the metrics lack %s", want)
	}
}

const teaApp = `app: tea
entries:
  - topic: tea.ready
    kind: tea.ready
    name: Tea is ready
    summary: Tea is ready
    users: account(msg.by)
`

func tea(by string) *bus.Message {
	return &bus.Message{ID: "1", Topic: "org.example.prod.tea.ready", Body: map[string]any{"by": by}}
}

// aMeaning returns a describer with the catalogue of a folder with one file.
func aMeaning(t *testing.T, app string, snapshot func() *directory.Snapshot) *describer {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, dir, "tea.yaml", app)
	w, err := catalogue.Watch(os.DirFS(dir), time.Minute, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return &describer{watcher: w, directory: snapshot}
}

// TestAccountsComeFromTheDirectory describes messages with the accounts of the current snapshot.
func TestAccountsComeFromTheDirectory(t *testing.T) {
	var snapshot *directory.Snapshot
	m := aMeaning(t, teaApp, func() *directory.Snapshot { return snapshot })
	users := func() string { return strings.Join(m.describe(tea("Ally@Example.org")).Users, " ") }
	if got := users(); got != "ally" {
		t.Errorf("without a directory: users %q", got)
	}
	for _, account := range []string{"alice", "bob"} {
		var err error
		if snapshot, err = directory.Parse([]byte("accounts: {ally@example.org: " + account + "}\n")); err != nil {
			t.Fatal(err)
		}
		if got := users(); got != account {
			t.Errorf("users %q, want %q", got, account)
		}
		if first := m.load(); m.load() != first {
			t.Error("the view is made anew although nothing has changed")
		}
	}
}

// TestFiltersOfAKindThatWentAreBroken removes from the catalogue a kind that a filter names, and restores it.
func TestFiltersOfAKindThatWentAreBroken(t *testing.T) {
	rule := rulespec.Rule{Kind: "kind", Args: rulespec.Args{rulespec.LookupRuleKind("kind").Params[0].Name: {"tea.ready"}}}
	filter := prefs.Filter{Filter: rulespec.Filter{Name: "Tea", Rules: []rulespec.Rule{rule}}, On: true}
	r, _, _, log := aRouter(t, migratest.Open(t, migratest.SQLite(t)), filter)
	for _, step := range []struct {
		text string
		want int
	}{{teaApp, 1}, {strings.ReplaceAll(teaApp, "kind: tea.ready", "kind: tea.made"), 0}, {teaApp, 1}} {
		r.describer.watcher = aMeaning(t, step.text, r.directory).watcher
		if err := r.load(t.Context()); err != nil {
			t.Fatal(err)
		}
		event := r.describer.describe(tea("alice"))
		var found rules.Result
		if r.state.index.Find(&found, event, nil); found.Len() != step.want {
			t.Errorf("%s matches %d filters, want %d", event.Kind, found.Len(), step.want)
		}
	}
	if n := strings.Count(log.String(), "cannot be compiled"); n != 1 {
		t.Errorf("the broken filter is spoken of %d times, want once:\n%s", n, log)
	}
}

// TestOtherTextsOfTheSameKindsKeepTheIndex changes the texts of a kind: no filter has to be compiled again.
func TestOtherTextsOfTheSameKindsKeepTheIndex(t *testing.T) {
	r, _, _, log := aRouter(t, migratest.Open(t, migratest.SQLite(t)), about("bash", false))
	r.describer.watcher = aMeaning(t, teaApp, r.directory).watcher
	if err := r.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := r.state.index
	r.describer.watcher = aMeaning(t, strings.ReplaceAll(teaApp, "summary: Tea is ready", "summary: Tea!"),
		r.directory).watcher
	if err := r.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.state.index != before {
		t.Errorf("the index is another one:\n%s", log)
	}
	if got := r.describer.describe(tea("alice")).Prose().Summary; got != "Tea!" {
		t.Errorf("the message says %q", got)
	}
}

// TestABrokenFileKeepsTheLastGoodCatalogue breaks a site's file while the daemon runs, repairs it, and adds a kind.
func TestABrokenFileKeepsTheLastGoodCatalogue(t *testing.T) {
	folder, dir := t.TempDir(), t.TempDir()
	writeFile(t, folder, "tea.yaml", teaApp)
	s, _, err := openConfig(t, "database: {dsn: '"+dir+"/notifyd.db'}", "web: {listen: ''}", "metrics: {listen: ''}",
		"catalogue: {folder: '"+folder+"', check: 100ms}")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, step := range []struct{ text, metric, kind string }{
		{teaApp, "notifyd_catalogue_reload_successful 1", "tea.ready"},
		{"app: [", "notifyd_catalogue_reload_successful 0", "tea.ready"},
		{strings.ReplaceAll(teaApp, "kind: tea.ready", "kind: tea.made"), "notifyd_catalogue_reload_successful 1",
			"tea.made"},
	} {
		writeFile(t, folder, "tea.yaml", step.text)
		exectest.Eventually(t, 20*time.Second, step.metric+" and "+step.kind, func() bool {
			w := httptest.NewRecorder()
			s.operatorPages().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
			return strings.Contains(w.Body.String(), step.metric) && s.describer.describe(tea("alice")).Kind == step.kind
		})
	}
}
