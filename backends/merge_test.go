package backends

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/notifyd/notifyd/internal/text"
)

func at(minute int) time.Time {
	return time.Date(2026, time.March, 4, 5, 0, 0, 0, time.UTC).Add(time.Duration(minute) * time.Minute)
}

// build is a notice of a run of builds.
func build(minute int, severity, actor, object string, keys ...string) Notice {
	return Notice{
		ID: fmt.Sprintf("2026-%d", minute), Topic: "org.example.prod.koji.build", Time: at(minute), App: "koji",
		Kind: "koji.build", KindName: "Builds",
		Title: fmt.Sprintf("[tea] build %d", minute), Text: fmt.Sprintf("build %d of tea", minute),
		Link:  fmt.Sprintf("https://example.org/%d", minute),
		Actor: actor, Users: []string{actor}, Packages: []string{"tea"}, Objects: []string{object}, Severity: severity,
		Grouping: Grouping{Keys: keys},
	}
}

func ids(g Group) string {
	var all []string
	for _, n := range g.Notices {
		all = append(all, strings.TrimPrefix(n.ID, "2026-"))
	}
	return strings.Join(all, " ")
}

// What a stranger says stands in no line with what is proved, and after it, however loud it is. What takes back a
// notice stands before all.
func TestMarkedIsApart(t *testing.T) {
	forged := func(minute int, severity, standing string) Notice {
		n := build(minute, severity, "alice", "a", "www.evil.example")
		n.Standing, n.Title = standing, "the same"
		n.Grouping.Template, n.Grouping.Values = []DigestPart{{Name: "v"}}, map[string][]string{"v": {"www.evil.example"}}
		return n
	}
	takenBack := forged(7, "info", "not confirmed")
	takenBack.Unconfirmed = true
	groups := Merge([]Notice{
		forged(1, "critical", "unsigned"), forged(2, "error", "stale"), build(3, "debug", "alice", "a"),
		forged(4, "info", "unsigned"), build(5, "info", "alice", "a"), forged(6, "info", "stale"), takenBack,
	})
	var got []string
	for _, g := range groups {
		got = append(got, ids(g))
	}
	if strings.Join(got, "|") != "7|5 3|1 4|2 6" {
		t.Errorf("groups %v", got)
	}
	if title := groups[2].Title; title != "www[.]evil[.]example" {
		t.Errorf("the sentence about several is %q", title)
	}
}

func TestMerge(t *testing.T) {
	other := build(9, "info", "alice", "a")
	other.App = "copr"
	account := build(9, "info", "alice", "a")
	account.Topic = ""
	for _, c := range []struct {
		name    string
		notices []Notice
		want    string
	}{
		{"nothing", nil, ""},
		{"alone", []Notice{build(1, "info", "alice", "a")}, "1"},
		{"same object, others between", []Notice{build(1, "info", "alice", "a"), build(2, "info", "bob", "b"),
			build(3, "info", "carol", "a")}, "1 3|2"},
		{"same actor and kind", []Notice{build(1, "info", "alice", "a"), build(2, "info", "bob", "b"),
			build(3, "info", "alice", "c")}, "1 3|2"},
		{"the object before the actor", []Notice{build(1, "info", "alice", "a"), build(2, "info", "alice", "b"),
			build(3, "info", "carol", "b")}, "1|2 3"},
		{"declared keys instead of the object", []Notice{build(1, "info", "a", "x", "k"), build(2, "info", "b", "x", "l"),
			build(3, "info", "c", "y", "k")}, "1 3|2"},
		{"the first key before the second", []Notice{build(1, "info", "a", "", "p", "q"), build(2, "info", "b", "", "r", "q"),
			build(3, "info", "c", "", "r", "q"), build(4, "info", "d", "", "s", "q")}, "1 4|2 3"},
		{"an empty key is nobody's", []Notice{build(1, "info", "a", "", ""), build(2, "info", "b", "", "")}, "1|2"},
		{"an object without a name is nobody's", []Notice{build(1, "info", "a", "update/"), build(2, "info", "b", "update/")},
			"1|2"},
		{"failures first", []Notice{build(1, "info", "a", "x"), build(2, "warning", "b", "y"), build(3, "info", "c", "z"),
			build(4, "error", "d", "z")}, "4 3|2|1"},
		{"the oldest first in a group", []Notice{build(3, "info", "a", "x"), build(1, "info", "b", "x"),
			build(2, "info", "c", "x")}, "1 2 3"},
		{"applications apart", []Notice{build(1, "info", "alice", "a"), other}, "1|9"},
		{"account mail stays alone", []Notice{account, account}, "9|9"},
	} {
		var got []string
		for _, g := range Merge(c.notices) {
			got = append(got, ids(g))
		}
		if s := strings.Join(got, "|"); s != c.want {
			t.Errorf("%s: %q, want %q", c.name, s, c.want)
		}
	}
}

