package irc

import (
	"slices"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/irc/ircsink"
)

// TestOptions: what people choose about their lines.
func TestOptions(t *testing.T) {
	hash := "0123456789abcdef0123456789abcdef01234567"
	bug := backends.Notice{App: "bugzilla", Text: "bob commented", Severity: "error",
		Link: "https://bugs.example.org/show_bug.cgi?id=42", Why: []backends.Reason{{Filter: "mine"}}}
	push := backends.Notice{App: "git", Text: "alice pushed", Link: "https://git.example.org/a/b/commit/" + hash,
		Severity: "info", Why: []backends.Reason{{Filter: "mine"}}}
	for _, test := range []struct {
		chosen map[string]string
		notice backends.Notice
		want   string
	}{
		{nil, bug, "[bugzilla] bob commented https://bugs.example.org/show_bug.cgi?id=42 (mine)"},
		{map[string]string{"length": "short"}, bug, "[bugzilla] bob commented https://bugs.example.org/show_bug.cgi?id=42"},
		{map[string]string{"links": "short"}, bug, "[bugzilla] bob commented https://bugs.example.org/42 (mine)"},
		{map[string]string{"links": "short"}, push,
			"[git] alice pushed https://git.example.org/a/b/commit/0123456789ab (mine)"},
		{map[string]string{"links": "none"}, bug, "[bugzilla] bob commented (mine)"},
		{map[string]string{"colours": "yes", "links": "none"}, bug, "\x0304[bugzilla]\x0f bob commented (mine)"},
		{map[string]string{"colours": "yes", "links": "none"}, push, "\x0310[git]\x0f alice pushed (mine)"},
	} {
		l := limits{noticeLines: 2, digestLines: 5}.of(test.chosen)
		if got := linesOf(backends.Parcel{Notices: []backends.Notice{test.notice}}, 300, l); !slices.Equal(got,
			[]string{test.want}) {
			t.Errorf("with %v: %q, want %q", test.chosen, got, test.want)
		}
	}
}

// TestAsANotice: what somebody wants as notices comes as such.
func TestAsANotice(t *testing.T) {
	inBubble(t, ircsink.Options{}, nil, func(t *testing.T, b *Backend, s *ircsink.Server) {
		s.Add(ircsink.User{Nick: "alice"})
		p := told("alice", "one")
		p.Options = map[string]string{"as": "notice"}
		if err := b.Send(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if got := s.Messages(); len(got) != 1 || !got[0].Notice {
			t.Errorf("said %+v", got)
		}
		time.Sleep(time.Second)
		p.To = "bob" // for whom no server says that a notice did not arrive
		if got := became(b.Send(t.Context(), p)); got != "wait away 10m0s" {
			t.Errorf("to somebody who is away: %s", got)
		}
	})
}
