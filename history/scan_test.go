package history_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// decodable makes an event with a payload that can be decoded. describe returns the same meaning for its message.
func decodable(id string, second int, topic string, users, packages []string) *catalogue.Event {
	e := event(id, second, topic, users, packages)
	e.Payload = fmt.Appendf(nil, `{"topic": %q, "msg_id": %q, "timestamp": %d, "msg": {"users": %q, "packages": %q}}`,
		topic, id, e.Time.Unix(), strings.Join(users, " "), strings.Join(packages, " "))
	if len(users) > 0 {
		e.Actor = users[0]
	}
	return e
}

// describe returns the meaning of a decoded message, as decodable made it.
func describe(m *bus.Message) *catalogue.Event {
	body := m.Body.(map[string]any)
	e := decodable(m.ID, int(m.Time.Sub(noon)/time.Second), m.Topic, strings.Fields(body["users"].(string)),
		strings.Fields(body["packages"].(string)))
	e.Message = m
	return e
}

// world appends n messages of three days, some at the same time, some without facts as those of older versions.
func world(t *testing.T, s *history.Store, d *migrations.DB, n int) []*catalogue.Event {
	t.Helper()
	random := rand.New(rand.NewPCG(5, 6))
	some := func(name string, of int) (list []string) {
		for range random.IntN(3) {
			list = append(list, fmt.Sprint(name, random.IntN(of)))
		}
		slices.Sort(list)
		return slices.Compact(list)
	}
	var all []*catalogue.Event
	for i := range n {
		all = append(all, decodable(fmt.Sprintf("m-%05d", i), random.IntN(3*86400)-3*86400,
			fmt.Sprintf("org.example.prod.app%d.x", random.IntN(4)), some("user", 9), some("package", 30)))
	}
	put(t, s, d, all...)
	if err := d.Writer.Exec("DELETE FROM message_facts WHERE message_id % 5 = 0").Error; err != nil {
		t.Fatal(err)
	}
	return all
}

var days = []time.Time{noon.Add(-72 * time.Hour), noon.Add(-48 * time.Hour), noon.Add(-24 * time.Hour)}

// A filter is a history.Filter of functions. With whole, names are not enough for it to decide.
type filter struct {
	keys    map[string][]string
	matches func(*catalogue.Event) bool
	whole   bool
}

func (f filter) Keys(...string) map[string][]string { return f.keys }

func (f filter) Names(e *catalogue.Event) (matches, sure bool) {
	if f.whole {
		return true, false
	}
	return f.matches(e), true
}

func (f filter) Prefilter(_, _ string, payload []byte) (matches, sure bool) {
	return false, len(payload) == 0
}

func (f filter) Match(e *catalogue.Event) bool { return f.matches(e) }

func (f filter) Anew() bool { return false }

func anything(*catalogue.Event) bool { return true }

type keys = map[string][]string

// filters are filters with keys. Each has a plain form that means the same, and the time since which it is evaluated.
var filters = []struct {
	name    string
	keys    keys
	matches func(*catalogue.Event) bool
	since   time.Time
}{
	{"everything", nil, anything, time.Time{}},
	{"user", keys{"user": {"user3"}}, involves("user3"), time.Time{}},
	{"actor", keys{"actor": {"user3"}}, func(e *catalogue.Event) bool { return e.Actor == "user3" }, time.Time{}},
	{"packages", keys{"package": {"package3", "package4", "package4"}}, func(e *catalogue.Event) bool {
		return slices.Contains(e.Packages, "package3") || slices.Contains(e.Packages, "package4")
	}, time.Time{}},
	{"app", keys{"app": {"app2"}}, func(e *catalogue.Event) bool { return e.App == "app2" }, time.Time{}},
	{"topics", keys{"topic": {"org.example.prod.app2.x", "org.example.prod.app3.x"}},
		func(e *catalogue.Event) bool { return e.App == "app2" || e.App == "app3" }, time.Time{}},
	{"kind", keys{"kind": {"app1.thing"}}, func(e *catalogue.Event) bool { return e.Kind == "app1.thing" },
		time.Time{}},
	{"two fields", keys{"kind": {"app1.thing"}, "user": {"user3"}}, func(e *catalogue.Event) bool {
		return e.Kind == "app1.thing" || slices.Contains(e.Users, "user3")
	}, time.Time{}},
	{"user or actor", keys{"user": {"user3"}, "actor": {"user4"}}, func(e *catalogue.Event) bool {
		return e.Actor == "user4" || slices.Contains(e.Users, "user3")
	}, time.Time{}},
	{"nothing can", keys{}, func(*catalogue.Event) bool { return false }, time.Time{}},
	{"late", nil, func(e *catalogue.Event) bool { return e.Severity == 0 }, noon.Add(-30 * time.Hour)},
}

