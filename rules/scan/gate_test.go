package scan_test

import (
	"strings"
	"testing"

	"github.com/notifyd/notifyd/rules/scan"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/kindtest"
)

// TestGate: a preview scans for what could be saved and for nothing else.
func TestGate(t *testing.T) {
	env := rulespec.Env{KnowsKind: func(name string) bool { return name != kindtest.NoMessageKind }}
	for _, c := range kindtest.GateCases() {
		f := c.Filter()
		f.Owner = "alice"
		_, err := scan.New(env, nil, f)
		if (err != nil) != (c.Problem != "") || err != nil && !strings.Contains(err.Error(), c.Problem) {
			t.Errorf("%s: %v, want %q", c.Name, err, c.Problem)
		}
	}
}
