package daemon

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/rulespec"
)

// A town is a set of users with filters, and the messages that reach them, for benchmarks. Few packages, people and
// words are frequent and most are rare. The same size always makes the same town.
type town struct {
	filters, people int
	packages, words []string
	pkg, word       skew
	person          skew
}

// perPerson is the number of filters of a person.
const perPerson = 10

func newTown(filters int) *town {
	random := rand.New(rand.NewPCG(11, 12))
	t := &town{filters: filters, people: max(1, filters/perPerson)}
	t.words, t.packages = invent(random, 20_000, ""), invent(random, 24_000, "python-", "rubygem-", "lib", "rust-", "", "")
	t.pkg, t.word, t.person = newSkew(len(t.packages), .9, 10), newSkew(len(t.words), .9, 20), newSkew(t.people, .9, 50)
	return t
}

// invent makes n different names from syllables, each with one of the prefixes.
func invent(random *rand.Rand, n int, prefixes ...string) []string {
	seen := map[string]bool{}
	for list := make([]string, 0, n); ; {
		var b strings.Builder
		b.WriteString(prefixes[random.IntN(len(prefixes))])
		for range 2 + random.IntN(3) {
			b.WriteByte("bcdfghklmnprstvz"[random.IntN(16)])
			b.WriteByte("aeiou"[random.IntN(5)])
			b.WriteString([]string{"", "l", "m", "n", "r", "st"}[random.IntN(6)])
		}
		if name := b.String(); !seen[name] {
			seen[name] = true
			if list = append(list, name); len(list) == n {
				return list
			}
		}
	}
}

// A skew draws the i-th item with a share of 1/(i+offset)^power.
type skew []float64

func newSkew(n int, power, offset float64) skew {
	s, sum := make(skew, n), 0.0
	for i := range s {
		sum += math.Pow(float64(i)+offset, -power)
		s[i] = sum
	}
	return s
}

func (s skew) draw(random *rand.Rand) int {
	return sort.SearchFloat64s(s, random.Float64()*s[len(s)-1])
}

func personName(i int) string { return fmt.Sprintf("p%06d", i) }

// townApps are the applications that filters name, frequent ones first. Three of them send messages.
var townApps = []string{"git", "buildsys", "bodhi", "copr", "pagure", "koschei", "anitya", "bugzilla", "openqa", "ci",
	"mbs", "planet"}

// rules draws the rules of a filter. Of a thousand filters, 700 select an application and a package, 230 a person, 50
// a pattern of package names, 19 an expression over texts, and one everything of an application except the owner's
// own actions.
func (t *town) rules(random *rand.Rand) []rulespec.Rule {
	rule := func(kind, param, value string) rulespec.Rule {
		return rulespec.Rule{Kind: kind, Args: rulespec.Args{param: {value}}}
	}
	pkg := t.packages[t.pkg.draw(random)]
	app := townApps[min(random.IntN(len(townApps)), random.IntN(len(townApps)))]
	switch k := random.IntN(1000); {
	case k < 700:
		return []rulespec.Rule{rule("app", "name", app), rule("package", "name", pkg)}
	case k < 900:
		return []rulespec.Rule{rule("user", "name", rulespec.Me)}
	case k < 930:
		return []rulespec.Rule{rule("user", "name", personName(t.person.draw(random)))}
	case k < 980:
		return []rulespec.Rule{rule("package", "name", pkg[:len(pkg)-random.IntN(3)]+"*")}
	case k < 999:
		return []rulespec.Rule{rule("regex", "pattern",
			t.words[random.IntN(len(t.words))]+".*"+t.words[random.IntN(len(t.words))])}
	}
	notMe := rule("user", "name", rulespec.Me)
	notMe.Not = true
	return []rulespec.Rule{rule("app", "name", app), notMe}
}

