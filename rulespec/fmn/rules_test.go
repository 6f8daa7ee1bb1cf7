package fmn

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// reachable is how many rules a person could choose in the last classic FMN, and plain how many of them took no
// argument and were about an application.
const (
	reachable = 315
	plain     = 296
)

// samples are arguments for the rules that need one.
var samples = map[string]arguments{
	"user_filter": {"fasnick": "alice"}, "not_user_filter": {"fasnick": "alice, bob"},
	"fas_group_member_filter": {"group": "tea-sig"},
	"user_package_filter":     {"fasnick": "alice"}, "user_package_commit_filter": {"fasnick": "bob"},
	"user_package_watch_filter": {"fasnick": "bob"},
	"package_filter":            {"package": "tea"}, "package_regex_filter": {"pattern": "^tea"},
	"regex_filter":       {"pattern": "tea"},
	"trac_hosted_filter": {"project": "tea,pot"}, "anitya_specific_distro": {"distro": "Tea Linux"},
	"anitya_by_upstream_project": {"projects": "tea"},
	"koji_instance":              {"instance": "primary"}, "koschei_group": {"group": "tea,pots"},
	"pagure_specific_project_filter":     {"project": "tea"},
	"pagure_specific_project_tag_filter": {"tags": "tea"}, "taskotron_task": {"task": "dist.*"},
	"taskotron_task_outcome": {"outcome": "FAILED"},
}

// notCarried are the rules that have no counterpart whatever their argument.
var notCarried = []string{"pagure_specific_project_tag_filter"}

func embedded(t testing.TB) *catalogue.Catalogue {
	t.Helper()
	c, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// allRules gives the names of all rules; none stands in two lists.
func allRules(t testing.TB) []string {
	t.Helper()
	var names []string
	for _, list := range [][]string{keysOf(suffixes), keysOf(topics), keysOf(apps), keysOf(withBodies),
		keysOf(withArguments)} {
		for _, name := range list {
			if slices.Contains(names, name) {
				t.Errorf("the rule %s stands in two lists", name)
			}
			names = append(names, name)
		}
	}
	return names
}

func keysOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Every rule goes over to rules that our language takes, or is on the list of those that do not.
func TestEveryRuleGoesOver(t *testing.T) {
	cat := embedded(t)
	names := allRules(t)
	if len(names) != reachable {
		t.Errorf("%d rules, want %d", len(names), reachable)
	}
	known := map[string]bool{}
	for _, k := range cat.Kinds() {
		known[k.Kind] = true
	}
	byKind := map[string]int{}
	for _, name := range names {
		s := &translator{catalogue: cat, nick: "alice"}
		made, reason := s.translate(name, samples[name])
		if slices.Contains(notCarried, name) {
			if reason == "" {
				t.Errorf("%s goes over, and is on the list of those that do not", name)
			}
			continue
		}
		if reason == "" {
			reason = wrong(made)
		}
		if reason != "" || len(made) == 0 {
			t.Errorf("%s does not go over: %s", name, reason)
			continue
		}
		byKind[made[0].Kind]++
		for _, r := range made {
			for _, kind := range r.Args["name"] {
				if r.Kind == "kind" && !known[kind] {
					t.Errorf("%s: the catalogue has no kind %s", name, kind)
				}
			}
		}
		if withArguments[name] != nil && name != "taskotron_task_particular_or_changed_outcome" {
			if _, reason := s.translate(name, nil); !strings.Contains(reason, "is missing") {
				t.Errorf("%s without its argument: %q, want a reason", name, reason)
			}
		}
	}
	t.Logf("rules by the kind of rule that they become: %v", byKind)
}

// The catalogue names no rule that FMN did not have, and no rule with an argument.
func TestCatalogueNamesRules(t *testing.T) {
	names := allRules(t)
	for _, k := range embedded(t).Kinds() {
		for _, classic := range k.Classic {
			if !slices.Contains(names, classic) || withArguments[classic] != nil {
				t.Errorf("%s stands for %s, which is no rule of FMN without arguments", k.Kind, classic)
			}
		}
	}
}

// The names are those of the list that was taken from FMN itself.
func TestNamesAreThoseOfFMN(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "corpus", "fmn-rule-names.json"))
	if err != nil {
		t.Skip("needs ../shared/corpus/fmn-rule-names.json")
	}
	var list []struct{ Rule string }
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	names := allRules(t)
	for _, r := range list {
		if !slices.Contains(names, r.Rule) {
			t.Errorf("the rule %s is missing", r.Rule)
		}
	}
	if len(list) != plain || len(names)-len(withArguments) != plain {
		t.Errorf("%d names and %d rules without arguments, want %d", len(list), len(names)-len(withArguments), plain)
	}
}

