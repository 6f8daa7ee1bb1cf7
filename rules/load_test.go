package rules_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// stream gives filters one after the other, as a store does.
func stream(filters []rulespec.Filter) iter.Seq2[rulespec.Filter, error] {
	return func(yield func(rulespec.Filter, error) bool) {
		for _, f := range filters {
			if !yield(f, nil) {
				return
			}
		}
	}
}

// found gives what an index finds, in order.
func found(x *rules.Index, e *catalogue.Event, dir rulespec.Directory) []rulespec.FilterID {
	var r rules.Result
	x.Find(&r, e, dir)
	ids := r.AppendTo(nil)
	slices.Sort(ids)
	return ids
}

// checkLoaded compares what an index finds of random events with the loop.
func checkLoaded(t *testing.T, c *chooser, x *rules.Index, plain loop, events int) {
	t.Helper()
	dirs := []rulespec.Directory{nil}
	for _, text := range oracleDirectories {
		dirs = append(dirs, parseDirectory(t, text))
	}
	for range events {
		e, dir := c.event(), dirs[c.below(len(dirs))]
		want, owners := plain.match(e, dir)
		var r rules.Result
		x.Find(&r, e, dir)
		got := r.AppendTo(nil)
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Fatalf("found %v, want %v for %+v", got, want, *e.Message)
		}
		checkOwners(t, &r, want, owners)
	}
}

// checkOwners wants a result to come owner by owner.
func checkOwners(t *testing.T, r *rules.Result, want []rulespec.FilterID, owners map[rulespec.FilterID]string) {
	t.Helper()
	seen, each := map[string]bool{}, map[string]bool{}
	var all []rulespec.FilterID
	for ids := range r.ByOwner {
		owner := owners[ids[0]]
		if seen[owner] || slices.ContainsFunc(ids, func(id rulespec.FilterID) bool { return owners[id] != owner }) {
			t.Fatalf("ByOwner gives %v, which are of several, or of %q again", ids, owner)
		}
		seen[owner] = true
		all = append(all, ids...)
	}
	if slices.Sort(all); !slices.Equal(all, want) {
		t.Fatalf("ByOwner = %v, want %v", all, want)
	}
	for id := range r.OnePerOwner {
		if each[owners[id]] || !seen[owners[id]] {
			t.Fatalf("OnePerOwner gives %d of %q, who has had one or has none", id, owners[id])
		}
		each[owners[id]] = true
	}
	if len(each) != len(seen) {
		t.Fatalf("OnePerOwner gives %d owners, want %d", len(each), len(seen))
	}
}

// TestLoadAgreesWithTheLoop loads random filters, some ids twice, changes some, loads more on top, and asks.
func TestLoadAgreesWithTheLoop(t *testing.T) {
	for seed := range uint64(200) {
		var data [8]byte
		binary.LittleEndian.PutUint64(data[:], seed)
		c := newChooser(data[:])
		x := rules.NewIndex(rulespec.Env{})
		var plain loop
		for range 1 + c.below(3) {
			var filters []rulespec.Filter
			wrong := 0
			for range c.random.IntN(80) {
				f := c.filter(rulespec.FilterID(c.below(60)) << (c.below(2) * 40))
				filters = append(filters, f)
				plain.apply(rules.Change{Filter: f})
				if plain[len(plain)-1].wrong {
					wrong++
				}
			}
			if broken, err := x.Load(stream(filters)); err != nil || len(broken) != wrong {
				t.Fatalf("seed %d: Load = %d broken, %v, want %d", seed, len(broken), err, wrong)
			}
			checkLoaded(t, c, x, plain, 5)
			for range c.below(10) {
				change := rules.Change{Filter: c.filter(rulespec.FilterID(c.below(60))), Gone: c.below(3) == 0}
				plain.apply(change)
				x.Apply(change)
			}
			checkLoaded(t, c, x, plain, 5)
		}
	}
}