func TestSentence(t *testing.T) {
	started := []DigestPart{{Name: "actors"}, {Text: " made "}, {Name: "started", Sum: true, One: "build", Many: "builds"},
		{Text: " of "}, {Name: "nvr"},
		{Text: ", ", If: "failures"}, {Name: "failures", If: "failures"}, {Text: " failed", If: "failures"},
		{Text: ", all good", Unless: "failures"}}
	run := func(minute int, severity, actor, nvr string, more ...string) Notice {
		n := build(minute, severity, actor, "", "run")
		n.Grouping.Template, n.Grouping.Values = started, map[string][]string{"nvr": append(more, nvr), "started": {"2"}}
		if nvr == "" {
			delete(n.Grouping.Values, "nvr")
		}
		return n
	}
	comment := func(actor, on string) Notice {
		n := build(1, "info", actor, on)
		n.Kind, n.KindName, n.Packages, n.Title = "c", "Comments on tickets", nil, actor+" commented"
		return n
	}
	kind := func(n Notice, kind, name string) Notice { n.Kind, n.KindName = kind, name; return n }
	for _, c := range []struct {
		name    string
		notices []Notice
		want    string
	}{
		{"one keeps its title", []Notice{run(1, "error", "alice", "tea-1")}, "[tea] build 1"},
		{"declared", []Notice{run(1, "info", "bob", "tea-2"), run(2, "error", "alice", "tea-1"),
			run(3, "info", "bob", "tea-2")}, "alice and bob made 6 builds of tea-1 and tea-2, 1 failed"},
		{"no failures", []Notice{run(1, "info", "bob", "a", "b", "c", "d"), run(2, "info", "bob", "e")},
			"bob made 4 builds of a, b and 3 others, all good"},
		{"one kind", []Notice{build(1, "info", "bob", "x"), build(2, "info", "alice", "x")}, "Builds by alice and bob: tea"},
		{"one ticket", []Notice{comment("bob", "ticket/infra/231"), comment("alice", "ticket/infra/231")},
			"Comments on tickets by alice and bob: infra#231"},
		{"one bug", []Notice{comment("bob", "bug/7"), comment("alice", "bug/7")},
			"Comments on tickets by alice and bob: bug 7"},
		{"one update of a package", []Notice{build(1, "info", "bob", "update/T-1"), build(2, "info", "alice", "update/T-1")},
			"Builds by alice and bob: tea (T-1)"},
		{"one build", []Notice{build(1, "info", "bob", "build/tea-1-1"), build(2, "info", "alice", "build/tea-1-1")},
			"Builds by alice and bob: tea-1-1"},
		{"one build in two applications", []Notice{build(1, "info", "bob", "build/tea-1-1"), func() Notice {
			n := build(2, "error", "ci", "build/tea-1-1", "a key of its own")
			n.App, n.Kind, n.KindName, n.Text = "ci", "ci.test", "Tests", "tea-1-1 failed its tests"
			return n
		}()}, "tea-1-1 failed its tests; build 1 of tea"},
		{"what nobody has is left out", []Notice{run(1, "info", "", ""), run(2, "info", "", "")},
			"Somebody made 4 builds, all good"},
		{"equal titles", func() []Notice {
			n := build(1, "info", "bob", "x")
			return []Notice{n, n}
		}(), "[tea] build 1"},
		{"several kinds", []Notice{kind(build(1, "info", "bob", "x"), "start", "Builds started"),
			kind(build(2, "error", "al", "x"), "fail", "Builds failed"),
			kind(build(3, "info", "carol", "x"), "start", "Builds started")},
			"build 2 of tea; Builds started by bob and carol: tea"},
		{"a sentence of another kind is not used", []Notice{kind(func() Notice {
			n := run(1, "info", "bob", "t")
			n.Grouping.Keys, n.Objects = nil, []string{"x"}
			return n
		}(), "start", "Builds started"),
			build(2, "info", "bob", "x")}, "build 2 of tea; build 1 of tea"},
	} {
		groups := Merge(c.notices)
		if len(groups) != 1 || groups[0].Title != c.want {
			t.Errorf("%s: %d groups, the first %q, want %q", c.name, len(groups), groups[0].Title, c.want)
		}
	}
}

