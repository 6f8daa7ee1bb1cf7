package email

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/email/fakesmtp"
)

// What a server says at which step decides whose matter it is.
func TestFailureClasses(t *testing.T) {
	for _, c := range []struct {
		stage fakesmtp.Stage
		code  int
		enh   [3]int
		text  string
		want  string
	}{
		{fakesmtp.OnConnect, 554, [3]int{5, 7, 1}, "no service", "unavailable"},
		{fakesmtp.OnConnect, 421, [3]int{4, 3, 2}, "busy", "unavailable"},
		{fakesmtp.OnMail, 550, [3]int{5, 1, 8}, "bad sender", "unavailable"},
		{fakesmtp.OnMail, 530, [3]int{5, 7, 0}, "login first", "unavailable"},
		{fakesmtp.OnMail, 452, [3]int{4, 3, 1}, "disk full", "unavailable"},
		{fakesmtp.OnRcpt, 550, [3]int{5, 1, 1}, "no such user", "gone"},
		{fakesmtp.OnRcpt, 550, [3]int{5, 2, 1}, "mailbox closed", "refused"}, // for a while
		{fakesmtp.OnRcpt, 550, [3]int{5, 2, 1}, "user unknown", "gone"},
		{fakesmtp.OnRcpt, 550, [3]int{5, 1, 1}, "over quota", "refused"},
		{fakesmtp.OnRcpt, 550, [3]int{5, 0, 0}, "blocked, see spamhaus", "refused"},
		{fakesmtp.OnRcpt, 550, [3]int{5, 1, 0}, "sender rejected", "refused"},
		{fakesmtp.OnRcpt, 550, [3]int{5, 2, 2}, "over quota", "refused"},
		{fakesmtp.OnRcpt, 550, [3]int{5, 3, 0}, "no room for anybody", "later"},
		{fakesmtp.OnRcpt, 550, [3]int{5, 4, 5}, "sending quota exceeded", "later"},
		{fakesmtp.OnRcpt, 551, [3]int{5, 1, 6}, "moved", "gone"},
		{fakesmtp.OnRcpt, 552, [3]int{5, 2, 2}, "mailbox full", "refused"},
		{fakesmtp.OnRcpt, 553, [3]int{5, 1, 3}, "bad mailbox", "gone"},
		{fakesmtp.OnRcpt, 554, [3]int{5, 7, 1}, "Relay access denied", "later"},
		{fakesmtp.OnRcpt, 550, [3]int{5, 0, 0}, "relaying not permitted", "later"},
		{fakesmtp.OnRcpt, 550, [3]int{5, 7, 25}, "your address has no name", "later"},
		{fakesmtp.OnRcpt, 530, [3]int{5, 7, 0}, "login first", "unavailable"},
		{fakesmtp.OnRcpt, 450, [3]int{4, 2, 1}, "greylisted", "later"},
		{fakesmtp.OnRcpt, 451, [3]int{4, 3, 0}, "lookup failed", "later"},
		{fakesmtp.OnRcpt, 452, [3]int{4, 2, 2}, "mailbox full", "later"},
		{fakesmtp.OnRcpt, 421, [3]int{4, 3, 2}, "shutting down", "unavailable"},
		{fakesmtp.OnData, 550, [3]int{5, 7, 1}, "spam", "refused"},
		{fakesmtp.OnData, 552, [3]int{5, 3, 4}, "too big", "refused"},
		{fakesmtp.OnData, 554, [3]int{5, 6, 0}, "bad content", "refused"},
		{fakesmtp.OnData, 451, [3]int{4, 3, 0}, "try later", "later"},
	} {
		t.Run(fmt.Sprintf("%s %d %s", c.stage, c.code, c.text), func(t *testing.T) {
			f := newFarEnd(t, fakesmtp.Options{})
			b := newBackend(t, f.config())
			f.play(at(c.stage, fakesmtp.Reply{Code: c.code, Enhanced: c.enh, Text: c.text}))
			err := b.Send(t.Context(), sample("p"))
			got := class(err)
			if errors.Is(err, backends.ErrGone) {
				got = "gone"
			}
			if got != c.want {
				t.Errorf("Send = %v, which is %s, want %s", err, got, c.want)
			}
			if !strings.Contains(err.Error(), fmt.Sprint(c.code)) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("the error %q lacks the server's code or words", err)
			}
			f.play(nil)
			if err := b.Send(t.Context(), sample("q")); err != nil {
				t.Errorf("the next Send = %v", err)
			}
		})
	}
}

// A reply may have several lines and the address in more than one form.
func TestErrorsTellNoAddress(t *testing.T) {
	f := newFarEnd(t, fakesmtp.Options{})
	b := newBackend(t, f.config())
	f.play(at(fakesmtp.OnRcpt, fakesmtp.Reply{
		Code: 550, Enhanced: [3]int{5, 1, 1},
		Text: "<Alice@example.org>: no\nalice is no user, nor (alice) nor alice.b@corp.example\x07",
	}))
	err := b.Send(t.Context(), sample("x"))
	want := "send mail: sending SMTP RCPT TO command: 550 <…> no 5.1.1 <…> is no user, nor <…> nor <…>: address refused"
	if err == nil || err.Error() != want {
		t.Errorf("Send = %v\nwant   %s", err, want)
	}
}

func TestGreylisting(t *testing.T) {
	f := newFarEnd(t, fakesmtp.Options{})
	var tries atomic.Int32
	f.play(func(s fakesmtp.Stage, _ string) fakesmtp.Reply {
		if s == fakesmtp.OnRcpt && tries.Add(1) < 3 {
			return fakesmtp.Reply{Code: 450, Enhanced: [3]int{4, 7, 1}, Text: "greylisted, come back later"}
		}
		return fakesmtp.Reply{}
	})
	b := newBackend(t, f.config())
	for i, want := range []string{"later", "later", "sent"} {
		if err := b.Send(t.Context(), sample("grey")); class(err) != want {
			t.Errorf("try %d: %v, want %s", i, err, want)
		}
	}
	if len(f.messages()) != 1 {
		t.Errorf("%d messages", len(f.messages()))
	}
}
