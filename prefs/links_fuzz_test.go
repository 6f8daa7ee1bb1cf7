package prefs_test

import (
	"strings"
	"testing"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// FuzzVerify: whatever Verify takes is a token that the same Links make for the same action.
func FuzzVerify(f *testing.F) {
	l := prefs.NewLinks([]byte("0123456789abcdef"), "https://n.example.org", newClock().now)
	token := func(link string) string { return strings.TrimPrefix(link, "https://n.example.org/stop/") }
	f.Add(token(l.Stop(7, 9)))
	f.Add(token(l.Stop(rulespec.FilterID(1<<63), 1<<63)))
	f.Add(token(l.Manage(9)))
	f.Add(l.Undo(prefs.Stopped{Action: prefs.Action{Filter: 7, Destination: 9}, Detached: true, Off: true}))
	f.Add("AQcJ")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := l.Verify(text)
		if err == nil && text != token(l.Stop(a.Filter, a.Destination)) {
			t.Errorf("Verify(%q) = %+v", text, a)
		}
		did, undo := l.VerifyUndo(text)
		if undo == nil && (err == nil || text != l.Undo(did)) {
			t.Errorf("VerifyUndo(%q) = %+v", text, did)
		}
	})
}