// A book is every rule without arguments as a filter of its own, ready to be asked.
type book struct {
	catalogue *catalogue.Catalogue
	index     *rules.Index
	names     []string
}

func openBook(t testing.TB) *book {
	t.Helper()
	b := &book{catalogue: embedded(t), index: rules.NewIndex(rulespec.Env{})}
	var changes []rules.Change
	for _, name := range allRules(t) {
		if withArguments[name] != nil {
			continue
		}
		made, reason := (&translator{catalogue: b.catalogue}).translate(name, nil)
		if reason != "" {
			t.Fatalf("%s: %s", name, reason)
		}
		b.names = append(b.names, name)
		f := rulespec.Filter{ID: rulespec.FilterID(len(b.names)), Name: name, Rules: made}
		changes = append(changes, rules.Change{Filter: f})
	}
	if broken := b.index.Apply(changes...); len(broken) > 0 {
		t.Fatalf("broken: %v", broken)
	}
	return b
}

// ask gives the rules that hold for a message, sorted.
func (b *book) ask(topic string, body any) []string {
	e := b.catalogue.Describe(&bus.Message{ID: "2026-1", Topic: topic, Body: body})
	var names []string
	for _, id := range b.index.Match(e, nil) {
		names = append(names, b.names[id-1])
	}
	slices.Sort(names)
	return names
}

// said gives what FMN said of the topic alone: the rules about its end, its whole, and its fourth word.
func said(topic string) []string {
	var names []string
	for name, suffix := range suffixes {
		if strings.HasSuffix(topic, suffix) {
			names = append(names, name)
		}
	}
	for name, whole := range topics {
		if topic == whole {
			names = append(names, name)
		}
	}
	for name, app := range apps {
		if words := strings.Split(topic, "."); len(words) > 3 && words[3] == app {
			names = append(names, name)
		}
	}
	for name, part := range map[string]string{"all_ansible": ".ansible.", "all_infragit": ".infragit."} {
		if strings.Contains(topic, part) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// aboutTopics drops the rules that look at more than the topic.
func aboutTopics(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return withBodies[name] != nil && name != "all_ansible" && name != "all_infragit"
	})
}

// The rules about topics say what FMN said, on each rule's own topic and on topics near it. Topics in which an
// application's name stands behind another one are not among them: doc/fmn.md says why.
func TestTopicsAsInFMN(t *testing.T) {
	b := openBook(t)
	var tails []string
	for _, suffix := range suffixes {
		tails = append(tails, strings.TrimPrefix(suffix, "."))
	}
	for _, app := range apps {
		tails = append(tails, app+".tea", app+".tea.brewed.hot")
	}
	for _, tail := range slices.Clone(tails) {
		_, rest, _ := strings.Cut(tail, ".")
		tails = append(tails, tail+".more", tail+"x", "tea."+rest)
	}
	tails = append(tails, "trac.git.receive", "git.receive", "git.receive.tea.main", "git.branch", "mdapi.repo.update",
		"allpackages.pipeline.complete", "tea.ansible.done", "infragit.receive")
	n := 0
	for _, root := range []string{"org.fedoraproject.prod.", "org.fedoraproject.stg.", "io.pagure.prod.",
		"org.centos.prod.", "com.example.dev."} {
		for _, tail := range tails {
			got, want := aboutTopics(b.ask(root+tail, map[string]any{})), said(root+tail)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", root+tail, got, want)
			}
			n++
		}
	}
	t.Logf("%d topics, %d verdicts", n, n*len(b.names))
}