func involves(user string) func(*catalogue.Event) bool {
	return func(e *catalogue.Event) bool { return slices.Contains(e.Users, user) }
}

// TestScanFindsWhatMatches evaluates each filter in pages, by names alone and by whole messages, and compares the
// result with a loop.
func TestScanFindsWhatMatches(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		all := world(t, s, d, 1700)
		for _, test := range filters {
			for _, whole := range []bool{false, true} {
				q := history.ScanQuery{
					Filter: filter{test.keys, test.matches, whole}, Since: test.since, Describe: describe, Days: days,
					Hits: 300,
				}
				var want []string
				perDay := make([]int, 3)
				for _, e := range all {
					if test.matches(e) && !e.Time.Before(q.Since) {
						want = append(want, e.ID)
						perDay[2-int(noon.Add(-1).Sub(e.Time)/(24*time.Hour))]++
					}
				}
				checkScan(t, s, fmt.Sprint(test.name, " ", whole), q, want, perDay)
			}
		}
	})
}

func checkScan(t *testing.T, s *history.Store, name string, q history.ScanQuery, want []string, perDay []int) {
	t.Helper()
	var got []string
	last := noon
	for page := 0; ; page++ {
		found, err := s.Scan(t.Context(), q)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !found.End || found.Matched != len(want)-len(got) || page == 0 && !slices.Equal(found.PerDay, perDay) {
			t.Fatalf("%s: page %d: matched %d, a day %v, end %v; want %d, %v", name, page, found.Matched, found.PerDay,
				found.End, len(want)-len(got), perDay)
		}
		for _, h := range found.Hits {
			if h.Time.After(last) || h.Event == nil || h.Event.ID != h.MsgID || h.Event.App != h.App {
				t.Fatalf("%s: hit %s at %v after one at %v, event %+v", name, h.MsgID, h.Time, last, h.Event)
			}
			last = h.Time
			got = append(got, h.MsgID)
		}
		if q.Before = found.Next; q.Before == (history.Cursor{}) {
			break
		}
	}
	slices.Sort(got)
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("%s: found %d, want %d", name, len(got), len(want))
	}
}

// TestScanSaysHowFarItCame limits a scan by number, by time and by cancelling it.
func TestScanSaysHowFarItCame(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		empty, err := s.Scan(t.Context(), history.ScanQuery{Filter: filter{matches: anything}, Since: days[0], Hits: 5})
		if err != nil || !empty.Empty || !empty.End || empty.Looked != 0 {
			t.Errorf("of nothing: %+v, %v", empty, err)
		}
		all := world(t, s, d, 1200)
		slices.SortFunc(all, func(a, b *catalogue.Event) int { return b.Time.Compare(a.Time) })
		none := filter{matches: func(*catalogue.Event) bool { return false }}
		q := history.ScanQuery{Filter: none, Since: days[0], Describe: describe, Hits: 5, Most: 700}
		some, err := s.Scan(t.Context(), q)
		if err != nil || some.Looked != 700 || some.End || !some.Reached.Equal(all[699].Time) {
			t.Errorf("of 700: looked at %d back to %v, end %v, %v; want %v", some.Looked, some.Reached, some.End, err,
				all[699].Time)
		}
		q.Before = some.Next
		rest, err := s.Scan(t.Context(), q)
		if err != nil || rest.Looked != 500 || !rest.End || !rest.Reached.Equal(all[1199].Time) ||
			rest.Next != (history.Cursor{}) {
			t.Errorf("of the rest: %+v, %v", rest, err)
		}
		late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
		defer cancel()
		if none, err := s.Scan(late, q); err != nil || none.Looked != 0 || none.End || none.Next != q.Before ||
			!none.Reached.Equal(all[699].Time) {
			t.Errorf("without time: %+v, %v", none, err)
		}
		checkUntil(t, d, q, all)
		gone, leave := context.WithCancel(t.Context())
		q.Filter = filter{matches: func(*catalogue.Event) bool { leave(); return false }}
		q.Before, q.Most = history.Cursor{}, 0
		if _, err := s.Scan(gone, q); !errors.Is(err, context.Canceled) {
			t.Errorf("after the visitor left: %v", err)
		}
	})
}

