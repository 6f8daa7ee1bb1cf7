package rules

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/notifyd/notifyd/rulespec"
)

// TestSnapshotPieces wants a snapshot to be the same whether its filters are placed in many pieces or all at once:
// under one predicate with more than a block, under many, and with what exclusions them.
func TestSnapshotPieces(t *testing.T) {
	x := newIndex(rulespec.Env{}, 3, programBytes) // it is read on as many as there are processors
	var all []Change
	for i := range 9000 {
		f := rulespec.Filter{ID: rulespec.FilterID(i*2 + 1), Owner: fmt.Sprint("p", i/7)}
		f.Rules = []rulespec.Rule{
			{Kind: "app", Args: rulespec.Args{"name": {"git"}}},
			{Kind: "user", Args: rulespec.Args{"name": {rulespec.Me}}, Not: true},
		}
		switch i % 9 {
		case 0:
			f.Rules[0].Args = rulespec.Args{"name": {fmt.Sprint("app", i%500), "wiki"}}
		case 1:
			f.Rules[1].Args = rulespec.Args{"name": {"alice", rulespec.Me}}
		}
		all = append(all, Change{Filter: f})
	}
	x.Apply(all...)
	var want bytes.Buffer
	if err := x.WriteSnapshot(&want, "key"); err != nil {
		t.Fatal(err)
	}
	for _, atOnce := range []int{1 << pageBits, 3 << pageBits, 1 << 14} {
		var got bytes.Buffer
		if err := x.writeSnapshot(&got, "key", atOnce); err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%d ordinals at once: %v, %d bytes, want %d", atOnce, err, got.Len(), want.Len())
		}
	}
	again, err := ReadSnapshot(rulespec.Env{}, &want, "key")
	if err != nil || again.Len() != len(all) {
		t.Fatalf("ReadSnapshot: %v", err)
	}
	checkOwnersKept(t, x, again)
}

// checkOwnersKept wants each filter that is read to be of the owner that it was of, and whose filters stood together to
// have them together still.
func checkOwnersKept(t *testing.T, was, is *Index) {
	t.Helper()
	named := func(x *Index, f rulespec.FilterID) string {
		ordinal, _ := x.ordinals.find(f)
		v := x.current.Load()
		return string(v.names.at(v.preds[v.owners.of.At(ordinal)].at))
	}
	for i, page := range was.ordinals.pages {
		for at, access := range page.access {
			f := was.current.Load().id(uint32(i)<<pageBits | uint32(at))
			if access != 0 && named(was, f) != named(is, f) {
				t.Fatalf("filter %d is of %q, was of %q", f, named(is, f), named(was, f))
			}
		}
	}
	splits := func(x *Index) (n int) {
		for _, h := range x.runsOf {
			if h.split {
				n++
			}
		}
		return n
	}
	if before, after := splits(was), splits(is); after > before {
		t.Errorf("the filters of %d owners stand apart, before of %d", after, before)
	}
}
