package language

import (
	"testing"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// TestLoopsAreBounded: a message with long lists costs a bounded time, and what needed more is a failure.
func TestLoopsAreBounded(t *testing.T) {
	long := make([]any, values.MaxList)
	for i := range long {
		long[i] = "x"
	}
	for _, src := range []string{`map(msg.l, map(msg.l, #))`,
		`[map(msg.l, map(msg.l, #)), count(msg.l, any(msg.l, # == "y"))]`} {
		x, err := Compile(src, map[string]bool{"msg": true})
		if err != nil || x.step == nil {
			t.Fatalf("%s: %v", src, err)
		}
		f := scopeOf(map[string]any{"msg": map[string]any{"l": long}})
		if v, err := x.Eval(f); err == nil || v != nil || f.visited > maxVisited+keepCost+values.MaxList {
			t.Errorf("%s: %d elements visited, error %v", src, f.visited, err)
		}
	}
	s, err := CompileSentence(`{{range .l}}{{range $.l}}{{end}}{{end}}`, map[string]bool{"l": true})
	if err != nil || s.writers == nil {
		t.Fatal(err)
	}
	f := scopeOf(map[string]any{"l": long})
	if _, err := s.Render(f); err != nil || f.visited > maxVisited+2*values.MaxList {
		t.Errorf("%d elements visited, error %v", f.visited, err)
	}
}