// checkUntil lets the time limit pass after some messages, by names alone and by whole messages.
func checkUntil(t *testing.T, d *migrations.DB, q history.ScanQuery, all []*catalogue.Event) {
	t.Helper()
	for _, whole := range []bool{false, true} {
		now, n := noon, 0
		asked := func(*catalogue.Event) bool {
			if n++; n == 150 {
				now = now.Add(2 * time.Second)
			}
			return n%2 == 0
		}
		q.Filter, q.Before, q.Most, q.Until = filter{nil, asked, whole}, history.Cursor{}, 0, noon.Add(time.Second)
		s := history.NewStore(d.Writer, d.Reader, func() time.Time { return now })
		found, err := s.Scan(t.Context(), q)
		if err != nil || found.End || found.Looked == 0 || found.Looked > 300 ||
			!found.Reached.Equal(all[found.Looked-1].Time) {
			t.Errorf("whole %v: looked at %d back to %v, end %v, %v; want %v",
				whole, found.Looked, found.Reached, found.End, err, all[max(found.Looked, 1)-1].Time)
		}
	}
}

// TestScanHoldsNobodyUp writes and reads while a scan runs.
func TestScanHoldsNobodyUp(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		world(t, s, d, 600)
		n := 0
		matches := func(*catalogue.Event) bool {
			if n++; n%100 == 0 {
				put(t, s, d, decodable(fmt.Sprint("new-", n), -n, "org.example.prod.app1.x", nil, nil))
				if err := d.Reader.Exec("SELECT count(*) FROM messages").Error; err != nil {
					t.Error(err)
				}
			}
			return true
		}
		q := history.ScanQuery{Filter: filter{matches: matches}, Describe: describe}
		if found, err := s.Scan(t.Context(), q); err != nil || found.Matched < 600 {
			t.Errorf("%+v, %v", found, err)
		}
	})
}

// TestScanUsesIndexes explains the plan of each statement: none may read a whole table.
func TestScanUsesIndexes(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		fill(t, s, d, 4000)
		for field, value := range map[string]string{"": "", "topic": "org.example.prod.app3.thing3", "app": "app3",
			"kind": "app3.thing", "user": "user77", "package": "package77"} {
			seen := &explainer{t: t, postgres: d.Postgres}
			f := filter{matches: anything}
			if field != "" {
				f.keys = keys{field: {value}}
			}
			q := history.ScanQuery{Filter: f, Since: noon.Add(-time.Hour), Hits: 1, Most: 100}
			if _, err := history.NewStore(nil, seen.open(d), time.Now).Scan(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			for _, plan := range seen.plans {
				if strings.Contains(plan, "Seq Scan on messages") || strings.Contains(plan, "Seq Scan on message_p") ||
					strings.Contains(plan, "Seq Scan on message_u") ||
					strings.Contains(plan, "SCAN k") && !strings.Contains(plan, "INDEX") ||
					strings.Contains(plan, "TEMP B-TREE") {
					t.Errorf("%s: %s", field, plan)
				}
			}
		}
	})
}

// FuzzFacts unpacks arbitrary bytes, and packs the result again.
func FuzzFacts(f *testing.F) {
	f.Add([]byte("\x01\x14\x01a\x01b\x01c\x01d\x02\x01e\x01f\x00"))
	f.Add([]byte("\x01\x14\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Add([]byte("\x01\x14\x00\x00\x00\x00\xff\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, ok := history.Unpack(data)
		if !ok {
			return
		}
		again, ok := history.Unpack(history.Pack(e))
		if !ok || again.Topic != e.Topic || again.App != e.App || again.Kind != e.Kind || again.Actor != e.Actor ||
			again.Severity != e.Severity || !slices.Equal(again.Users, e.Users) ||
			!slices.Equal(again.Packages, e.Packages) {
			t.Errorf("%q: %+v, packed and unpacked %+v", data, e, again)
		}
	})
}

// TestScanOfHugeSets: sets that are too large to be packed are left out, and Scan still finds their messages.
func TestScanOfHugeSets(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		huge := decodable("huge", 1, "org.example.prod.app1.x", nil, manyNames(2000))
		put(t, s, d, huge)
		var n int64
		if err := d.Reader.Table("message_facts").Count(&n).Error; err != nil || n != 0 {
			t.Errorf("%d facts, %v", n, err)
		}
		f := filter{keys: keys{"package": {"package-1999"}}, matches: func(e *catalogue.Event) bool {
			return slices.Contains(e.Packages, "package-1999")
		}}
		q := history.ScanQuery{Filter: f, Describe: describe, Hits: 1}
		if found, err := s.Scan(t.Context(), q); err != nil || found.Matched != 1 || len(found.Hits) != 1 {
			t.Errorf("%+v, %v", found, err)
		}
	})
}
