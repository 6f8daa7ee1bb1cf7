package irc

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/irc/ircsink"
)

// TestLogin: 903 is awaited, with 900 and without; a login that fails keeps notifyd away.
func TestLogin(t *testing.T) {
	account := []ircsink.Account{{Name: "notifyd", Password: "swordfish"}}
	for _, test := range []struct {
		mechanism, password string
		without900, works   bool
	}{
		{"plain", "swordfish", false, true}, {"plain", "swordfish", true, true}, {"plain", "wrong", false, false},
		{"scram-sha-256", "swordfish", false, true}, {"scram-sha-256", "swordfish", true, true},
		{"scram-sha-256", "wrong", false, false},
	} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			o := ircsink.Options{Accounts: account, NoLogin: test.without900}
			login := func(n *Network) {
				n.SASL = SASL{Mechanism: test.mechanism, Username: "notifyd", Password: test.password}
			}
			inBubble(t, o, login, func(t *testing.T, b *Backend, s *ircsink.Server) {
				time.Sleep(20 * time.Second)
				n := b.networks[0]
				n.mu.Lock()
				up := n.live != nil && n.live.isLoggedIn()
				n.mu.Unlock()
				if up != test.works {
					t.Errorf("connected and logged in: %v", up)
				}
			})
		})
	}
}

// TestServerWithoutTheKeyIsRefused: one that says 903 and has not shown that it knows the password.
func TestServerWithoutTheKeyIsRefused(t *testing.T) {
	script := func(e ircsink.Event) ircsink.Reply {
		if e.Command == "AUTHENTICATE" && e.Number == 2 {
			return ircsink.Reply{Lines: []string{"903 {me} :SASL authentication successful"}, Skip: true}
		}
		return ircsink.Reply{}
	}
	o := ircsink.Options{Accounts: []ircsink.Account{{Name: "notifyd", Password: "x"}}, Script: script}
	login := func(n *Network) {
		n.SASL = SASL{Mechanism: "scram-sha-256", Username: "notifyd", Password: "swordfish"}
	}
	inBubble(t, o, login, func(t *testing.T, b *Backend, s *ircsink.Server) {
		time.Sleep(10 * time.Second)
		if b.Stats()[0].Connected {
			t.Error("connected")
		}
	})
}

// TestNickIsRegained from a ghost, by the services that know whose it is.
func TestNickIsRegained(t *testing.T) {
	o := ircsink.Options{Accounts: []ircsink.Account{{Name: "notifyd", Password: "swordfish"}}}
	login := func(n *Network) { n.SASL = SASL{Mechanism: "plain", Username: "notifyd", Password: "swordfish"} }
	synctest.Test(t, func(t *testing.T) {
		s := ircsink.New(o)
		s.Add(ircsink.User{Nick: "notifyd"})
		b, stop := runWith(t, s, login)
		time.Sleep(10 * time.Second)
		if got := b.Stats()[0].Nick; got != "notifyd" {
			t.Errorf("the nick is %q", got)
		}
		stop()
		s.Close()
	})
}

// TestAwayAndBack: who is away gets no line, and what waits goes when they are back: with MONITOR, and by ISON without.
func TestAwayAndBack(t *testing.T) {
	for name, features := range map[string][]string{"monitor": nil, "ison": {"-MONITOR"}, "full": {"MONITOR=1"}} {
		t.Run(name, func(t *testing.T) {
			var messages sync.Map
			script := func(e ircsink.Event) ircsink.Reply {
				if e.Command == "PRIVMSG" {
					count, _ := messages.LoadOrStore(e.To(), new(int))
					*count.(*int)++
				}
				return ircsink.Reply{}
			}
			inBubble(t, ircsink.Options{Features: features, Script: script}, nil,
				func(t *testing.T, b *Backend, s *ircsink.Server) {
					var mu sync.Mutex
					var back []string
					b.Returns(func(_ context.Context, address string) error {
						mu.Lock()
						defer mu.Unlock()
						back = append(back, address)
						return nil
					})
					for range 5 {
						for _, nick := range []string{"alice", "bob"} {
							if got := became(b.Send(t.Context(), told(nick, "one"))); got != "wait away 10m0s" {
								t.Errorf("to %s: %s", nick, got)
							}
						}
					}
					if tried, _ := messages.Load("alice"); *tried.(*int) != 1 {
						t.Errorf("%d lines went to somebody who is away", *tried.(*int))
					}
					s.CutConnections() // what is watched for outlives a connection
					time.Sleep(time.Minute)
					s.Add(ircsink.User{Nick: "Alice"}, ircsink.User{Nick: "bob"})
					time.Sleep(2 * time.Minute)
					mu.Lock()
					for _, want := range []string{"alice@sink", "bob@sink"} {
						if !slices.Contains(back, want) {
							t.Errorf("back are %q, not %s", back, want)
						}
					}
					mu.Unlock()
					for _, nick := range []string{"alice", "bob"} {
						if err := b.Send(t.Context(), told(nick, "two")); err != nil {
							t.Errorf("to %s: %v", nick, err)
						}
					}
				})
		})
	}
}