func TestSeries(t *testing.T) {
	for want, names := range map[string][]string{
		"": nil, "a": {"a", "a"}, "a and b": {"b", "a"}, "a, b and c": {"c", "a", "b"},
		"a, b and 2 others": {"d", "c", "b", "a", "d"},
	} {
		if got := series(names); got != want {
			t.Errorf("Series(%q) = %q, want %q", names, got, want)
		}
	}
}

func TestSpan(t *testing.T) {
	for want, g := range map[string]Group{
		"":                           {},
		"2026-03-04 05:00 UTC":       {First: at(0), Last: at(0).Add(59 * time.Second)},
		"2026-03-04 05:00–06:30 UTC": {First: at(0), Last: at(90)},
		"2026-03-04 05:00 – 2026-03-05 05:00 UTC": {First: at(0), Last: at(24 * 60)},
	} {
		if got := g.Span(); got != want {
			t.Errorf("Span = %q, want %q", got, want)
		}
	}
}

// A notice that an older version stored has no Grouping, and one of ours that has none is stored without it.
func TestStoredNoticesOfOlderVersions(t *testing.T) {
	var old Notice
	stored := `{"ID":"1","Topic":"t","App":"koji","Kind":"k","KindName":"Builds","Title":"one","Actor":"alice","Objects":["build/1"],"Severity":"info"}`
	if err := json.Unmarshal([]byte(stored), &old); err != nil {
		t.Fatal(err)
	}
	second := old
	second.ID, second.Title = "2", "two"
	if g := Merge([]Notice{old, second}); len(g) != 1 || g[0].Title != "Builds by alice: build 1" {
		t.Errorf("groups %+v", g)
	}
	if data, err := json.Marshal(old); err != nil || strings.Contains(string(data), "Grouping") {
		t.Errorf("%s, %v", data, err)
	}
}

func TestLinks(t *testing.T) {
	g := Merge([]Notice{build(1, "info", "a", "x"), build(2, "error", "b", "x"), build(1, "info", "a", "x"),
		build(3, "info", "", "x")})[0]
	if got := strings.Join(g.Links(2), " "); got != "https://example.org/2 https://example.org/1" {
		t.Errorf("Links(2) = %s", got)
	}
}

// Whatever notices there are: each is in exactly one group, the order holds, every line is bounded, and merging what
// was merged in another order gives the same groups.
func TestMergeLosesNothing(t *testing.T) {
	word := rapid.SampledFrom([]string{"", "a", "b", "c", strings.Repeat("é", 500), "\x00", "\xff"})
	words := rapid.SliceOfN(word, 0, 6)
	part := rapid.Custom(func(t *rapid.T) DigestPart {
		return DigestPart{Text: word.Draw(t, "text"), Name: rapid.SampledFrom([]string{"", "count", "failures", "actors", "a",
			"b"}).Draw(t, "name"),
			Sum: rapid.Bool().Draw(t, "sum"), One: word.Draw(t, "one"), Many: word.Draw(t, "many"), If: word.Draw(t, "if"),
			Unless: word.Draw(t, "unless")}
	})
	number := 0
	one := rapid.Custom(func(t *rapid.T) Notice {
		number++
		n := build(rapid.IntRange(0, 5000).Draw(t, "minute"), rapid.SampledFrom([]string{"", "debug", "info", "warning",
			"error", "critical", "odd"}).Draw(t, "severity"),
			word.Draw(t, "actor"), word.Draw(t, "object"), words.Draw(t, "keys")...)
		n.ID, n.Topic, n.Kind, n.App = fmt.Sprint(number), word.Draw(t, "topic"), word.Draw(t, "kind"), word.Draw(t, "app")
		n.Title, n.Text, n.Packages = text.ElideRunes(word.Draw(t, "title"), 120), word.Draw(t, "body"),
			words.Draw(t, "packages")
		n.Grouping.Template = rapid.SliceOfN(part, 0, 5).Draw(t, "plural")
		n.Grouping.Values = map[string][]string{"a": words.Draw(t, "values"), "b": {"9223372036854775807", "-7", "x"}}
		return n
	})
	rapid.Check(t, func(t *rapid.T) {
		notices := rapid.SliceOfN(one, 0, 40).Draw(t, "notices")
		groups := Merge(notices)
		seen := map[string]int{}
		for i, g := range groups {
			if i > 0 && rank(groups[i-1].Severity) < rank(g.Severity) {
				t.Fatalf("%q before %q", groups[i-1].Severity, g.Severity)
			}
			if utf8.RuneCountInString(g.Title) > maxSentence {
				t.Fatalf("a title of %d characters", utf8.RuneCountInString(g.Title))
			}
			for j, n := range g.Notices {
				seen[n.ID]++
				if n.Time.Before(g.First) || n.Time.After(g.Last) || rank(n.Severity) > rank(g.Severity) || j > 0 &&
					rank(g.Notices[j-1].Severity) < rank(n.Severity) {
					t.Fatalf("%s is not within its group", n.ID)
				}
			}
		}
		if len(seen) != len(notices) {
			t.Fatalf("%d notices went in, %d came out", len(notices), len(seen))
		}
		for id, times := range seen {
			if times != 1 {
				t.Fatalf("%s is there %d times", id, times)
			}
		}
		reversed := slices.Clone(notices)
		slices.Reverse(reversed)
		if again := Merge(reversed); len(again) != len(groups) {
			t.Fatalf("%d groups, in reverse %d", len(groups), len(again))
		}
	})
}

