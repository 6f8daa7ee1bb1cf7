package bus_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyd/notifyd/bus"
)

// TestDedupWindowHoldsTheLastIDs compares a DedupWindow with a list of the last n ids that were new.
func TestDedupWindowHoldsTheLastIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "n")
		window := bus.NewDedupWindow(n)
		var model []string
		for _, id := range rapid.SliceOf(rapid.StringMatching(`[a-h]`)).Draw(t, "ids") {
			want := slices.Contains(model, id)
			if got := window.Seen(id); got != want {
				t.Fatalf("Seen(%q) = %v with %q", id, got, model)
			}
			if !want {
				model = append(model, id)
				model = model[max(0, len(model)-n):]
			}
		}
	})
}
