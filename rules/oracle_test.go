package rules_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rules/scan"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A story is filters that come, change and go, and events between that are matched and compared with the loop.
type story struct {
	*chooser
	t     testing.TB
	dirs  []rulespec.Directory
	plain *rules.Index
	saved *rules.Index // in some stories beside plain: it goes through snapshots
	table *table
	most  int // ids there are
	off   []rulespec.Filter
	tally *tally
}

// A tally is what stories have come to. A case is one filter compared on one event.
type tally struct {
	cases, stories, events, matches, changes, rebuilds, reloads, snapshots int
	seen                                                                   *coverage
}

func newStory(t testing.TB, data []byte, tally *tally) *story {
	s := &story{
		chooser: newChooser(data), t: t, dirs: []rulespec.Directory{nil}, tally: tally,
		plain: rules.NewIndex(rulespec.Env{}), table: newTable(rulespec.Env{}),
	}
	for _, text := range oracleDirectories {
		s.dirs = append(s.dirs, parseDirectory(t, text))
	}
	facts, err := directory.ParseFacts([]byte(worldDirectory))
	if err != nil {
		t.Fatal(err)
	}
	s.dirs = append(s.dirs, directory.Merge(directory.Policy{}, directory.Part{Name: "never reached"},
		directory.Part{Facts: facts}))
	tally.stories++
	return s
}

// play plays a story: short ones of few filters, and some of many.
func (s *story) play() {
	steps, filters := 2+s.below(30), 25
	if s.below(3) == 0 {
		s.saved = rules.NewIndex(rulespec.Env{})
	}
	if s.below(3) == 0 {
		filters, s.wide = 400, 60
		s.change(s.crowd(s.below(256) * 2))
	}
	s.most = filters
	for range steps {
		switch s.below(40) {
		case 0:
			s.reload()
		case 1:
			if s.below(60) == 0 {
				s.churn()
			}
		case 2, 3:
			s.snapshot()
		}
		var changes []rules.Change
		for range s.below(7) {
			changes = append(changes, s.draw())
		}
		s.change(changes)
		for range 1 + s.below(4) {
			s.check(s.event(), s.dirs[s.below(len(s.dirs))])
		}
	}
}

func (s *story) change(changes []rules.Change) {
	s.table.apply(changes)
	s.plain.Apply(changes...)
	if s.saved != nil {
		s.saved.Apply(changes...)
	}
	s.tally.changes += len(changes)
}

func (s *story) crowd(n int) (changes []rules.Change) {
	for i := range n {
		changes = append(changes, rules.Change{Filter: s.filter(rulespec.FilterID(i))})
	}
	return changes
}

// draw draws a change: of a new filter, or of one that is there, whole or in part.
func (s *story) draw() rules.Change {
	id := rulespec.FilterID(s.below(s.most)) << (s.below(2) * 40)
	old, there := s.table.by[id]
	f := old.text
	f.Rules = slices.Clone(f.Rules)
	switch what := s.below(8); {
	case what == 0 || what == 1 && !there:
		return rules.Change{Filter: rulespec.Filter{ID: id}, Gone: true}
	case what == 1: // switched off, to come again
		s.off = append(s.off, f)
		return rules.Change{Filter: f, Gone: true}
	case what == 2 && len(s.off) > 0:
		return rules.Change{Filter: s.off[s.below(len(s.off))]}
	case what == 3 && there: // somebody else's from now on
		f.Owner = s.one(people...)
	case what == 4 && len(f.Rules) > 0:
		f.Rules[s.below(len(f.Rules))].Not = s.below(2) == 0
	case what == 5 && len(f.Rules) > 0:
		f.Rules[s.below(len(f.Rules))] = s.rule()
	default:
		f = s.filter(id)
	}
	return rules.Change{Filter: f}
}

