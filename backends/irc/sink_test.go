package irc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/irc/ircsink"
)

// inBubble runs f with a backend that is connected to a fake server, in a bubble: all clocks are its own.
func inBubble(
	t *testing.T, o ircsink.Options, edit func(*Network), f func(t *testing.T, b *Backend, s *ircsink.Server),
) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := ircsink.New(o)
		b, stop := runWith(t, s, edit)
		f(t, b, s)
		stop()
		s.Close()
	})
}

// runWith runs a backend on a fake server until stop.
func runWith(t *testing.T, s *ircsink.Server, edit func(*Network)) (b *Backend, stop func()) {
	t.Helper()
	n := Network{Name: "sink", Address: "127.0.0.1:6667", // nobody dials it: see dialer
		Nick: "notifyd", Burst: 100, PerSecond: 100}
	if edit != nil {
		edit(&n)
	}
	b, err := New(Config{Manage: "https://notify.example.org/", Networks: []Network{n}}, slog.New(slog.DiscardHandler),
		func() float64 { return 0.5 })
	if err != nil {
		t.Fatal(err)
	}
	b.networks[0].dialer = func(context.Context, string, string) (net.Conn, error) { return s.Pipe() }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.Run(ctx) }()
	return b, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func told(to, text string) backends.Parcel {
	return backends.Parcel{ID: "id of " + text, To: to, Manage: "https://notify.example.org/", Notices: []backends.Notice{{
		ID: text, App: "copr", Text: text, Why: []backends.Reason{{Filter: "mine"}}}}}
}

// became says in a word what a Send says of a parcel.
func became(err error) string {
	var wait *backends.Wait
	switch {
	case err == nil:
		return "sent"
	case errors.Is(err, backends.ErrGone):
		return "gone"
	case errors.Is(err, backends.ErrRefused):
		return "refused"
	case errors.As(err, &wait):
		return fmt.Sprintf("wait %s %s", wait.Hold, wait.For)
	case errors.Is(err, backends.ErrUnavailable):
		return "down"
	}
	return "retry"
}