// What looks into the body says what FMN said.
func TestBodiesAsInFMN(t *testing.T) {
	b := openBook(t)
	for _, c := range []struct{ topic, body, want string }{
		{"buildsys.build.state.change", `{"new": 0}`, "koji_build_started"},
		{"buildsys.build.state.change", `{"new": 1}`, "koji_build_completed"},
		{"buildsys.build.state.change", `{"new": 2}`, "koji_build_deleted"},
		{"buildsys.build.state.change", `{"new": 3}`, "koji_build_failed"},
		{"buildsys.build.state.change", `{"new": 4}`, "koji_build_cancelled"},
		{"buildsys.build.state.change", `{"new": 5}`, ""},
		{"buildsys.build.state.change", `{}`, ""},
		{"buildsys.task.state.change", `{"new": "OPEN"}`, "koji_scratch_build_started"},
		{"buildsys.task.state.change", `{"new": "CLOSED"}`, "koji_scratch_build_completed"},
		{"buildsys.task.state.change", `{"new": "FAILED"}`, "koji_scratch_build_failed"},
		{"buildsys.task.state.change", `{"new": "CANCELED"}`, "koji_scratch_build_cancelled"},
		{"buildsys.task.state.change", `{"new": "FREE"}`, ""},
		{"copr.build.end", `{"status": 0}`, "copr_build_failed"},
		{"copr.build.end", `{"status": 1}`, "copr_build_success"},
		{"copr.build.end", `{"status": 5}`, "copr_build_skipped"},
		{"copr.build.end", `{"status": 3}`, ""},
		{"copr.chroot.start", `{"status": 0}`, ""},
		{"fedimg.image.test", `{"status": "started"}`, "fedimg_image_test_started"},
		{"fedimg.image.test", `{"status": "completed"}`, "fedimg_image_test_completed"},
		{"fedimg.image.test", `{"status": "failed"}`, "fedimg_image_test_failed"},
		{"fedimg.image.upload", `{"status": "started"}`, "fedimg_image_upload_started"},
		{"fedimg.image.upload", `{"status": "completed"}`, "fedimg_image_upload_completed"},
		{"fedimg.image.upload", `{"status": "failed"}`, "fedimg_image_upload_failed"},
		{"fedimg.image.upload", `{"status": "spilled"}`, ""},
		{"bodhi.update.comment", `{"update": {"critpath": true}}`, "bodhi_critpath"},
		{"tea.brewed", `{"update": {"critpath": true}}`, "bodhi_critpath"},
		{"bodhi.update.comment", `{"update": {"critpath": false}, "critpath": true}`, ""},
		{"ci.pipeline.package.complete", `{"status": "SUCCESS"}`, "ci_step_complete"},
		{"ci.pipeline.package.test.functional.complete", `{"status": "success"}`, "ci_step_complete ci_test_passed"},
		{"ci.pipeline.compose.test.integration.complete", `{"status": "success"}`, "ci_step_complete ci_test_passed"},
		{"ci.pipeline.image.test.smoke.complete", `{"status": "FAILURE"}`, ""},
		{"tea.done", `{"status": "success"}`, ""},
		{"taskotron.result.new",
			`{"task": {"name": "dist.abicheck"}, "result": {"outcome": "PASSED", "prev_outcome": "FAILED"}}`,
			"taskotron_changed_outcome taskotron_release_critical_task"},
		{"taskotron.result.new",
			`{"task": {"name": "dist.rpmlint"}, "result": {"outcome": "FAILED", "prev_outcome": "FAILED"}}`, ""},
		{"taskotron.result.new",
			`{"task": {"name": "dist.rpmdeplint"}, "result": {"outcome": "FAILED", "prev_outcome": null}}`,
			"taskotron_release_critical_task"},
		{"anitya.project.version.update", `{"message": {"packages": [{"distro": "Debian"}]}}`, "anitya_unmapped_new_update"},
		{"anitya.project.version.update", `{"message": {"packages": []}}`, "anitya_unmapped_new_update"},
		{"anitya.project.version.update", `{"message": {"packages": [{"distro": "Debian"}, {"distro": "Fedora"}]}}`, ""},
		{"anitya.project.version.update", `{"message": {}}`, ""},
	} {
		topic := "org.fedoraproject.prod." + c.topic
		var body any
		d := json.NewDecoder(strings.NewReader(c.body))
		d.UseNumber()
		if err := d.Decode(&body); err != nil {
			t.Fatal(err)
		}
		got := b.ask(topic, body)
		for _, name := range said(topic) {
			at := slices.Index(got, name)
			if at < 0 {
				t.Errorf("%s %s: %s does not hold", c.topic, c.body, name)
				continue
			}
			got = slices.Delete(got, at, at+1)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s %s: %v, want %s", c.topic, c.body, got, c.want)
		}
	}
}