// reload compiles everything anew, as when the catalogue has lost or gained a kind of message.
func (s *story) reload() {
	var env rulespec.Env
	if s.below(2) == 0 {
		env.KnowsKind = func(name string) bool { return name == "git.receive" }
	}
	s.table.move(env)
	s.rebuild()
	if s.saved != nil {
		s.saved = rules.NewIndex(env)
		if _, err := s.saved.Load(stream(s.table.filters())); err != nil {
			s.t.Fatal(err)
		}
	}
	s.tally.reloads++
}

// rebuild makes the plain index anew.
func (s *story) rebuild() {
	s.plain = rules.NewIndex(s.table.env)
	for _, f := range s.table.filters() {
		s.plain.Apply(rules.Change{Filter: f})
	}
}

// snapshot writes the index out and goes on with what is read.
func (s *story) snapshot() {
	if s.saved == nil {
		return
	}
	var written bytes.Buffer
	if err := s.saved.WriteSnapshot(&written, "story"); err != nil {
		s.t.Fatal(err)
	}
	x, err := rules.ReadSnapshot(s.table.env, &written, "story")
	if err != nil {
		s.t.Fatal(err)
	}
	s.saved = x
	s.tally.snapshots++
}

// churn lets so many filters go that the index is stale, and makes another.
func (s *story) churn() {
	f := s.filter(rulespec.FilterID(s.below(s.most)))
	f.Rules = append(f.Rules[:0], rule("app", "name", "git"))
	s.change(slices.Repeat([]rules.Change{{Filter: f}}, 10_500+len(s.table.by)))
	if !s.plain.Stale() {
		s.t.Fatal("so much has gone, and the index is not stale")
	}
	s.rebuild()
	s.tally.rebuilds++
}

// check compares all that the indexes say of an event with what the loop says.
func (s *story) check(e *catalogue.Event, dir rulespec.Directory) {
	s.t.Helper()
	plain := s.table.loop()
	subject := &rulespec.Subject{Event: e, Directory: dir}
	want, owners := plain.match(e, dir)
	s.tally.cases += len(plain)
	s.tally.events++
	s.tally.matches += len(want)
	if got := s.plain.Match(e, dir); !slices.Equal(got, want) {
		s.t.Fatalf("Match = %v, want %v for %+v with %v", got, want, *e.Message, dir)
	}
	var r rules.Result
	s.plain.Find(&r, e, dir)
	checkResult(s.t, &r, want, owners)
	if s.saved != nil {
		s.saved.Find(&r, e, dir)
		checkResult(s.t, &r, want, owners)
	}
	if len(plain) == 0 {
		return
	}
	any := &plain[s.below(len(plain))]
	s.checkExplained(any, subject, want)
	checkScan(s.t, s.table.env, any, subject)
	if len(want) > 0 {
		compare := func(f looped, id rulespec.FilterID) int { return int(f.id) - int(id) }
		at, _ := slices.BinarySearchFunc(plain, want[s.below(len(want))], compare)
		s.checkExplained(&plain[at], subject, want)
		checkScan(s.t, s.table.env, &plain[at], subject)
	}
	if s.tally.seen != nil && s.tally.events%8 == 0 {
		s.tally.seen.add(plain, subject)
	}
}

// checkResult wants a Result to hold exactly these filters, in each way to read it.
func checkResult(t testing.TB, r *rules.Result, want []rulespec.FilterID, owners map[rulespec.FilterID]string) {
	t.Helper()
	if n := r.Len(); n != len(want) {
		t.Fatalf("Len = %d, want %d", n, len(want))
	}
	var all []rulespec.FilterID
	persons := map[string]bool{}
	for ids := range r.ByOwner {
		for _, id := range ids {
			if owners[id] != owners[ids[0]] || persons[owners[id]] {
				t.Fatalf("ByOwner gives %v, which are of %q, %q or were there before", ids, owners[id], owners[ids[0]])
			}
		}
		persons[owners[ids[0]]] = true
		all = append(all, ids...)
	}
	if slices.Sort(all); !slices.Equal(all, want) {
		t.Fatalf("ByOwner = %v, want %v", all, want)
	}
	each := map[string]bool{}
	for id := range r.OnePerOwner {
		owner, matches := owners[id]
		if !matches || each[owner] {
			t.Fatalf("OnePerOwner gives %d of %q, wanted: %v", id, owner, matches)
		}
		each[owner] = true
	}
	if len(each) != len(persons) {
		t.Fatalf("OnePerOwner gives %d owners, want %d", len(each), len(persons))
	}
}

