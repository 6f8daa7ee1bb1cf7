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

// told makes an event with a payload that can be decoded, and a meaning that describe gives again.
func told(id string, second int, topic string, users, packages []string) *catalogue.Event {
	e := event(id, second, topic, users, packages)
	e.Payload = fmt.Appendf(nil, `{"topic": %q, "msg_id": %q, "timestamp": %d, "msg": {"users": %q, "packages": %q}}`,
		topic, id, e.Time.Unix(), strings.Join(users, " "), strings.Join(packages, " "))
	if len(users) > 0 {
		e.Actor = users[0]
	}
	return e
}

// describe says of a decoded message what told has said.
func describe(m *bus.Message) *catalogue.Event {
	body := m.Body.(map[string]any)
	e := told(m.ID, int(m.Time.Sub(noon)/time.Second), m.Topic, strings.Fields(body["users"].(string)), strings.Fields(body["packages"].(string)))
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
		all = append(all, told(fmt.Sprintf("m-%05d", i), random.IntN(3*86400)-3*86400, fmt.Sprintf("org.example.prod.app%d.x", random.IntN(4)), some("user", 9), some("package", 30)))
	}
	put(t, s, d, all...)
	if err := d.Writer.Exec("DELETE FROM message_facts WHERE message_id % 5 = 0").Error; err != nil {
		t.Fatal(err)
	}
	return all
}

var days = []time.Time{noon.Add(-72 * time.Hour), noon.Add(-48 * time.Hour), noon.Add(-24 * time.Hour)}

// sieves are questions, each with the plain form of what it asks.
var sieves = []struct {
	name string
	history.Sieve
	fits func(*catalogue.Event) bool
}{
	{"everything", history.Sieve{}, func(*catalogue.Event) bool { return true }},
	{"user", history.Sieve{Keys: []history.Key{{Field: "user", Value: "user3"}}}, func(e *catalogue.Event) bool { return slices.Contains(e.Users, "user3") }},
	{"actor", history.Sieve{Keys: []history.Key{{Field: "actor", Value: "user3"}}}, func(e *catalogue.Event) bool { return e.Actor == "user3" }},
	{"packages", history.Sieve{Keys: []history.Key{{Field: "package", Value: "package3"}, {Field: "package", Value: "package4"}, {Field: "package", Value: "package4"}}},
		func(e *catalogue.Event) bool {
			return slices.Contains(e.Packages, "package3") || slices.Contains(e.Packages, "package4")
		}},
	{"app", history.Sieve{Keys: []history.Key{{Field: "app", Value: "app2"}}}, func(e *catalogue.Event) bool { return e.App == "app2" }},
	{"topics", history.Sieve{Keys: []history.Key{{Field: "topic", Value: "org.example.prod.app2.x"}, {Field: "topic", Value: "org.example.prod.app3.x"}}},
		func(e *catalogue.Event) bool { return e.App == "app2" || e.App == "app3" }},
	{"kind", history.Sieve{Keys: []history.Key{{Field: "kind", Value: "app1.thing"}}}, func(e *catalogue.Event) bool { return e.Kind == "app1.thing" }},
	{"two fields", history.Sieve{Keys: []history.Key{{Field: "kind", Value: "app1.thing"}, {Field: "user", Value: "user3"}}},
		func(e *catalogue.Event) bool { return e.Kind == "app1.thing" || slices.Contains(e.Users, "user3") }},
	{"nothing can", history.Sieve{Keys: []history.Key{}}, func(*catalogue.Event) bool { return false }},
	{"late", history.Sieve{Since: noon.Add(-30 * time.Hour)}, func(e *catalogue.Event) bool { return e.Severity == 0 }},
}

