package web

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

var benchNow = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// BenchmarkPreview measures what a preview costs: ten matches and the counts of thirty days, which come in one answer.
// NOTIFYD_MESSAGES says among how many messages; they are made once for each database. The log
// tells how many were looked at one by one, and how far back the answer goes; cpu-ms is this process alone.
func BenchmarkPreview(b *testing.B) {
	n, _ := strconv.Atoi(os.Getenv("NOTIFYD_MESSAGES"))
	if n == 0 {
		n = 3000
	}
	measure := func(b *testing.B, d *migrations.DB) {
		s := benchSite(b, d)
		start := time.Now()
		fillMonth(b, s, d, n)
		b.Logf("%d messages made in %.0f s", n, time.Since(start).Seconds())
		req := &request{site: s, zone: time.UTC, user: prefs.User{Name: "person7"}}
		for _, c := range previews {
			b.Run(strings.ReplaceAll(c.name, " ", "_"), func(b *testing.B) { req.bench(b, c.rules) })
		}
	}
	b.Run("sqlite", func(b *testing.B) { measure(b, migratest.Open(b, migratest.SQLite(b))) })
	b.Run("postgres", func(b *testing.B) { measure(b, migratest.Open(b, migratest.Postgres(b))) })
}

func (req *request) bench(b *testing.B, rules []rulespec.Rule) {
	d := draft{filter: prefs.Filter{Filter: rulespec.Filter{Rules: rules}}}
	var p previewView
	var times []time.Duration
	begun := spent()
	for b.Loop() {
		start := time.Now()
		var err error
		if p, err = req.preview(b.Context(), d); err != nil || p.Problem != "" {
			b.Fatal(p.Problem, err)
		}
		times = append(times, time.Since(start))
	}
	b.ReportMetric(float64((spent()-begun).Microseconds())/1000/float64(len(times)), "cpu-ms")
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(float64(times[len(times)-1].Microseconds())/1000, "max-ms")
	b.ReportMetric(float64(p.Matched), "matched")
	b.ReportMetric(0, "ns/op")
	b.Log(p.Scope)
}

// spent is the processor time of this process so far: what a preview costs when others use the machine too.
func spent() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used) // it fails for no arguments that exist
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func one(kind, param, value string) rulespec.Rule {
	return rulespec.Rule{Kind: kind, Args: rulespec.Args{param: {value}}}
}

func but(kind, param, value string) rulespec.Rule {
	r := one(kind, param, value)
	r.Not = true
	return r
}

var previews = []struct {
	name  string
	rules []rulespec.Rule
}{
	{"package", []rulespec.Rule{one("package", "name", "package900")}},
	{"frequent package", []rulespec.Rule{one("package", "name", "package1")}},
	{"user", []rulespec.Rule{one("user", "name", rulespec.Me)}},
	{"my packages", []rulespec.Rule{one("owner", "user", rulespec.Me), but("actor", "name", rulespec.Me)}},
	{"group", []rulespec.Rule{one("group", "name", "packagers")}},
	{"app", []rulespec.Rule{one("app", "name", "app19")}},
	{"largest app", []rulespec.Rule{one("app", "name", "buildsys")}},
	{"kind", []rulespec.Rule{one("kind", "name", "buildsys.build.failed")}},
	{"pattern", []rulespec.Rule{one("package", "name", "*age90?")}},
	{"severity", []rulespec.Rule{one("severity", "least", "error")}},
	{"everything", []rulespec.Rule{{Kind: "everything"}}},
	{"only negations", []rulespec.Rule{
		{Kind: "everything"}, but("app", "name", "git"), but("user", "name", "person1"), but("package", "name", "package1*"),
	}},
	{"package and text", []rulespec.Rule{one("package", "name", "package90"), one("regex", "pattern", "word7 .*word9")}},
	{"rare text", []rulespec.Rule{one("regex", "pattern", "xylo(phone|graph)")}},
	{"text never", []rulespec.Rule{one("regex", "pattern", "zyzzyva-[0-9]+")}},
	{"frequent text", []rulespec.Rule{one("regex", "pattern", "word1 ")}},
	{"not text", []rulespec.Rule{{Kind: "everything"}, but("regex", "pattern", "zyzzyva-[0-9]+")}},
}