// TestWhatAnswersMean has the answer of every server that is known to give one (doc/irc.md), with IRCv3 and without.
func TestWhatAnswersMean(t *testing.T) {
	const turn, away, barred = "wait turn 1m0s", "wait away 10m0s", "wait barred 6h0m0s"
	for _, row := range []struct{ server, says, want string }{
		{"all", "301 {me} {to} :lunch", "sent"},
		{"all", "401 {me} {to} :No such nick/channel", away},
		{"a bouncer", "403 {me} {to} :No such channel", away},
		{"solanum", "404 {me} {to} :Cannot send to nick/channel", "retry"},
		{"solanum", "407 {me} {to} :Too many recipients.", turn},
		{"ngircd", "407 {to} :Too many recipients", turn},
		{"solanum", "486 {me} {to} :You must log into your NickServ account to message this user", "retry"},
		{"ngircd", "486 {me} :Cannot send to user (+b) -- You must identify to message {to}", "retry"},
		{"solanum", "492 {me} :Cannot send to user {to} (+C set)", "retry"},
		{"solanum", "494 {me} {to} :cannot answer you while you are +g, your message was not sent", "retry"},
		{"solanum", "707 {me} {to} :Targets changing too fast, message dropped", turn},
		{"solanum", "716 {me} {to} :is in +g mode and must manually allow you to message them.", barred},
		{"inspircd", "716 {me} {to} :is in +g mode (server-side ignore).\n717 {me} {to} :has been informed.", barred},
		{"hybrid", "301 {me} {to} :away\n716 {me} {to} :is in +g mode (server side ignore)", barred},
		{"solanum", "NOTICE {me} :*** Message to {to} throttled due to flooding", turn},
		{"inspircd", "NOTICE {me} :*** PRIVMSG command not processed as you have been blocked from issuing commands.", "down"},
		{"bahamut", "NOTICE {me} :You are currently squelched.  Message not sent.", "down"},
		{"some", "NOTICE {me} :*** {to} is not accepting private messages from unregistered users", "retry"},
		{"any", "NOTICE {me} :Welcome, {to} says hello", "sent"},
		{"inspircd", "477 {me} {to} :You need to be identified to a registered account to message this user", "retry"},
		{"inspircd", "531 {me} {to} :You cannot send messages to this user whilst they have the +c mode set.", "retry"},
		{"unreal", "439 {me} {to} :Message target change too fast. Please wait 13 seconds", "wait turn 13s"},
		{"bahamut", "439 {me} {to} :Message target change too fast. Please wait 2 seconds and then try again.", "wait turn 2s"},
		{"unreal", "531 {me} {to} :User does not accept private messages", "retry"},
		{"unreal", "489 {me} {to} :You must be connected via TLS", "retry"},
		{"ngircd", "493 {me} :You must share a common channel with {to}", "retry"},
		{"ergo", "417 {me} :Line too long to be relayed without truncation", "retry"},
		{"ergo", "477 {me} {to} :You must be registered to send a direct message to this user", "retry"},
		{"bahamut", "408 {me} {to} :You cannot use control codes. Not sent: x", "retry"},
		{"bahamut", "440 {me} {to} :Services is currently down.", "retry"},
		{"bahamut", "480 {me} :You need to wait 7 seconds before being able to talk", "wait turn 7s"},
		{"bahamut", "487 {me} :Error! /msg is no longer supported", "retry"},
		{"bahamut", "490 {me} :You must wait 5 seconds before you can send another message", "wait turn 5s"},
		{"any", "263 {me} PRIVMSG :This command could not be completed because it has been used recently", turn},
		{"any", "411 {me} :No recipient given (PRIVMSG)", "retry"}, {"any", "412 {me} :No text to send", "retry"},
		{"any", "465 {me} {to} :You are banned from this server", "down"},
		{"any", "599 {me} {to} :what nobody knows yet", "retry"},
	} {
		for _, caps := range [][]string{nil, {}} {
			t.Run(fmt.Sprintf("%s %.4s %d", row.server, row.says, len(caps)), func(t *testing.T) {
				script := func(e ircsink.Event) ircsink.Reply {
					if e.Command != "PRIVMSG" || row.want == "sent" && e.Number > 1 {
						return ircsink.Reply{}
					}
					return ircsink.Reply{Lines: strings.Split(row.says, "\n"), Skip: row.want != "sent"}
				}
				if caps == nil {
					caps = []string{"message-tags", "batch", "labeled-response", "echo-message"}
				}
				inBubble(t, ircsink.Options{Script: script, Caps: caps}, nil, func(t *testing.T, b *Backend, s *ircsink.Server) {
					s.Add(ircsink.User{Nick: "alice"})
					err := b.Send(t.Context(), told("alice", "one"))
					if got := became(err); got != row.want {
						t.Errorf("%s: %v is %q, want %q", row.says, err, got, row.want)
					}
					if err != nil && strings.Contains(err.Error(), "alice") {
						t.Errorf("the error names the person: %v", err)
					}
				})
			})
		}
	}
}

// TestEchoIsNoProof: another server of the network refuses a line that our own has echoed, and acknowledged.
func TestEchoIsNoProof(t *testing.T) {
	script := func(e ircsink.Event) ircsink.Reply {
		if e.Command == "PRIVMSG" && e.To() == "alice" {
			return ircsink.Reply{Late: []string{"716 {me} {to} :is in +g mode"}, After: time.Second}
		}
		return ircsink.Reply{}
	}
	inBubble(t, ircsink.Options{Script: script}, nil, func(t *testing.T, b *Backend, s *ircsink.Server) {
		s.Add(ircsink.User{Nick: "alice"}, ircsink.User{Nick: "bob"})
		bob := make(chan error)
		go func() { bob <- b.Send(t.Context(), told("bob", "two")) }() // what comes late is about alice, not about bob
		if got := became(b.Send(t.Context(), told("alice", "one"))); got != "wait barred 6h0m0s" {
			t.Errorf("alice's parcel is %q", got)
		}
		if err := <-bob; err != nil {
			t.Errorf("bob's parcel: %v", err)
		}
	})
}