func BenchmarkMerge(b *testing.B) {
	var notices []Notice
	for i := range 1000 {
		notices = append(notices, build(i, "info", fmt.Sprintf("person%d", i%50), fmt.Sprintf("object/%d", i%200)))
	}
	b.ReportAllocs()
	for b.Loop() {
		Merge(notices)
	}
}

func TestTold(t *testing.T) {
	at := 0
	says := func(actor, object, sentence string) Notice {
		at++
		return Notice{App: "forge", Kind: "forge.x", KindName: "Tickets", Topic: "t", Actor: actor, Text: sentence,
			Title: "[forge] " + sentence, Objects: []string{object}, Time: time.Unix(int64(at), 0)}
	}
	for _, c := range []struct {
		want    string
		notices []Notice
	}{
		{"alice opened and pushed 3 times to, bob commented twice on and merged change acme/tool#8: Boil",
			[]Notice{says("alice", "pull/8", "alice opened change acme/tool#8: Boil"),
				says("bob", "pull/8", "bob commented on change acme/tool#8: Boil"),
				says("alice", "pull/8", "alice pushed to change acme/tool#8: Boil"),
				says("alice", "pull/8", "alice pushed to change acme/tool#8: Boil"),
				says("bob", "pull/8", "bob commented on change acme/tool#8: Boil"),
				says("alice", "pull/8", "alice pushed to change acme/tool#8: Boil"),
				says("bob", "pull/8", "bob merged change acme/tool#8: Boil")}},
		{"alice and bob commented on infra#7",
			[]Notice{says("alice", "ticket/7", "alice commented on infra#7: yes"), says("bob", "ticket/7", "bob commented on infra#7: no")}},
		{"alice uploaded patch 2 of, ci-bot reviewed change 12 of tea: Boil",
			[]Notice{says("alice", "change/12", "alice uploaded patch 2 of change 12 of tea (main): Boil"),
				says("", "change/12", "ci-bot reviewed change 12 of tea (+1): Boil")}},
		{"build of tea 1.0 failed",
			[]Notice{says("", "build/77", "build of tea 1.0 is running"), says("", "build/77", "build of tea 1.0 failed")}},
		{"bob closed infra#7; alice moved it to tea",
			[]Notice{says("alice", "ticket/7", "alice moved infra#7 to tea"), says("bob", "ticket/7", "bob closed infra#7")}},
		{"", []Notice{says("alice", "ticket/7", "alice closed infra#7"), says("bob", "ticket/8", "bob closed infra#8")}},
		{"", []Notice{says("", "ticket/7", "The check x passed for infra#7"), says("", "ticket/7", "The check y failed for infra#7")}},
		{"", []Notice{says("alice", "job/63", "alice commented on job 63: flaky"),
			says("", "job/63", "rhbz#1 was carried over from job 62 to job 63")}},
		{"", []Notice{says("alice", "ticket/", "alice closed a ticket"), says("bob", "ticket/", "")}},
	} {
		if got := told(c.notices); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
