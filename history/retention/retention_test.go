package retention_test

import (
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/history/retention"
)

func TestFirstRuleThatFitsDecides(t *testing.T) {
	rules, err := retention.New([]retention.Rule{
		{Source: "fedora", Kind: "bodhi.update.#", Keep: 8760 * time.Hour},
		{Kind: "#.unknown", Keep: time.Hour},
		{Topic: "org.*.prod.#", Source: "copr", Bytes: 1 << 20},
		{Source: "fedora", Keep: 48 * time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []struct {
		source, kind, topic string
		want                int
	}{
		{"fedora", "bodhi.update.comment", "org.fedoraproject.prod.bodhi.update.comment", 0},
		{"fedora", "bodhi.update", "a", 0},
		{"copr", "bodhi.update.comment", "org.fedoraproject.prod.bodhi", 2},
		{"copr", "bodhi.update.comment", "org.fedoraproject.stg.bodhi", -1},
		{"copr", "tea.unknown", "org.fedoraproject.prod.tea", 1},
		{"fedora", "tea.unknown", "org.fedoraproject.prod.tea", 1},
		{"fedora", "git.receive", "", 3},
		{"other", "git.receive", "x", -1},
	} {
		if got := rules.Which(m.source, m.kind, m.topic); got != m.want {
			t.Errorf("%v: rule %d decides, want %d", m, got, m.want)
		}
	}
	if got := rules.At(2).String(); got != "source=copr topic=org.*.prod.#" {
		t.Errorf("a rule is named %q", got)
	}
	var none *retention.Rules
	if none.Which("a", "b", "c") != -1 || none.Len() != 0 || none.Idle(nil, nil) != nil {
		t.Error("no rules decide")
	}
}

func TestMistakesNameTheirPlace(t *testing.T) {
	_, err := retention.New([]retention.Rule{
		{Kind: "git.*", Keep: time.Hour},
		{Kind: "git*", Keep: time.Minute},
		{Topic: "a..b", Bytes: 5},
		{Keep: time.Hour},
		{Source: "x"},
		{Kind: strings.Repeat("a.", 40) + "b", Keep: -time.Hour},
	})
	want := []string{"[1].kind: ", "[1].keep: 1m0s", "[2].topic: ", "[2].keep_bytes: 5", "[3]: fits nothing", "[4]: bounds nothing",
		"[5].kind: 41 words", "[5].keep: -1h0m0s"}
	if err == nil {
		t.Fatal("no mistake is found")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d mistakes:\n%v", len(lines), err)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("%q, want %q", line, want[i])
		}
	}
	if _, err := retention.New(make([]retention.Rule, retention.MaxRules+1)); err == nil {
		t.Error("any number of rules is taken")
	}
}

func TestIdleRules(t *testing.T) {
	day := 24 * time.Hour
	type list = []retention.Rule
	sources, kinds := []string{"fedora", "copr"}, []string{"git.receive", "git.push", "bodhi.update", "git.unknown"}
	for name, c := range map[string]struct {
		rules list
		says  string // "": nothing
	}{
		"each fits": {list{{Kind: "git.receive", Keep: day}, {Kind: "git.#", Keep: day},
			{Source: "copr", Keep: day}}, ""},
		"the same twice":         {list{{Kind: "git.#", Keep: day}, {Kind: "git.#", Keep: day}}, "[1] (kind=git.#) fits"},
		"a wider one first":      {list{{Kind: "git.#", Keep: day}, {Kind: "git.*", Source: "copr", Keep: day}}, "[1]"},
		"by the kinds there are": {list{{Kind: "git.*", Keep: day}, {Kind: "git.#", Keep: day}}, ""}, // git.a.b may come
		"kinds of another shape": {list{{Kind: "*.receive", Keep: day}, {Kind: "git.receive", Keep: day}}, "[1]"},
		"all of its kinds":       {list{{Kind: "bodhi.#", Keep: day}, {Kind: "#.update", Keep: day}}, "[1]"},
		"topics":                 {list{{Topic: "a.#", Keep: day}, {Topic: "a.*.c", Keep: day}}, "[1]"},
		"other topics":           {list{{Topic: "a.*", Keep: day}, {Topic: "a.#", Keep: day}}, ""},
		"topic and kind":         {list{{Topic: "a.#", Kind: "git.#", Keep: day}, {Kind: "git.#", Keep: day}}, ""},
		"no such source":         {list{{Source: "debian", Keep: day}}, "no source has the name debian"},
		"no such kind":           {list{{Kind: "gti.#", Keep: day}}, ""}, // gti.unknown may come
		"no such kind at all":    {list{{Kind: "git.recieve", Keep: day}}, "the catalogue has no kind"},
		"what is unknown":        {list{{Kind: "#.unknown", Keep: day}, {Kind: "tea.unknown", Keep: day}}, "[1]"},
	} {
		rules, err := retention.New(c.rules)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(rules.Idle(sources, kinds), "\n")
		if (c.says == "") != (got == "") || !strings.Contains(got, c.says) {
			t.Errorf("%s: %q, want %q", name, got, c.says)
		}
		if got := rules.Idle(nil, kinds); c.says != "" && strings.Contains(c.says, "source") && got != nil {
			t.Errorf("%s, with unknown sources: %v", name, got)
		}
	}
}

// FuzzCovers: where one rule is said to fit all that another fits, it does.
func FuzzCovers(f *testing.F) {
	f.Add("a.#", "a.*.c", "a.b.c")
	f.Add("#.a.#.b", "#.b", "a.b")
	f.Add("*.*", "#", "a.b")
	f.Fuzz(func(t *testing.T, first, second, topic string) {
		rules, err := retention.New([]retention.Rule{{Topic: first, Keep: time.Hour}, {Topic: second, Keep: time.Hour}})
		if err != nil || rules.Idle(nil, nil) == nil {
			return
		}
		if rules.MatchesTopic(1, topic) && !rules.MatchesTopic(0, topic) {
			t.Errorf("%s is said to fit all of %s, but not %s", first, second, topic)
		}
	})
}