func benchSite(b *testing.B, d *migrations.DB) *site {
	meaning, err := catalogue.Embedded()
	if err != nil {
		b.Fatal(err)
	}
	var people strings.Builder
	people.WriteString("groups: {packagers: [person7, person300, person4000]}\npackages:\n")
	for i := range 24000 {
		fmt.Fprintf(&people, "  package%d: {owner: [person%d]}\n", i, i%600)
	}
	dir, err := directory.Parse([]byte(people.String()))
	if err != nil {
		b.Fatal(err)
	}
	now := func() time.Time { return benchNow }
	s := &site{Options: Options{
		History: history.NewStore(d.Writer, d.Reader, now), Describe: meaning.Describe, Now: now,
		RuleKinds: rulespec.RuleKinds,
		Directory: func() rulespec.Directory { return dir },
	}}
	s.fillIn()
	s.previewMost = previewMost
	return s
}

// fillMonth appends n messages of the last thirty days, of some 1.7 KB: few packages, people and applications have
// most.
func fillMonth(b *testing.B, s *site, d *migrations.DB, n int) {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	for start := 0; start < n; start += 1000 {
		var events []*catalogue.Event
		for i := start; i < min(start+1000, n); i++ {
			at := benchNow.Add(-time.Duration(n-i) * (30 * 24 * time.Hour / time.Duration(n+1)))
			events = append(events, someMessage(b, s, random, i, at))
		}
		err := d.Writer.Transaction(func(tx *gorm.DB) error {
			_, err := s.History.Append(tx, events)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	tidy := "ANALYZE"
	if d.Postgres {
		tidy = "VACUUM ANALYZE" // as autovacuum does
	}
	if err := d.Writer.Exec(tidy).Error; err != nil {
		b.Fatal(err)
	}
}

func someMessage(b *testing.B, s *site, random *rand.Rand, i int, at time.Time) *catalogue.Event {
	pkg, person := rank(random, 24000, "package"), rank(random, 5000, "person")
	var text strings.Builder
	for size := 300 + random.IntN(1400) + random.IntN(1400); text.Len() < size; {
		text.WriteString(rank(random, 40000, "word") + " ")
	}
	if i%50021 == 7 {
		text.WriteString("xylophone")
	}
	var topic string
	var body map[string]any
	switch k := random.IntN(100); {
	case k < 40:
		topic = "org.example.prod.buildsys.build.state.change"
		body = map[string]any{
			"name": pkg, "version": "5.3", "release": "1", "owner": person, "old": 0, "new": random.IntN(5), "build_id": i,
			"instance": "primary", "request": text.String(),
		}
	case k < 65:
		topic = "org.example.prod.git.receive"
		body = map[string]any{"commit": map[string]any{
			"username": person, "repo": pkg, "branch": "main", "rev": fmt.Sprint("r", i), "summary": "Change",
			"message": text.String(), "agent": person,
		}}
	default:
		topic = fmt.Sprintf("org.example.prod.app%d.thing%d.changed", random.IntN(20), random.IntN(6))
		body = map[string]any{
			"user": map[string]any{"name": person}, "agent": person, "package": map[string]any{"name": pkg},
			"text": text.String(),
		}
	}
	payload, err := json.Marshal(map[string]any{
		"topic": topic, "msg_id": fmt.Sprintf("2026-%08d", i), "timestamp": at.Unix(), "i": i, "msg": body,
	})
	if err != nil {
		b.Fatal(err)
	}
	m, err := bus.Decode(bus.Frame{Source: "bench", Topic: topic, Payload: payload}, at)
	if err != nil {
		b.Fatal(err)
	}
	return s.Describe(m)
}

// rank draws one of n names, the first ones most: the i-th about as often as 1/i.
func rank(random *rand.Rand, n int, name string) string {
	return name + strconv.Itoa(min(n-1, int(math.Pow(float64(n), random.Float64()))))
}
