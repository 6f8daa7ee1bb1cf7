package rules_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A chronicle is a matcher's versions one after the other, and what the loop answers in each of them.
type chronicle struct {
	dirs    []rulespec.Directory
	events  []*catalogue.Event
	steps   []chronicleStep
	answers [][][]rulespec.FilterID // by version, then by event and directory
	cases   int
}

// A chronicleStep leads from one version to the next: changes applied at once, or everything compiled anew in another
// environment.
type chronicleStep struct {
	changes []rules.Change
	reload  bool
	env     rulespec.Env
	filters []rulespec.Filter
}

const (
	chronicleSteps  = 200
	chronicleEvents = 16
)

// newChronicle writes a chronicle: of small changes, of pairs of filters of which exactly one matches at any time, of
// indexes built anew because much has gone, and of catalogues that lose and gain a kind of message.
func newChronicle(t *testing.T, seed string) *chronicle {
	s := newStory(t, []byte(seed), new(tally))
	s.most, s.wide = 150, 20
	c := &chronicle{dirs: s.dirs}
	for range chronicleEvents {
		c.events = append(c.events, s.event())
	}
	table := newTable(rulespec.Env{})
	s.table = table
	c.write(table, nil)
	for i := range chronicleSteps {
		var step chronicleStep
		switch {
		case i%25 == 24:
			if step.reload = true; i%50 == 24 {
				step.env.KnowsKind = func(name string) bool { return name != "wiki.edit" }
			}
			table.move(step.env)
			step.filters = table.filters()
		case i%60 == 10:
			f := rulespec.Filter{ID: 9999, Owner: "carol", Rules: []rulespec.Rule{rule("app", "name", "none")}}
			step.changes = slices.Repeat([]rules.Change{{Filter: f}}, 11_000)
		default:
			for range 1 + s.below(6) {
				step.changes = append(step.changes, s.draw())
			}
			step.changes = append(step.changes, pair(i)...)
		}
		table.apply(step.changes)
		c.steps = append(c.steps, step)
		c.write(table, &step)
	}
	return c
}

// pair gives two filters of two people that take turns at matching everything, and where they are posted.
func pair(i int) []rules.Change {
	everything := rulespec.Rule{Kind: "everything"}
	places := [][]rulespec.Rule{
		{everything},
		{everything, not(rule("app", "name", "none"))},
		{everything, not(rule("user", "name", "nobody"))},
		{everything, not(rule("regex", "pattern", "no such text"))},
	}
	never := []rulespec.Rule{everything, rule("app", "name", "none")}
	a := rulespec.Filter{ID: 5001, Owner: "alice", Rules: places[i%len(places)]}
	b := rulespec.Filter{ID: 5002, Owner: "bob", Rules: never}
	if i%2 == 1 {
		a.Rules, b.Rules = b.Rules, a.Rules
	}
	if i%3 == 0 {
		return []rules.Change{{Filter: b}, {Filter: a}}
	}
	return []rules.Change{{Filter: a}, {Filter: b}}
}

// write adds what the loop answers now; only of filters that a step has changed it asks again.
func (c *chronicle) write(table *table, step *chronicleStep) {
	var last [][]rulespec.FilterID
	if len(c.answers) > 0 {
		last = c.answers[len(c.answers)-1]
	}
	var touched map[rulespec.FilterID]bool
	if step != nil && !step.reload {
		touched = map[rulespec.FilterID]bool{}
		for _, change := range step.changes {
			touched[change.Filter.ID] = true
		}
	}
	var now [][]rulespec.FilterID
	for _, e := range c.events {
		for _, dir := range c.dirs {
			subject := &rulespec.Subject{Event: e, Directory: dir}
			if touched == nil {
				ids, _ := table.loop().match(e, dir)
				c.cases += len(table.loop())
				now = append(now, ids)
				continue
			}
			ids := slices.DeleteFunc(slices.Clone(last[len(now)]), func(id rulespec.FilterID) bool { return touched[id] })
			for _, id := range slices.Sorted(maps.Keys(touched)) {
				if f, there := table.by[id]; there && f.match(subject) {
					ids = append(ids, id)
				}
			}
			c.cases += len(touched)
			slices.Sort(ids)
			now = append(now, ids)
		}
	}
	c.answers = append(c.answers, now)
}