// Whatever the filters, an imported one that is on matches just what FMN matched; one that is off would not match more.
func TestNothingIsWidened(t *testing.T) {
	cat := embedded(t)
	var names, tails []string
	for name, suffix := range suffixes {
		names, tails = append(names, name), append(tails, strings.TrimPrefix(suffix, "."))
	}
	names = append(append(names, keysOf(apps)...), "all_ansible", "tea_brewed")
	slices.Sort(names)
	slices.Sort(tails)
	rapid.Check(t, func(t *rapid.T) {
		var chosen []classicRule
		for range rapid.IntRange(0, 4).Draw(t, "rules") {
			chosen = append(chosen,
				classicRule{CodePath: "fmn.rules:" + rapid.SampledFrom(names).Draw(t, "name"),
					Negated: rapid.Bool().Draw(t, "negated")})
		}
		m := &importer{Options: Options{Catalogue: cat}, names: map[string]bool{}}
		m.preference(preference{
			Context: struct {
				Name       string `json:"name"`
				DetailName string `json:"detail_name"`
			}{Name: "email"},
			DetailValues: []string{"alice@example.org"}, Filters: []classicFilter{{Name: "x", Rules: chosen}},
		})
		made := m.file.Filters[0]
		index := rules.NewIndex(rulespec.Env{})
		index.Apply(rules.Change{Filter: rulespec.Filter{ID: 1, Rules: made.Rules}})
		topic := "org.fedoraproject.prod." + rapid.SampledFrom(tails).Draw(t, "topic")
		ours := len(index.Match(cat.Describe(&bus.Message{Topic: topic}), nil)) > 0
		theirs := held(chosen, topic)
		if ours && !theirs || made.On && ours != theirs {
			t.Fatalf("%v on %s: ours %v (on: %v), FMN's %v\n%s", chosen, topic, ours, made.On, theirs, fmt.Sprint(made.Rules))
		}
	})
}

// held says whether FMN matched a filter; a rule that it did not have was an error, which matched nothing.
func held(chosen []classicRule, topic string) bool {
	said := said(topic)
	for _, r := range chosen {
		name := strings.TrimPrefix(r.CodePath, "fmn.rules:")
		if name == "tea_brewed" || slices.Contains(said, name) == r.Negated {
			return false
		}
	}
	return len(chosen) > 0
}

// The blanks of FMN's JSON are optional in ours, and what could tell the two apart is known.
func TestRegexes(t *testing.T) {
	for _, c := range []struct{ pattern, want string }{
		{`tea`, `tea`}, {`"a": "b"`, `"a": ?"b"`}, {`"a":\s"b"`, `"a":\s?"b"`}, {`"a": +1`, `"a": *1`},
		{`"a": *1`, `"a": *1`},
		{`"a": {1}1`, `"a": {1}1`}, {`"b", "c"`, `"b", ?"c"`}, {`tea, please`, `tea, please`}, {`":`, `":`},
	} {
		if got := unspaced(c.pattern); got != c.want {
			t.Errorf("unspaced(%s) = %s, want %s", c.pattern, got, c.want)
		}
	}
	for pattern, want := range map[string]bool{
		"tea": true, "tea|pot": true, "(beefy miracle)": true, "colou?r": true, "te[ao]": true, "CVE-[0-9]": true,
		"a.*b": false, "tea+": false, "^tea": false, `"tea"`: false, "a, b": false, "[^a]": false, ".": false, " 1": false,
		`\s`: false, "(": false, "": false,
	} {
		if got := settled(pattern); got != want {
			t.Errorf("settled(%s) = %v, want %v", pattern, got, want)
		}
	}
}

func TestQuotedKeepsRunesWhole(t *testing.T) {
	if got, want := quoted("x"+strings.Repeat("é", 60)), `"x`+strings.Repeat("é", 38)+`…"`; got != want {
		t.Errorf("quoted = %s, want %s", got, want)
	}
}
