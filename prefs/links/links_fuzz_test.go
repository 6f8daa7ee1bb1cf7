package links_test

import (
	"strings"
	"testing"

	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/rulespec"
)

// FuzzVerify: a token that Verify accepts is one that the same Signer makes for the same target.
func FuzzVerify(f *testing.F) {
	l := links.New(key, base, newClock().now)
	token := func(link string) string { return strings.TrimPrefix(link, base+"/stop/") }
	f.Add(token(l.Unsubscribe(7, 9)))
	f.Add(token(l.Unsubscribe(rulespec.FilterID(1<<63), 1<<63)))
	f.Add(token(l.Manage(9)))
	f.Add(l.Undo(links.Change{Target: links.Target{Filter: 7, Destination: 9}, Detached: true, SwitchedOff: true}))
	f.Add("AQcJ")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := l.Verify(text)
		if err == nil && text != token(l.Unsubscribe(a.Filter, a.Destination)) {
			t.Errorf("Verify(%q) = %+v", text, a)
		}
		did, undo := l.VerifyUndo(text)
		if undo == nil && (err == nil || text != l.Undo(did)) {
			t.Errorf("VerifyUndo(%q) = %+v", text, did)
		}
	})
}