// TestLoadMakesLargeNodes loads so many under few predicates that nodes have groups and groups several blocks, on top
// of a few that are posted there already; and takes most of them out again.
func TestLoadMakesLargeNodes(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	x := rules.NewIndex(rulespec.Env{})
	byID := map[rulespec.FilterID]looped{}
	load := func(n, ids int) {
		var filters []rulespec.Filter
		for range n {
			f := crowded(random, rulespec.FilterID(random.IntN(ids)+1))
			filters = append(filters, f)
			byID[f.ID] = newLooped(f)
		}
		if broken, err := x.Load(stream(filters)); err != nil || len(broken) > 0 {
			t.Fatalf("Load = %v, %v", broken, err)
		}
	}
	check := func() {
		t.Helper()
		var plain loop
		for _, f := range byID {
			plain = append(plain, f)
		}
		if n := x.Len(); n != len(plain) {
			t.Errorf("Len = %d, want %d", n, len(plain))
		}
		checkLoaded(t, newChooser([]byte(fmt.Sprint(random.Uint64()))), x, plain, 4)
	}
	load(1_000, 25_000)
	check()
	load(30_000, 25_000)
	check()
	for id := range byID {
		if id%7 > 0 {
			x.Apply(rules.Change{Filter: rulespec.Filter{ID: id}, Gone: true})
			delete(byID, id)
		}
	}
	check()
}

// TestLoadStopsAtAnError wants what came before the error to be there, and the error to come back.
func TestLoadStopsAtAnError(t *testing.T) {
	x := rules.NewIndex(rulespec.Env{})
	lost := errors.New("the store is gone")
	_, err := x.Load(func(yield func(rulespec.Filter, error) bool) {
		for i := range 2000 {
			f := put(i+1, "alice", rule("app", "name", "git")).Filter
			if !yield(f, nil) {
				return
			}
		}
		yield(rulespec.Filter{}, lost)
	})
	if !errors.Is(err, lost) || x.Len() != 2000 {
		t.Errorf("Load = %v with %d filters, want the error and 2000", err, x.Len())
	}
	if got := found(x, event("git", "git", "", nil), nil); len(got) != 2000 {
		t.Errorf("found %d, want 2000", len(got))
	}
}

// TestLoadTakesNothingWrongForRight loads rules that differ from right ones only in what makes them wrong.
func TestLoadTakesNothingWrongForRight(t *testing.T) {
	owner := func(name string, rules ...rulespec.Rule) rulespec.Filter {
		return rulespec.Filter{Owner: name, Rules: rules}
	}
	var filters []rulespec.Filter
	for range 3 { // wrong ones before right ones, and after
		filters = append(filters,
			owner("alice", rulespec.Rule{Kind: "severity", Args: rulespec.Args{"least": {"info", "info"}}}),
			owner("alice", rule("severity", "least", "info")),
			owner("alice", rule("app", "name", "a\x00b")),
			owner("alice", rule("app", "name", "a", "b")),
			owner("alice", rulespec.Rule{Kind: "app", Args: rulespec.Args{"name": {"a"}, "b": nil}}),
			owner("", rule("user", "name", rulespec.Me)),
			owner("alice", rule("user", "name", rulespec.Me)),
		)
	}
	for i := range filters {
		filters[i].ID = rulespec.FilterID(i + 1)
	}
	x := rules.NewIndex(rulespec.Env{})
	broken, err := x.Load(stream(filters))
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, b := range broken {
		got = append(got, int(b.Filter-1)%7)
	}
	if want := []int{0, 2, 4, 5, 0, 2, 4, 5, 0, 2, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("broken are %v, want %v", got, want)
	}
}

// TestLoadIsSeenAsAWhole loads into an empty index and into a full one while others look: they find all or nothing of
// it.
func TestLoadIsSeenAsAWhole(t *testing.T) {
	x := rules.NewIndex(rulespec.Env{})
	var filters []rulespec.Filter
	for i := range 3000 {
		f := put(i+1, fmt.Sprint("p", i/10), rule("app", "name", "git")).Filter
		if i%3 == 0 {
			topic := not(rule("topic", "pattern", fmt.Sprint("t", i%50)))
			f.Rules = append(f.Rules, not(rule("user", "name", rulespec.Me)), topic)
		}
		filters = append(filters, f)
	}
	var done atomic.Bool
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for !done.Load() {
				if n := len(found(x, event("git", "git", "", nil), nil)); n%1000 != 0 {
					t.Errorf("found %d", n)
					return
				}
			}
		})
	}
	for from := 0; from < len(filters); from += 1000 {
		if _, err := x.Load(stream(filters[from : from+1000])); err != nil {
			t.Error(err)
		}
		x.WriteSnapshot(io.Discard, "key")
	}
	done.Store(true)
	readers.Wait()
	if n := len(found(x, event("git", "git", "", nil), nil)); n != 3000 {
		t.Errorf("found %d, want 3000", n)
	}
}
