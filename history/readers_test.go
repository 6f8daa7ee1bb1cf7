package history_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// sourced makes messages of four sources, in which people, packages and topics do not depend on the source.
func sourced(n int) (all []*catalogue.Event) {
	for i := range n {
		e := decodable(fmt.Sprintf("m-%05d", i), i*60-3*86400, fmt.Sprintf("org.example.prod.app%d.x", i%3),
			[]string{fmt.Sprint("user", i%7), fmt.Sprint("user", i%5)}, []string{fmt.Sprint("package", i%11)})
		e.Source = []string{"main", "private", "hub", "secret"}[i*i%13%4]
		all = append(all, e)
	}
	return all
}

// without gives messages that may be seen, without those that may not.
func without(all []*catalogue.Event, among readers.Sources) (left []*catalogue.Event) {
	for _, e := range all {
		if among.Has(e.Source) {
			left = append(left, e)
		}
	}
	return left
}

var amongs = []readers.Sources{
	{Names: []string{"private"}}, {Names: []string{"private", "secret"}}, {Only: true, Names: []string{"hub"}},
	{Only: true, Names: []string{"hub", "private"}}, readers.None(), {Names: []string{"nothing of it"}},
}

// TestOthersDoNotSee: whatever is asked, the answer is that of a history which the hidden messages never entered.
func TestOthersDoNotSee(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		all := sourced(600)
		put(t, s, d, all...)
		oldStyle(t, d)
		for _, among := range amongs {
			t.Run(strings.ReplaceAll(among.Key(), "\x00", ","), func(t *testing.T) {
				bare := migratest.Copy(t)
				twin := history.NewStore(bare.Writer, bare.Reader, func() time.Time { return noon.Add(time.Hour) })
				put(t, twin, bare, without(all, among)...)
				sameSelections(t, s, twin, among)
				sameSearches(t, s, twin, among)
				sameScans(t, s, twin, among)
				sameVisits(t, s, twin, among)
				sameByID(t, s, all, among)
			})
		}
	})
}

