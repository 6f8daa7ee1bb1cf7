package email

import (
	"strings"
	"testing"

	"github.com/notifyd/notifyd/backends"
)

// TestMutePage: a mail about one message links to the page that mutes it, and a digest does not.
func TestMutePage(t *testing.T) {
	one := backends.Notice{ID: "2026-1&x", Topic: "org.example.a", Title: "a", Text: "a"}
	const mute = "https://n.example.org/mute/AAAA"
	for _, c := range []struct {
		p    backends.Parcel
		want string
	}{
		{backends.Parcel{Manage: "https://n.example.org/stop/A", Mute: mute, Notices: []backends.Notice{one}},
			mute + "?message=2026-1%26x"},
		{backends.Parcel{Mute: mute, Notices: []backends.Notice{one, one}}, ""},
		{backends.Parcel{Manage: "https://n.example.org/stop/A", Notices: []backends.Notice{one}}, ""},
		{backends.Parcel{Mute: mute, Notices: []backends.Notice{{ID: "a", Title: "a code"}}}, ""},
	} {
		got := layOut(c.p, 1<<20)
		if got.Mute != c.want {
			t.Errorf("%q, want %q", got.Mute, c.want)
		}
		var b strings.Builder
		textFooter(&b, got)
		if strings.Contains(b.String(), "Mute it for a while: "+mute+"?message=") != (c.want != "") {
			t.Errorf("the footer is %q", b.String())
		}
	}
}