// TestSiftFindsWhatFits asks each question in pages, by names alone and by whole messages, and compares with a loop.
func TestSiftFindsWhatFits(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		all := world(t, s, d, 1700)
		for _, test := range sieves {
			for _, whole := range []bool{false, true} {
				v := test.Sieve
				v.Describe, v.Days, v.Hits = describe, days, 300
				v.Names = test.fits
				if whole {
					v.Names, v.Whole = nil, test.fits
					v.Rough = func(_, _ string, payload []byte) (bool, bool) { return false, len(payload) == 0 }
				}
				var want []string
				perDay := make([]int, 3)
				for _, e := range all {
					if test.fits(e) && !e.Time.Before(v.Since) {
						want = append(want, e.ID)
						perDay[2-int(noon.Add(-1).Sub(e.Time)/(24*time.Hour))]++
					}
				}
				checkSift(t, s, fmt.Sprint(test.name, " ", whole), v, want, perDay)
			}
		}
	})
}

func checkSift(t *testing.T, s *history.Store, name string, v history.Sieve, want []string, perDay []int) {
	t.Helper()
	var got []string
	last := noon
	for page := 0; ; page++ {
		found, err := s.Sift(t.Context(), v)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !found.End || found.Matched != len(want)-len(got) || page == 0 && !slices.Equal(found.PerDay, perDay) {
			t.Fatalf("%s: page %d: matched %d, a day %v, end %v; want %d, %v", name, page, found.Matched, found.PerDay, found.End, len(want)-len(got), perDay)
		}
		for _, h := range found.Hits {
			if h.Time.After(last) || h.Event == nil || h.Event.ID != h.MsgID || h.Event.App != h.App {
				t.Fatalf("%s: hit %s at %v after one at %v, event %+v", name, h.MsgID, h.Time, last, h.Event)
			}
			last = h.Time
			got = append(got, h.MsgID)
		}
		if v.Before = found.Next; v.Before == (history.Spot{}) {
			break
		}
	}
	slices.Sort(got)
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("%s: found %d, want %d", name, len(got), len(want))
	}
}

// TestSiftSaysHowFarItCame bounds a search by number, by time and by the visitor's leaving.
func TestSiftSaysHowFarItCame(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		empty, err := s.Sift(t.Context(), history.Sieve{Since: days[0], Hits: 5})
		if err != nil || !empty.Empty || !empty.End || empty.Looked != 0 {
			t.Errorf("of nothing: %+v, %v", empty, err)
		}
		all := world(t, s, d, 1200)
		slices.SortFunc(all, func(a, b *catalogue.Event) int { return b.Time.Compare(a.Time) })
		v := history.Sieve{Since: days[0], Describe: describe, Hits: 5, Most: 700, Names: func(e *catalogue.Event) bool { return false }}
		some, err := s.Sift(t.Context(), v)
		if err != nil || some.Looked != 700 || some.End || !some.Reached.Equal(all[699].Time) {
			t.Errorf("of 700: looked at %d back to %v, end %v, %v; want %v", some.Looked, some.Reached, some.End, err, all[699].Time)
		}
		v.Before = some.Next
		rest, err := s.Sift(t.Context(), v)
		if err != nil || rest.Looked != 500 || !rest.End || !rest.Reached.Equal(all[1199].Time) || rest.Next != (history.Spot{}) {
			t.Errorf("of the rest: %+v, %v", rest, err)
		}
		late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
		defer cancel()
		if none, err := s.Sift(late, v); err != nil || none.Looked != 0 || none.End || none.Next != v.Before || !none.Reached.Equal(all[699].Time) {
			t.Errorf("without time: %+v, %v", none, err)
		}
		checkUntil(t, d, v, all)
		gone, leave := context.WithCancel(t.Context())
		v.Names = func(*catalogue.Event) bool { leave(); return false }
		v.Before, v.Most = history.Spot{}, 0
		if _, err := s.Sift(gone, v); !errors.Is(err, context.Canceled) {
			t.Errorf("after the visitor left: %v", err)
		}
	})
}

