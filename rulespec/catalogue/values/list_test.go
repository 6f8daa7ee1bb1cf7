package values

import (
	"fmt"
	"slices"
	"testing"
)

// TestFirstKeys compares the bounded selection with sorting.
func TestFirstKeys(t *testing.T) {
	m := map[string]any{}
	for i := range 3000 {
		m[fmt.Sprint(i*7919%3001)] = i%3 == 0
	}
	keep := func(v any) bool { return v == true }
	all := Keys(m)
	all = slices.DeleteFunc(all, func(k string) bool { return !keep(m[k]) })
	for _, most := range []int{1, 7, 200, 999, 1000, 5000} {
		if got := FirstKeys(m, most, keep); !slices.Equal(got, all[:min(most, len(all))]) {
			t.Errorf("the first %d keys are %d, which begin %q", most, len(got), got[:min(len(got), 3)])
		}
	}
	if got := FirstKeys(map[string]any{}, 5, keep); len(got) != 0 {
		t.Errorf("an empty map has %q", got)
	}
}
