package rules_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// TestWarm warms an index while others match and change it: the answers are those of one that is cold.
func TestWarm(t *testing.T) {
	var names []string
	for i := range 2000 {
		names = append(names, fmt.Sprintf("package-%d", i))
	}
	x, cold := rules.NewIndex(rulespec.Env{}), rules.NewIndex(rulespec.Env{})
	fill := func(x *rules.Index, from, to int) {
		for i := from; i < to; i++ {
			x.Apply(put(i+1, "", rule("package", "name", fmt.Sprintf("*-%d*", i))))
		}
	}
	fill(x, 0, 200)
	fill(cold, 0, 400)
	done := make(chan error)
	go func() { done <- x.Warm(t.Context(), "package", slices.Values(names)) }()
	fill(x, 200, 400)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		e := &catalogue.Event{Message: &bus.Message{}, Packages: []string{name}}
		if got, want := matched(x, e), matched(cold, e); !slices.Equal(got, want) {
			t.Fatalf("%s: warm %v, cold %v", name, got, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := x.Warm(ctx, "package", slices.Values(names)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	for _, field := range []string{"actor", "no such field"} {
		if err := x.Warm(t.Context(), field, slices.Values(names)); err != nil {
			t.Errorf("%s: %v", field, err)
		}
	}
}