// checkUntil lets time be over after some messages, by names alone and by whole ones.
func checkUntil(t *testing.T, d *migrations.DB, v history.Sieve, all []*catalogue.Event) {
	t.Helper()
	for _, whole := range []bool{false, true} {
		now, n := noon, 0
		asked := func(*catalogue.Event) bool {
			if n++; n == 150 {
				now = now.Add(2 * time.Second)
			}
			return n%2 == 0
		}
		v.Before, v.Most, v.Until, v.Names, v.Whole = history.Spot{}, 0, noon.Add(time.Second), asked, nil
		if whole {
			v.Names, v.Whole = nil, asked
		}
		s := history.NewStore(d.Writer, d.Reader, func() time.Time { return now })
		found, err := s.Sift(t.Context(), v)
		if err != nil || found.End || found.Looked == 0 || found.Looked > 300 || !found.Reached.Equal(all[found.Looked-1].Time) {
			t.Errorf("whole %v: looked at %d back to %v, end %v, %v; want %v", whole, found.Looked, found.Reached, found.End, err, all[max(found.Looked, 1)-1].Time)
		}
	}
}

// TestSiftHoldsNobodyUp writes and reads while a search is at work.
func TestSiftHoldsNobodyUp(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		world(t, s, d, 600)
		n := 0
		v := history.Sieve{Describe: describe, Names: func(*catalogue.Event) bool {
			if n++; n%100 == 0 {
				put(t, s, d, told(fmt.Sprint("new-", n), -n, "org.example.prod.app1.x", nil, nil))
				if err := d.Reader.Exec("SELECT count(*) FROM messages").Error; err != nil {
					t.Error(err)
				}
			}
			return true
		}}
		if found, err := s.Sift(t.Context(), v); err != nil || found.Matched < 600 {
			t.Errorf("%+v, %v", found, err)
		}
	})
}

// TestSiftUsesIndexes asks for the plan of each statement: none may read a whole table.
func TestSiftUsesIndexes(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		fill(t, s, d, 4000)
		for field, value := range map[string]string{"": "", "topic": "org.example.prod.app3.thing3", "app": "app3", "kind": "app3.thing", "user": "user77", "package": "package77"} {
			seen := &explainer{t: t, postgres: d.Postgres}
			v := history.Sieve{Since: noon.Add(-time.Hour), Hits: 1, Most: 100}
			if field != "" {
				v.Keys = []history.Key{{Field: field, Value: value}}
			}
			if _, err := history.NewStore(nil, seen.open(d), time.Now).Sift(t.Context(), v); err != nil {
				t.Fatal(err)
			}
			for _, plan := range seen.plans {
				if strings.Contains(plan, "Seq Scan on messages") || strings.Contains(plan, "Seq Scan on message_p") || strings.Contains(plan, "Seq Scan on message_u") ||
					strings.Contains(plan, "SCAN k") && !strings.Contains(plan, "INDEX") || strings.Contains(plan, "TEMP B-TREE") {
					t.Errorf("%s: %s", field, plan)
				}
			}
		}
	})
}

// FuzzFacts reads what is no facts, and packs what it read.
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
			again.Severity != e.Severity || !slices.Equal(again.Users, e.Users) || !slices.Equal(again.Packages, e.Packages) {
			t.Errorf("%q: %+v, packed and unpacked %+v", data, e, again)
		}
	})
}

// What is too much to be packed is left out, and found all the same.
func TestSiftOfHugeSets(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		huge := told("huge", 1, "org.example.prod.app1.x", nil, manyNames(2000))
		put(t, s, d, huge)
		var n int64
		if err := d.Reader.Table("message_facts").Count(&n).Error; err != nil || n != 0 {
			t.Errorf("%d facts, %v", n, err)
		}
		v := history.Sieve{Describe: describe, Hits: 1, Keys: []history.Key{{Field: "package", Value: "package-1999"}},
			Names: func(e *catalogue.Event) bool { return slices.Contains(e.Packages, "package-1999") }}
		if found, err := s.Sift(t.Context(), v); err != nil || found.Matched != 1 || len(found.Hits) != 1 {
			t.Errorf("%+v, %v", found, err)
		}
	})
}