// message draws a message in two parts; its id goes between them.
func (t *town) message(random *rand.Rand) (topic, before, after string) {
	text := func(size int) string {
		var b strings.Builder
		for b.Len() < size {
			b.WriteString(t.words[t.word.draw(random)])
			b.WriteByte(" \n:"[max(0, random.IntN(8)-5)])
		}
		return b.String()
	}
	pkg, who := t.packages[t.pkg.draw(random)], personName(t.person.draw(random))
	var msg map[string]any
	switch k := random.IntN(100); {
	case k < 55:
		topic = "org.example.prod.git.receive"
		msg = map[string]any{"commit": map[string]any{
			"username": who, "repo": pkg, "branch": "rawhide", "rev": fmt.Sprintf("%040x", random.Uint64()), "email": who +
				"@example.org",
			"summary": text(30), "message": text(200), "patch": text(500 + random.IntN(4000)),
			"stats": map[string]any{"total": map[string]any{"lines": 12}},
		}}
	case k < 85:
		topic = "org.example.prod.buildsys.build.state.change"
		msg = map[string]any{"name": pkg, "version": "1.2", "release": "1.fc43", "owner": who, "build_id": random.IntN(1e6),
			"instance": "primary", "attribute": "state", "old": 0, "new": 1, "request": text(300)}
	default:
		topic = "org.example.prod.bodhi.update.comment"
		msg = map[string]any{"agent": who, "comment": map[string]any{"karma": 1, "text": text(100 + random.IntN(900)),
			"user": map[string]any{"name": who},
			"update": map[string]any{"title": pkg + "-1.2-1.fc43", "alias": "TOWN-1",
				"builds": []any{map[string]any{"nvr": pkg + "-1.2-1.fc43"}},
				"user":   map[string]any{"name": personName(t.person.draw(random))}}}}
	}
	body, err := json.Marshal(map[string]any{"topic": topic, "msg": msg, "timestamp": 1795262400, "i": 1,
		"username": "apache"})
	if err != nil {
		panic(err)
	}
	return topic, `{"msg_id":"`, `",` + string(body[1:])
}

// settle stores the town's people, with an address each, and their filters.
func (t *town) settle(b testing.TB, d *migrations.DB) {
	random := rand.New(rand.NewPCG(21, uint64(t.filters)))
	err := d.Writer.Transaction(func(tx *gorm.DB) error {
		const rows = 1000
		insert := func(table, columns, tuple string, n int, row func(i int) []any) error {
			for from := 0; from < n; from += rows {
				some := min(rows, n-from)
				var args []any
				for i := from; i < from+some; i++ {
					args = append(args, row(i)...)
				}
				err := tx.Exec("INSERT INTO "+table+" ("+columns+") VALUES "+strings.Repeat(tuple+",", some-1)+tuple, args...).Error
				if err != nil {
					return err
				}
			}
			return nil
		}
		err := insert("users", "id, name, zone, created_at", "(?, ?, '', 0)", t.people,
			func(i int) []any { return []any{i + 1, personName(i)} })
		if err != nil {
			return err
		}
		err = insert("destinations", "user_id, backend, address, confirmed, is_on, disabled, every, at_count, at_time, weekdays, created_at",
			"(?, 'email', ?, true, true, '', ?, 0, '', 0, 0)", t.people, func(i int) []any {
				every := 0
				if i%10 == 0 { // has a digest
					every = 24 * 3600e6
				}
				return []any{i + 1, personName(i) + "@example.org", every}
			})
		if err != nil {
			return err
		}
		return insert("filters", "user_id, name, rules, is_on, one_shot, chosen, created_at, updated_at",
			"(?, ?, ?, true, false, false, 0, 0)",
			t.filters, func(i int) []any {
				text, err := rulespec.MarshalRules(t.rules(random))
				if err != nil {
					panic(err)
				}
				return []any{i/perPerson%t.people + 1, "Filter " + strconv.Itoa(i%perPerson), text}
			})
	})
	if err != nil {
		b.Fatal(err)
	}
}

// townDatabase returns the path of a database that contains the town and may be written to. NOTIFYD_TOWN names a
// folder that keeps the database for the next run: millions of filters take minutes to make.
func townDatabase(b testing.TB, t *town) string {
	path := filepath.Join(b.TempDir(), "notifyd.db")
	kept := path
	if folder := os.Getenv("NOTIFYD_TOWN"); folder != "" {
		kept = filepath.Join(folder, fmt.Sprintf("town-%d.db", t.filters))
	}
	if _, err := os.Stat(kept); err != nil {
		d, err := migrations.Open(b.Context(), kept+".new")
		if err != nil {
			b.Fatal(err)
		}
		t.settle(b, d)
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
		if err := os.Rename(kept+".new", kept); err != nil {
			b.Fatal(err)
		}
	}
	if kept != path {
		data, err := os.ReadFile(kept)
		if err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return path
}

// townFilters returns the number of filters for benchmarks: NOTIFYD_FILTERS, or few.
func townFilters(b testing.TB) int {
	text := os.Getenv("NOTIFYD_FILTERS")
	if text == "" {
		return 1000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("NOTIFYD_FILTERS=%q is no number of filters", text)
	}
	return n
}