// oldStyle takes from some messages what older versions did not store.
func oldStyle(t *testing.T, d *migrations.DB) {
	t.Helper()
	if err := d.Writer.Exec("DELETE FROM message_facts WHERE message_id % 5 = 0").Error; err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func sameSelections(t *testing.T, s, twin *history.Store, among readers.Sources) {
	t.Helper()
	ctx := t.Context()
	for _, sel := range []history.Selection{
		{}, {OldestFirst: true}, {Topics: anyOf("org.example.prod.app1.x")}, {Categories: anyOf("app1", "app2")},
		{Users: anyOf("user1")}, {Users: anyOf("user1", "user2", "user3"), Packages: anyOf("package4", "package5")},
		{Actors: anyOf("user2")}, {Packages: anyOf("package1")},
		{Users: history.Choice{None: []string{"user1", "user2"}}, Categories: history.Choice{None: []string{"app1"}}},
		{Users: anyOf("user1", "user2"), Since: noon.Add(-48 * time.Hour), Until: noon.Add(-47 * time.Hour)},
	} {
		restricted := sel
		restricted.Among = among
		name := fmt.Sprintf("%+v", sel)
		got, err := s.CountSelected(ctx, restricted)
		want, wrong := twin.CountSelected(ctx, sel)
		same(t, "count of "+name, []any{got, err}, []any{want, wrong})
		for skip := int64(0); skip < 60; skip += 20 {
			found, err := s.Select(ctx, restricted, skip, 20)
			expected, wrong := twin.Select(ctx, sel, skip, 20)
			same(t, name, []any{selectedIDs(found), err}, []any{selectedIDs(expected), wrong})
		}
		walked, expected := []string{}, []string{}
		err = s.Walk(ctx, restricted, func(r history.Record) bool { walked = append(walked, r.MsgID); return true })
		wrong = twin.Walk(ctx, sel, func(r history.Record) bool { expected = append(expected, r.MsgID); return true })
		same(t, "walk of "+name, []any{walked, err}, []any{expected, wrong})
		for _, by := range []string{"topic", "source", "day"} {
			got, err := s.Totals(ctx, restricted, by)
			want, wrong := twin.Totals(ctx, sel, by)
			same(t, "totals by "+by+" of "+name, []any{got, err}, []any{want, wrong})
		}
	}
}

func selectedIDs(found []history.Selected) []string {
	ids := []string{}
	for _, f := range found {
		ids = append(ids, f.MsgID)
	}
	return ids
}

func sameSearches(t *testing.T, s, twin *history.Store, among readers.Sources) {
	t.Helper()
	for _, q := range []history.Query{
		{}, {User: "user1"}, {Package: "package2"}, {App: "app1"}, {Topic: "org.example.prod.app2.x"},
		{Topic: "org.example.prod.app"}, {User: "user1", Package: "package3", App: "app0"},
	} {
		q.Limit = 25
		restricted := q
		restricted.Among = among
		for pages := 0; ; pages++ {
			got, next := search(t, s, restricted)
			want, follows := search(t, twin, q)
			same(t, fmt.Sprintf("page %d of %+v", pages, q), got, want)
			if (next == 0) != (follows == 0) {
				t.Errorf("page %d of %+v: next %d, want %d", pages, q, next, follows)
			}
			if next == 0 || follows == 0 {
				break
			}
			restricted.Before, q.Before = next, follows
		}
	}
}

func sameScans(t *testing.T, s, twin *history.Store, among readers.Sources) {
	t.Helper()
	for _, test := range filters {
		for _, whole := range []bool{false, true} {
			q := history.ScanQuery{
				Filter: filter{test.keys, test.matches, whole}, Since: test.since, Describe: describe, Days: days, Hits: 30,
			}
			want, wrong := twin.Scan(t.Context(), q)
			q.Among = among
			got, err := s.Scan(t.Context(), q)
			for _, r := range []*history.ScanResult{&got, &want} {
				for i := range r.Hits {
					r.Hits[i].ID, r.Hits[i].Event = 0, nil
				}
				r.Next.ID = 0
			}
			same(t, "scan of "+test.name, []any{got, err}, []any{want, wrong})
		}
	}
}

func sameVisits(t *testing.T, s, twin *history.Store, among readers.Sources) {
	t.Helper()
	for _, keys := range []map[string][]string{nil, {"user": {"user1", "user2"}}, {"app": {"app1"}}} {
		seen := func(s *history.Store, among readers.Sources) any {
			v := &counting{keys: keys}
			all, err := s.Visit(t.Context(), history.VisitQuery{
				Until: noon.Add(time.Hour), Among: among, Describe: describe,
			}, v)
			return []any{v.seen, all, err}
		}
		same(t, fmt.Sprintf("visit of %v", keys), seen(s, among), seen(twin, readers.Sources{}))
	}
}

// counting is a history.Visitor that counts.
type counting struct {
	keys map[string][]string
	seen int
}

func (c *counting) Keys(...string) map[string][]string         { return c.keys }
func (c *counting) Names(*catalogue.Event) (whole bool)        { c.seen++; return false }
func (c *counting) Whole(_ *catalogue.Event, named bool) error { c.seen++; return nil }

// sameByID: a pasted id of a hidden message is like one that was never given.
func sameByID(t *testing.T, s *history.Store, all []*catalogue.Event, among readers.Sources) {
	t.Helper()
	keeper := s.Keeper(func() readers.Sources { return among })
	for _, e := range all[:50] {
		_, err := s.Get(t.Context(), e.ID, among)
		_, wrong := s.SelectedByID(t.Context(), e.ID, among)
		kept, failed := keeper.Kept(t.Context(), bus.KeptQuery{IDs: []string{e.ID}}, 10, 1<<20)
		hidden := !among.Has(e.Source)
		if errors.Is(err, history.ErrNotFound) != hidden || errors.Is(wrong, history.ErrNotFound) != hidden ||
			(len(kept) == 0) != hidden || failed != nil {
			t.Errorf("%s of %s: %v, %v, %d kept, %v", e.ID, e.Source, err, wrong, len(kept), failed)
		}
	}
	kept, err := keeper.Kept(t.Context(), bus.KeptQuery{First: 1, Last: 1 << 40}, 1000, 1<<30)
	if want := len(without(all, among)); len(kept) != want || err != nil {
		t.Errorf("%d are kept for others, %v, want %d", len(kept), err, want)
	}
}
