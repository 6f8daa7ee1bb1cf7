package links_test

import (
	"testing"
	"time"

	"github.com/notifyd/notifyd/prefs/links"
)

func TestActs(t *testing.T) {
	s := links.New([]byte("0123456789abcdef"), "https://notify.example.org/n", time.Now)
	for text, want := range map[string]bool{
		"https://notify.example.org/n/signin/AAAA":           true,
		"HTTPS://NOTIFY.example.org/n/SignIn/AAAA":           true,
		"https://notify.example.org/n/%73ignin/AAAA":         true,
		"https://notify.example.org/n/%2573ignin/AAAA":       true,
		"Open https://notify.example.org/n/undo/x now":       true,
		"https://notify.example.org:443/n/stop/x":            true,
		"https://notify.example.org/n/messages/1":            false,
		"https://other.example.org/signin/AAAA":              false,
		"the build of signin/undo failed, 100% of it":        false,
		"https://src.example.org/?next=/notify.example.org/": false,
	} {
		if got := s.Acts(text); got != want {
			t.Errorf("Acts(%q) = %v", text, got)
		}
	}
	if links.New([]byte("0123456789abcdef"), "", time.Now).Acts("/signin/x") || (*links.Signer)(nil).Acts("/signin/x") {
		t.Error("a site without pages has none that act")
	}
}