// checkExplained wants an explanation to agree, also about what is a near miss.
func (s *story) checkExplained(f *looped, subject *rulespec.Subject, want []rulespec.FilterID) {
	s.t.Helper()
	matches := slices.Contains(want, f.id)
	x := rules.Explain(s.table.env, subject.Event, subject.Directory, f.text)
	if near := f.nearly(subject); x.Matched != matches || x.NearMiss != near {
		s.t.Fatalf("Explain(%+v) = %+v, want Matched %v, NearMiss %v", f.text, x, matches, near)
	}
}

// checkScan holds a filter's Scan to what the loop says: its names and its match decide as the filter does, and an
// event that it matches has one of its keys.
func checkScan(t testing.TB, env rulespec.Env, f *looped, s *rulespec.Subject) {
	t.Helper()
	one, err := scan.New(env, s.Directory, f.text)
	if f.wrong != (err != nil) {
		t.Fatalf("%+v: broken %v, scan.New says %v", f.text, f.wrong, err)
	}
	if err != nil {
		return
	}
	bare := &catalogue.Event{Message: &bus.Message{Topic: s.Topic, Standing: s.Standing}, App: s.App, Kind: s.Kind,
		Actor: s.Actor, Users: s.Users, Packages: s.Packages, Severity: s.Severity}
	matches := f.match(s)
	named, sure := one.Names(bare)
	if got := named && (sure || one.Match(s.Event)); got != matches || one.Match(s.Event) != matches {
		t.Fatalf("the scan of %+v says %v of %+v", f.text, got, s.Event)
	}
	if !matches {
		return
	}
	keys := one.Keys("topic", "app", "kind", "user", "package", "actor")
	has := keys == nil
	for field, values := range keys {
		one := func(v string) bool { return slices.Contains(values, v) }
		has = has || slices.ContainsFunc(s.AppendValues(nil, field), one)
	}
	if !has {
		t.Fatalf("%+v matches an event with none of %v", f.text, keys)
	}
}

// TestOracle plays stories until they have NOTIFYD_CASES cases: always the same ones by default, others each time
// when it is set.
func TestOracle(t *testing.T) {
	t.Parallel()
	most, _ := strconv.Atoi(os.Getenv("NOTIFYD_CASES"))
	seed := rand.Uint64()
	if most == 0 {
		most, seed = casesByDefault, 1
	}
	sum := &tally{seen: newCoverage()}
	for i := uint64(0); sum.cases < most; i++ {
		var data [8]byte
		binary.LittleEndian.PutUint64(data[:], seed+i)
		before := sum.stories
		play := func(t *testing.T) { newStory(t, data[:], sum).play() }
		if !t.Run(strconv.FormatUint(seed+i, 10), play) || sum.stories == before {
			return // it failed, or -run did not ask for it
		}
	}
	sum.seen.check(t)
	t.Logf("%d cases in %d stories from seed %d: %d events, %d matches, %d changes, %d rebuilds, %d reloads, %d snapshots",
		sum.cases, sum.stories, seed, sum.events, sum.matches, sum.changes, sum.rebuilds, sum.reloads, sum.snapshots)
}

func FuzzOracle(f *testing.F) {
	for _, seed := range []string{"", "a", "filters", "0123456789abcdefghijklmnopqrstuvwxyz"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) { newStory(t, data[:min(len(data), 4096)], new(tally)).play() })
}