// A live chronicle is one that is being played while readers ask.
type liveChronicle struct {
	*chronicle
	begun, done   atomic.Int64 // versions
	directory     atomic.Int64 // which of dirs is the present one
	index         atomic.Pointer[rules.Index]
	asked, during atomic.Int64
	over          atomic.Bool
}

// TestEveryAnswerIsOfOneVersion lets readers match while filters change, the catalogue and the
// directory are loaded again, and compares every answer with what the loop says of the versions that it may be of: the
// one before a change or the one after it, never a mixture, never neither.
func TestEveryAnswerIsOfOneVersion(t *testing.T) {
	for _, seed := range []string{"chronicle", "another one"} {
		before := goroutines()
		live := &liveChronicle{chronicle: newChronicle(t, seed)}
		live.index.Store(rules.NewIndex(rulespec.Env{}))
		var readers sync.WaitGroup
		for i := range 3 {
			readers.Go(func() { live.read(t, rand.New(rand.NewPCG(uint64(i), 9))) })
		}
		live.play(t)
		live.over.Store(true)
		readers.Wait()
		eventuallyFewer(t, before)
		t.Logf("%d versions, %d answers, %d of them during a change, %d cases",
			len(live.answers), live.asked.Load(), live.during.Load(), live.cases)
	}
}

// play goes through all versions, and lets readers have a few answers of each.
func (c *liveChronicle) play(t *testing.T) {
	for i, step := range c.steps {
		c.begun.Store(int64(i + 1))
		if step.reload {
			x := rules.NewIndex(step.env)
			if _, err := x.Load(stream(step.filters)); err != nil {
				t.Error(err)
			}
			c.index.Store(x)
		} else {
			c.index.Load().Apply(step.changes...)
		}
		c.done.Store(int64(i + 1))
		c.directory.Store(int64(i % len(c.dirs)))
		for from := c.asked.Load(); c.asked.Load() < from+6 && !t.Failed(); {
			yield()
		}
	}
}

func (c *liveChronicle) read(t *testing.T, random *rand.Rand) {
	var r rules.Result
	for !c.over.Load() && !t.Failed() {
		event, dir := random.IntN(len(c.events)), int(c.directory.Load())
		oldest := c.done.Load()
		c.index.Load().Find(&r, c.events[event], c.dirs[dir])
		newest := c.begun.Load()
		got := r.AppendTo(nil)
		slices.Sort(got)
		isOf := func(version [][]rulespec.FilterID) bool { return slices.Equal(version[event*len(c.dirs)+dir], got) }
		if !slices.ContainsFunc(c.answers[oldest:newest+1], isOf) {
			want := c.wanted(oldest, newest, event*len(c.dirs)+dir)
			t.Errorf("versions %d to %d: %v, want one of %v", oldest, newest, got, want)
		}
		if c.asked.Add(1); newest > oldest {
			c.during.Add(1)
		}
		if random.IntN(8) == 0 {
			c.readAll(t, &r, got)
		}
	}
}

// readAll reads a result in the other ways, when the filters may have changed since.
func (c *liveChronicle) readAll(t *testing.T, r *rules.Result, want []rulespec.FilterID) {
	var all []rulespec.FilterID
	for ids := range r.ByOwner {
		all = append(all, ids...)
	}
	slices.Sort(all)
	chosen := 0
	for id := range r.OnePerOwner {
		if _, there := slices.BinarySearch(want, id); !there {
			t.Errorf("OnePerOwner gives %d, which is not in %v", id, want)
		}
		chosen++
	}
	if r.Len() != len(want) || !slices.Equal(all, want) || chosen > len(want) || chosen == 0 && len(want) > 0 {
		t.Errorf("a result of %v has Len %d, ByOwner %v and %d chosen", want, r.Len(), all, chosen)
	}
}

func (c *chronicle) wanted(oldest, newest int64, at int) (list []string) {
	for _, version := range c.answers[oldest : newest+1] {
		list = append(list, fmt.Sprint(version[at]))
	}
	return slices.Compact(list)
}