// TestNetsplit: who is behind it is away, and back when it heals; nothing is refused and nothing comes twice.
func TestNetsplit(t *testing.T) {
	inBubble(t, ircsink.Options{}, nil, func(t *testing.T, b *Backend, s *ircsink.Server) {
		var nicks []string
		for i := range 50 {
			nicks = append(nicks, fmt.Sprintf("nick%02d", i))
			s.Add(ircsink.User{Nick: nicks[i]})
		}
		wake := make(chan string, 1000)
		b.Returns(func(_ context.Context, address string) error { wake <- address; return nil })
		heal := s.Split(nicks...)
		for _, nick := range nicks {
			if got := became(b.Send(t.Context(), told(nick, nick))); got != "wait away 10m0s" {
				t.Fatalf("to %s: %s", nick, got)
			}
		}
		heal()
		begun := time.Now()
		for range nicks {
			address := <-wake
			nick, _, _ := strings.Cut(address, "@")
			if err := b.Send(t.Context(), told(nick, nick)); err != nil {
				t.Errorf("to %s: %v", nick, err)
			}
		}
		if got := s.Messages(); len(got) != len(nicks) || time.Since(begun) > 3*time.Minute {
			t.Errorf("%d messages in %v", len(got), time.Since(begun))
		}
	})
}

// TestWordsAreAnswered: what people say goes to the program, with who they are and what they have read last.
func TestWordsAreAnswered(t *testing.T) {
	o := ircsink.Options{Accounts: []ircsink.Account{}}
	inBubble(t, o, nil, func(t *testing.T, b *Backend, s *ircsink.Server) {
		said := make(chan backends.Command, 100)
		b.Obeys(func(_ context.Context, c backends.Command) (backends.Answer, error) {
			said <- c
			return backends.Answer{Known: c.Address == "alice@sink", Lines: []string{"muted", "for 2 hours"}}, nil
		})
		s.Add(ircsink.User{Nick: "Alice", Account: "alice_acc"}, ircsink.User{Nick: "bob"})
		b.networks[0].config.RequireAccount = requireNo
		if err := b.Send(t.Context(), told("alice", "one")); err != nil {
			t.Fatal(err)
		}
		s.Say("Alice", "notifyd", "mute 2h")
		got := <-said
		want := backends.Command{Backend: "irc", Address: "alice@sink", Account: "alice_acc", About: "id of one",
			Text: "mute 2h"}
		if got != want {
			t.Errorf("the program heard %+v", got)
		}
		s.Say("bob", "notifyd", "status")
		time.Sleep(time.Minute)
		var texts []string
		for _, m := range s.Messages()[1:] {
			texts = append(texts, m.To+": "+m.Text)
		}
		for _, want := range []string{"Alice: muted", "Alice: for 2 hours"} {
			if !slices.Contains(texts, want) {
				t.Errorf("%q is not among %q", want, texts)
			}
		}
		if len(texts) != 5 || !strings.Contains(strings.Join(texts, " "), "bob: I only tell of messages") {
			t.Errorf("said %q", texts) // with what the two said themselves
		}
		for range 200 {
			s.Say("Alice", "notifyd", "status")
		}
		time.Sleep(time.Second)
		if len(said) > 1+answerFirst {
			t.Errorf("%d of 200 questions were done", len(said))
		}
	})
}

var hour = flag.Bool("hour", false, "TestReconnects lasts an hour")

// TestReconnects sends while the connection is cut again and again. Nothing is lost, and only what was in flight, which
// the server had taken and not acknowledged, comes twice. The time is that of a bubble: an hour takes seconds.
func TestReconnects(t *testing.T) {
	lasts, pause := 2*time.Minute, 20*time.Millisecond
	if *hour {
		lasts, pause = time.Hour, 400*time.Millisecond
	}
	quick := func(n *Network) {
		n.ReconnectMin, n.ReconnectMax, n.LateAnswers = 10*time.Millisecond, 50*time.Millisecond, 20*time.Millisecond
	}
	var pings atomic.Int64
	script := func(e ircsink.Event) ircsink.Reply { // taken, and not acknowledged
		return ircsink.Reply{Drop: e.Command == "PING" && pings.Add(1)%97 == 0}
	}
	o := ircsink.Options{Caps: []string{"message-tags"}, Script: script} // PING is the fence
	inBubble(t, o, quick, func(t *testing.T, b *Backend, s *ircsink.Server) {
		s.Add(ircsink.User{Nick: "alice"})
		ctx, cancel := context.WithCancel(t.Context())
		cuts := 0
		var cutting, sending sync.WaitGroup
		cutting.Go(func() {
			for ctx.Err() == nil {
				time.Sleep(time.Duration(1700+cuts%7*311) * time.Millisecond)
				s.CutConnections()
				cuts++
			}
		})
		sent, begun, again := 0, time.Now(), 0
		sending.Go(func() {
			for ; time.Since(begun) < lasts; sent++ {
				p := told("alice", fmt.Sprintf("number-%06d", sent))
				for b.Send(ctx, p) != nil {
					again++
					time.Sleep(50 * time.Millisecond)
				}
				time.Sleep(pause)
			}
		})
		sending.Wait()
		cancel()
		cutting.Wait()
		seen := map[string]int{}
		for _, m := range s.Messages() {
			seen[strings.Fields(m.Text)[1]]++
		}
		twice := 0
		for i := range sent {
			switch n := seen[fmt.Sprintf("number-%06d", i)]; {
			case n == 0:
				t.Errorf("number %d is lost", i)
			case n > 1:
				twice++
			}
		}
		drops := int(pings.Load() / 97)
		if twice == 0 || twice > cuts+drops || cuts < 20 || sent < 1000 {
			t.Errorf("of %d sent, %d came twice, by %d cuts, %d drops and %d failures", sent, twice, cuts, drops, again)
		}
		t.Logf("%d sent, %d twice, %d cuts, %d drops, %d failures", sent, twice, cuts, drops, again)
	})
}
