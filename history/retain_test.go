package history_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/retention"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A shelf is a history whose messages are received at the hours that a test says.
type shelf struct {
	t   *testing.T
	s   *history.Store
	d   *migrations.DB
	now time.Time
	n   int
}

func onShelves(t *testing.T, run func(*testing.T, *shelf)) {
	each(t, func(t *testing.T, _ *history.Store, d *migrations.DB) {
		sh := &shelf{t: t, d: d, now: noon}
		sh.s = history.NewStore(d.Writer, d.Reader, func() time.Time { return sh.now })
		run(t, sh)
	})
}

// put stores n messages of a source and a kind, sent so long before they are received.
func (sh *shelf) put(source, kind string, n int, late time.Duration) {
	sh.t.Helper()
	var events []*catalogue.Event
	for range n {
		sh.n++
		e := event(fmt.Sprintf("%06d", sh.n), 0, "org.example.prod."+kind, []string{"alice"}, []string{"bash"})
		e.Source, e.Kind, e.Time, e.Payload = source, kind, sh.now.Add(-late), make([]byte, 1000)
		events = append(events, e)
	}
	put(sh.t, sh.s, sh.d, events...)
}

func rulesOf(t *testing.T, list ...retention.Rule) *retention.Rules {
	t.Helper()
	rules, err := retention.New(list)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// prune runs one round, and says what is left by source and kind. What was foreseen goes, and nothing else.
func (sh *shelf) prune(keep history.Keep) string {
	sh.t.Helper()
	foreseen, err := sh.s.Foresee(sh.t.Context(), keep)
	if err != nil {
		sh.t.Fatal(err)
	}
	before := sh.s.Pruned()
	if _, err := sh.s.Prune(sh.t.Context(), keep); err != nil {
		sh.t.Fatal(err)
	}
	if got, want := fmt.Sprint(less(sh.s.Pruned(), before)), fmt.Sprint(foreseen); got != want {
		sh.t.Errorf("pruned   %s\nforeseen %s", got, want)
	}
	return sh.left()
}

func less(now, before []history.Pruned) []history.Pruned {
	var rest []history.Pruned
	for _, n := range now {
		for _, b := range before {
			if b.Rule == n.Rule && b.Why == n.Why {
				n.Messages, n.Bytes = n.Messages-b.Messages, n.Bytes-b.Bytes
			}
		}
		if n.Messages > 0 {
			rest = append(rest, n)
		}
	}
	return rest
}

func (sh *shelf) left() string {
	sh.t.Helper()
	var rows []struct {
		Source, Kind string
		N            int
	}
	err := sh.d.Reader.Raw("SELECT source, kind, count(*) AS n FROM messages GROUP BY source, kind ORDER BY source, kind").
		Scan(&rows).Error
	if err != nil {
		sh.t.Fatal(err)
	}
	var all []string
	for _, r := range rows {
		all = append(all, fmt.Sprintf("%s/%s %d", r.Source, r.Kind, r.N))
	}
	return strings.Join(all, ", ")
}

func (sh *shelf) want(name, got, want string) {
	sh.t.Helper()
	if got != want {
		sh.t.Errorf("%s: left are\n\t%s, want\n\t%s", name, got, want)
	}
}

const day = 24 * time.Hour

// TestRulesKeepShorterAndLonger lets time go by over messages that rules keep for a day, a year, and not at all.
func TestRulesKeepShorterAndLonger(t *testing.T) {
	onShelves(t, func(t *testing.T, sh *shelf) {
		keep := history.Keep{Age: 30 * day, Rules: rulesOf(t,
			retention.Rule{Source: "fedora", Kind: "announce.security", Keep: 365 * day},
			retention.Rule{Kind: "announce.#", Keep: 60 * day},
			retention.Rule{Topic: "org.example.prod.ci.#", Keep: day},
			retention.Rule{Source: "copr", Keep: 7 * day},
		)}
		for range 3 { // hours
			sh.put("fedora", "announce.security", 700, 0)
			sh.put("copr", "announce.security", 2, 0)
			sh.put("fedora", "ci.test", 1500, 0)
			sh.put("copr", "ci.test", 1, 0)
			sh.put("copr", "build", 3, 0)
			sh.put("fedora", "git", 4, 0)
			sh.now = sh.now.Add(time.Hour)
		}
		sh.want("at first", sh.prune(keep), "copr/announce.security 6, copr/build 9, copr/ci.test 3, "+
			"fedora/announce.security 2100, fedora/ci.test 4500, fedora/git 12")
		for _, step := range []struct {
			after time.Duration // the first
			want  string
		}{
			{day + 30*time.Minute, "copr/announce.security 6, copr/build 9, copr/ci.test 2, fedora/announce.security 2100, " +
				"fedora/ci.test 3000, fedora/git 12"},
			{2 * day, "copr/announce.security 6, copr/build 9, fedora/announce.security 2100, fedora/git 12"},
			{7*day + 90*time.Minute, "copr/announce.security 6, copr/build 3, fedora/announce.security 2100, fedora/git 12"},
			{30*day + 30*time.Minute, "copr/announce.security 6, fedora/announce.security 2100, fedora/git 8"},
			{60*day + 30*time.Minute, "copr/announce.security 4, fedora/announce.security 2100"},
			{365*day + 30*time.Minute, "fedora/announce.security 1400"},
			{366 * day, ""},
		} {
			sh.now = noon.Add(step.after)
			sh.want(step.after.String(), sh.prune(keep), step.want)
			sh.want("again", sh.prune(keep), step.want)
		}
	})
}

// TestRulesCountFromReception: what was sent long ago stays as long as what was sent just now.
func TestRulesCountFromReception(t *testing.T) {
	onShelves(t, func(t *testing.T, sh *shelf) {
		keep := history.Keep{Age: 30 * day, Rules: rulesOf(t, retention.Rule{Kind: "git", Keep: day})}
		sh.put("a", "git", 5, 0)
		sh.put("a", "git", 1200, 100*day)
		sh.now = noon.Add(2 * time.Hour)
		sh.put("a", "git", 7, 50*day)
		sh.want("at once", sh.prune(keep), "a/git 1212")
		sh.now = noon.Add(3 * time.Hour)
		sh.put("a", "git", 9, 80*day) // before the place that the round has come to
		sh.want("later", sh.prune(keep), "a/git 1221")
		sh.now = noon.Add(day + time.Minute)
		sh.want("the first", sh.prune(keep), "a/git 16")
		sh.now = noon.Add(day + 3*time.Hour + time.Minute)
		sh.want("the last", sh.prune(keep), "")
	})
}

// TestRuleBoundsBytes: the oldest of all that a rule decides of go, whatever their kind, and no others.
func TestRuleBoundsBytes(t *testing.T) {
	onShelves(t, func(t *testing.T, sh *shelf) {
		keep := history.Keep{Age: 30 * day, Rules: rulesOf(t,
			retention.Rule{Kind: "ci.kept", Keep: 60 * day},
			retention.Rule{Kind: "ci.#", Bytes: 1 << 20},
		)}
		for range 4 {
			sh.put("a", "ci.test", 200, 0)
			sh.put("b", "ci.build", 200, 0)
			sh.put("b", "ci.kept", 200, 0)
			sh.put("a", "git", 200, 0)
			sh.now = sh.now.Add(time.Hour)
		}
		var size int64
		if err := sh.d.Reader.Raw("SELECT max(size) FROM messages").Scan(&size).Error; err != nil {
			t.Fatal(err)
		}
		left := func() (total int64) {
			t.Helper()
			err := sh.d.Reader.Raw("SELECT coalesce(sum(size), 0) FROM messages WHERE kind IN ('ci.test', 'ci.build')").
				Scan(&total).Error
			if err != nil {
				t.Fatal(err)
			}
			return total
		}
		for range 5 {
			sh.prune(keep)
			if got := left(); got > 1<<20 || got < 1<<20-2*size {
				t.Errorf("%d bytes are left of a rule with 1 MiB", got)
			}
			sh.put("a", "ci.test", 30, 0)
			sh.now = sh.now.Add(time.Hour / 3)
		}
		got := sh.prune(keep)
		if !strings.Contains(got, "a/git 800") || !strings.Contains(got, "b/ci.kept 800") {
			t.Errorf("others went: %s", got)
		}
		sh.now = noon.Add(40 * day)
		sh.want("when all are old", sh.prune(keep), "b/ci.kept 800")
	})
}

// TestSizeSparesWhatIsKeptLonger: the bound of all takes what a rule keeps longer only when nothing else is left.
func TestSizeSparesWhatIsKeptLonger(t *testing.T) {
	onShelves(t, func(t *testing.T, sh *shelf) {
		rules := rulesOf(t, retention.Rule{Kind: "news", Keep: 365 * day})
		sh.put("a", "news", 300, 0)
		for range 6 {
			sh.put("a", "push", 300, 0)
		}
		size, err := sh.s.Size(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		each := size.Bytes / size.Messages
		sh.want("half", sh.prune(history.Keep{Bytes: 1000 * each, Age: 30 * day, Rules: rules}), "a/news 300, a/push 700")
		f := &flood{t: t, s: sh.s, d: sh.d}
		f.bound(history.Keep{Bytes: 1000 * each, Age: 30 * day, Rules: rules})
		for range 5 {
			f.more("a", 20, 100)
		}
		if got := sh.left(); !strings.Contains(got, "a/news 300") {
			t.Errorf("a flood drives out what is kept longer: %s", got)
		}
		sh.want("less than that", sh.prune(history.Keep{Bytes: 100 * each, Age: 30 * day, Rules: rules}), "a/news 100")
	})
}

// TestRulesUseIndexes: a round reads what goes and what it passes, not all that is kept.
func TestRulesUseIndexes(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		fill(t, s, d, 4000)
		seen := &explainer{t: t, postgres: d.Postgres}
		pruner := history.NewStore(d.Writer, seen.open(d), func() time.Time { return noon.Add(30 * time.Hour) })
		keep := history.Keep{Age: 720 * time.Hour, Rules: rulesOf(t,
			retention.Rule{Kind: "app1.#", Keep: day},
			retention.Rule{Topic: "org.example.prod.app2.#", Keep: 2 * day, Bytes: 1 << 20},
			retention.Rule{Kind: "app3.#", Keep: 1000 * time.Hour})}
		for range 2 {
			if _, err := pruner.Prune(t.Context(), keep); err != nil {
				t.Fatal(err)
			}
		}
		for _, plan := range seen.plans {
			if d.Postgres && (strings.Contains(plan, "GROUP BY") || strings.HasSuffix(strings.Split(plan, "\n")[0], "_seq")) {
				continue // it reads the rows where they are few, or a sequence
			}
			if strings.Contains(plan, "Seq Scan on messages") || strings.Contains(plan, "SCAN messages") &&
				!strings.Contains(plan, "INDEX") || strings.Contains(plan, "TEMP B-TREE") {
				t.Error(plan)
			}
		}
	})
}
