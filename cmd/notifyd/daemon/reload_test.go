package daemon

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/internal/grace"
	people "github.com/notifyd/notifyd/prefs/accounts"
)

// A reloaded is a daemon with a folder that contains its configuration and the files that this names.
type reloaded struct {
	*Service
	t      *testing.T
	folder string
	log    *bytes.Buffer
	base   []string // lines of the configuration that never change
}

// newReloaded opens a daemon with the given lines of configuration after those that every daemon in a test has.
func newReloaded(t *testing.T, lines ...string) *reloaded {
	t.Helper()
	r := &reloaded{t: t, folder: t.TempDir()}
	r.base = []string{"database: {dsn: '" + filepath.Join(r.folder, "n.db") + "'}", "metrics: {listen: ''}"}
	r.write("tea.d/tea.yaml", teaApp)
	r.write("reports.d/tea.yaml", "report: tea\ntitle: Tea\nsections: [{title: Cups, group: package}]")
	r.write("people.yaml", "accounts: {ally@example.org: alice}")
	var err error
	r.Service, r.log, err = openConfig(t, append(slices.Clone(r.base), r.in(lines)...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// in replaces DIR in lines by the folder.
func (r *reloaded) in(lines []string) []string {
	out := slices.Clone(lines)
	for i := range out {
		out[i] = strings.ReplaceAll(out[i], "DIR", r.folder)
	}
	return out
}

func (r *reloaded) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// reloadWith changes the configuration, reloads it and returns what was logged.
func (r *reloaded) reloadWith(lines ...string) string {
	r.t.Helper()
	file := r.started.Name()
	writeFile(r.t, filepath.Dir(file), filepath.Base(file), append(slices.Clone(r.base), r.in(lines)...)...)
	r.log.Reset()
	r.reload()
	return r.log.String()
}

func (r *reloaded) metrics() string {
	w := httptest.NewRecorder()
	r.operatorPages().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

// checkMetrics looks for lines of /metrics.
func (r *reloaded) checkMetrics(want ...string) {
	r.t.Helper()
	text := r.metrics()
	for _, line := range want {
		if !strings.Contains(text, "\n"+line+"\n") {
			r.t.Errorf("/metrics lacks %s", line)
		}
	}
}

// TestReloadTakesEffect changes every key that a reload puts into effect.
func TestReloadTakesEffect(t *testing.T) {
	r := newReloaded(t, "web: {listen: ''}")
	r.aPKI()
	r.checkMetrics("notifyd_config_reload_successful 1", "notifyd_config_restart_needed 0")
	if got := r.describer.describe(tea("ally@example.org")).Kind; got != "tea.unknown" {
		t.Errorf("before: kind %s", got)
	}
	said := r.reloadWith("web: {listen: '', trusted_proxies: [192.0.2.0/24]}", "log: {level: debug}",
		"catalogue: {folder: 'DIR/tea.d', check: 1m}", "directory: {file: 'DIR/people.yaml', check: 1m, precedence: [file], bots: ['*bot']}",
		"reports: {folder: 'DIR/reports.d', check: 1m}",
		"history: {keep: 24h, keep_bytes: 2000000, source_bytes: 1500000, prune: 1m, rules: [{kind: tea.#, keep: 48h}], "+
			"readers: {operators: true}}",
		"accounts: {sign_up: invited, domains: [example.org], groups: [packager], invitations: {keep: 1h}, "+
			"admins: {groups: [sysadmin]}, helpers: {groups: [helpdesk]}}",
		"bus: {trust: {links: true}, publish: {cert_file: DIR/git.example.org.crt, key_file: DIR/git.example.org.key}}")
	event := r.describer.describe(tea("ally@example.org"))
	if event.Kind != "tea.ready" || strings.Join(event.Users, " ") != "alice" {
		t.Errorf("the catalogue or the directory is the old one: kind %s, users %v", event.Kind, event.Users)
	}
	now := r.tuned.Load()
	if got := r.level.Level(); got != slog.LevelDebug {
		t.Errorf("level %s, want DEBUG", got)
	}
	want := history.Keep{Age: 24 * time.Hour, Bytes: 2000000, SourceBytes: 1500000}
	got := now.history.keep()
	if got.Rules.Len() != 1 || got.Rules.At(0).String() != "kind=tea.#" {
		t.Errorf("rules %+v", now.history.Rules)
	}
	if got.Rules = nil; got != want || now.history.Prune != time.Minute {
		t.Errorf("history %+v", now.history)
	}
	if !r.reading().Policy().Sources(readers.Reader{Operator: true}).All() {
		t.Error("operators may not see everything")
	}
	role := now.accounts.Roles().Of("", []string{"sysadmin"})
	if now.accounts.Policy().Admit(people.Newcomer{}) == nil || role != people.Admin {
		t.Errorf("accounts: %+v", now.accounts)
	}
	if r.reports.Load().Find("tea") == nil {
		t.Error("the reports are the old ones")
	}
	if !r.router.verifier().Links() {
		t.Error("the policy is the old one")
	}
	if r.signer.Load() == nil {
		t.Error("nothing signs")
	}
	if len(now.proxies) != 1 || now.proxies[0].String() != "192.0.2.0/24" {
		t.Errorf("trusted proxies %v", now.proxies)
	}
	if !strings.Contains(said, "configuration reloaded") || strings.Contains(said, "restart") {
		t.Errorf("the log says\n%s", said)
	}
	for _, key := range liveKeys {
		if !strings.Contains(said, key) {
			t.Errorf("%s is not named as changed:\n%s", key, said)
		}
	}
	r.checkMetrics("notifyd_config_reload_successful 1", "notifyd_config_restart_needed 0")

	r.reloadWith("web: {listen: ''}") // undoes the change
	event = r.describer.describe(tea("ally@example.org"))
	if event.Kind != "tea.unknown" || r.directory.Load() != nil {
		t.Errorf("the catalogue or the directory stays: kind %s", event.Kind)
	}
	if r.router.verifier().Links() || r.signer.Load() != nil {
		t.Error("the policy, or what signs, stays")
	}
}

// TestReloadAdaptsSources changes what a source takes while it runs, and what it does not.
func TestReloadAdaptsSources(t *testing.T) {
	const http = "bus: {http: {listen: '127.0.0.1:0', senders: {ferry: {token_file: DIR/token, topics: ['#']}}, max_lines: "
	folder := t.TempDir()
	in := func(lines string) string { return strings.ReplaceAll(lines, "DIR", folder) }
	token := func(text string) { writeFile(t, folder, "token", text) }
	token("sesame-sesame-one")
	r := newReloaded(t, "web: {listen: ''}", in(http+"10}}"))
	token("sesame-sesame-two")
	said := r.reloadWith("web: {listen: ''}", in(http+"10}}"))
	if !strings.Contains(said, "changed=[bus.http.senders]") || strings.Contains(said, "restart") {
		t.Errorf("the log says\n%s", said)
	}
	r.checkMetrics("notifyd_config_reload_successful 1", "notifyd_config_restart_needed 0")
	said = r.reloadWith("web: {listen: ''}", in(strings.ReplaceAll(http, "ferry", "train")+"20}}"))
	if !strings.Contains(said, `keys="[bus.http.max_lines]"`) && !strings.Contains(said, "keys=[bus.http.max_lines]") {
		t.Errorf("the log says\n%s", said)
	}
	if got := strings.Join(sourceNames(r.sources), " "); got != "train" {
		t.Errorf("sources %s, want the one that came", got)
	}
	token("short")
	if said = r.reloadWith("web: {listen: ''}", in(http+"10}}")); !strings.Contains(said, "configuration not reloaded") {
		t.Errorf("the log says\n%s", said)
	}
	if got := strings.Join(sourceNames(r.sources), " "); got != "train" {
		t.Errorf("sources %s after a mistake", got)
	}
}

// TestManualNamesLiveKeys compares liveKeys with the keys that doc/operating.md lists for operators.
func TestManualNamesLiveKeys(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "doc", "operating.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range liveKeys {
		if !strings.Contains(string(text), "`"+key+"`") {
			t.Errorf("doc/operating.md lacks %s", key)
		}
	}
}

// TestReloadReadsFilesThatHaveNotSettled: a reload reads files at once, since the person who requests it has written
// them.
func TestReloadReadsFilesThatHaveNotSettled(t *testing.T) {
	lines := []string{
		"web: {listen: ''}",
		"catalogue: {folder: 'DIR/tea.d', check: 1h}", "directory: {file: 'DIR/people.yaml', check: 1h}",
	}
	r := newReloaded(t, lines...)
	r.write("tea.d/tea.yaml", strings.ReplaceAll(teaApp, "kind: tea.ready", "kind: tea.made"))
	r.write("people.yaml", "accounts: {ally@example.org: allison}")
	r.reloadWith(lines...)
	event := r.describer.describe(tea("ally@example.org"))
	if event.Kind != "tea.made" || strings.Join(event.Users, " ") != "allison" {
		t.Errorf("kind %s, users %v", event.Kind, event.Users)
	}
}

// TestReloadKeepsTheOldOnAMistake reloads a configuration with a mistake in each place: nothing changes, and the log
// names the position of the mistake.
func TestReloadKeepsTheOldOnAMistake(t *testing.T) {
	good := []string{"web: {listen: ''}", "catalogue: {folder: 'DIR/tea.d'}", "directory: {file: 'DIR/people.yaml'}"}
	adds := func(line string) func(*reloaded) []string {
		return func(*reloaded) []string { return append(slices.Clone(good), line) }
	}
	writes := func(name, text string) func(*reloaded) []string {
		return func(r *reloaded) []string { r.write(name, text); return good }
	}
	for _, c := range []struct {
		name   string
		change func(r *reloaded) []string
		want   string
	}{
		{"no YAML", adds("a: ["), "notifyd.yaml:6:"},
		{"unknown key", adds("log: {levle: info}"), `notifyd.yaml:6:7: unknown key`},
		{"bad value", adds("log: {level: loud}"), "notifyd.yaml:6:7: log.level"},
		{"bad value that needs a restart", adds("outbox: {workers: 100}"), "outbox.workers: 100"},
		{"bad backend", adds("backends: {email: {tls: maybe}}"), "backends.email"},
		{"bad source", adds("bus: {zmq: {endpoints: {a: nowhere}}}"), "notifyd.yaml:6:"},
		{"broken catalogue", writes("tea.d/tea.yaml", "app: ["), "tea.yaml:1:"},
		{"broken report", adds("reports: {folder: 'DIR/tea.d'}"), "tea.yaml:1:1: unknown key"},
		{"broken directory", writes("people.yaml", "accounts: [x]"), "people.yaml: line 1"},
		{"directory too large", writes("people.yaml", strings.Repeat("#", directory.MaxFile+1)), "people.yaml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReloaded(t, good...)
			said := r.reloadWith(c.change(r)...)
			if !strings.Contains(said, c.want) || !strings.Contains(said, "not reloaded") {
				t.Errorf("the log does not say %q:\n%s", c.want, said)
			}
			if strings.Contains(said, "configuration reloaded") {
				t.Errorf("the log says both:\n%s", said)
			}
			event := r.describer.describe(tea("ally@example.org"))
			if event.Kind != "tea.ready" || strings.Join(event.Users, " ") != "alice" {
				t.Errorf("the catalogue or the directory is another one: kind %s, users %v", event.Kind, event.Users)
			}
			r.checkMetrics("notifyd_config_reload_successful 0")
			r.write("tea.d/tea.yaml", teaApp)
			r.write("people.yaml", "accounts: {ally@example.org: alice}")
			r.reloadWith(good...)
			r.checkMetrics("notifyd_config_reload_successful 1")
		})
	}
}

// TestReloadNamesWhatNeedsARestart: the log names every change that needs a restart, and shows no secret.
func TestReloadNamesWhatNeedsARestart(t *testing.T) {
	r := newReloaded(t, "web: {listen: ''}")
	mail := "backends: {email: {host: mx.example.org, from: a@example.org, username: a, password: swordfish}}"
	for range 2 { // a change that waits for a restart is named at every reload
		said := r.reloadWith("web: {listen: '127.0.0.1:0'}", "outbox: {workers: 2}", "log: {level: debug}", mail)
		for _, key := range []string{"web.listen", "outbox.workers", "backends.email"} {
			if !strings.Contains(said, key) {
				t.Errorf("%s is not named:\n%s", key, said)
			}
		}
		if strings.Contains(said, "swordfish") || !strings.Contains(said, "need a restart") {
			t.Errorf("the log says\n%s", said)
		}
		r.checkMetrics("notifyd_config_reload_successful 1", "notifyd_config_restart_needed 3")
	}
	if got := r.level.Level(); got != slog.LevelDebug {
		t.Errorf("level %s: what needs no restart is not in effect", got)
	}
	said := r.reloadWith("web: {listen: ''}")
	if strings.Contains(said, "restart") {
		t.Errorf("the change is taken back, but the log says\n%s", said)
	}
	r.checkMetrics("notifyd_config_restart_needed 0")
}

// TestRetuned runs a loop again with each tuning, one at a time, and ends it with its context.
func TestRetuned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Service{}
		if err := s.tune(defaultSettings()); err != nil {
			t.Fatal(err)
		}
		var running int
		var seen []time.Duration
		loop := s.retuned(func(ctx context.Context, now *tuning) error {
			running++
			seen = append(seen, now.history.Keep)
			if running != 1 {
				t.Errorf("%d loops run at once", running)
			}
			<-ctx.Done()
			running--
			return nil
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- loop(ctx) }()
		for _, keep := range []time.Duration{time.Hour, 2 * time.Hour} {
			synctest.Wait()
			set := defaultSettings()
			set.History.Keep = keep
			if err := s.tune(set); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		stop()
		if err := grace.Within(time.Second, "end", func() error { return <-ended }); err != nil {
			t.Error(err)
		}
		want := []time.Duration{defaultSettings().History.Keep, time.Hour, 2 * time.Hour}
		if !slices.Equal(seen, want) {
			t.Errorf("the loop ran with %v, want %v", seen, want)
		}
	})
}
