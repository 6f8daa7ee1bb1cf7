package irc_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/irc"
)

// bound is a parcel for an address that an account has confirmed; "" for none.
func bound(to, account, text string) backends.Parcel {
	p := parcel(to, notice(text))
	p.Holder = func(context.Context) (string, error) { return account, nil }
	return p
}

// coded is a parcel with a code; held gets the account that it goes to.
func coded(to, code string, held *[]string) backends.Parcel {
	p := parcel(to, backends.Notice{Title: "Confirm", Text: "Your code is " + code})
	p.Held = func(_ context.Context, account string) error { *held = append(*held, account); return nil }
	return p
}

// A stopper is the program behind a backend, for "stop".
type stopper struct {
	mu     sync.Mutex
	asked  []string
	answer backends.Stopped
}

func (s *stopper) stop(_ context.Context, address, account string) (backends.Stopped, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, address+" by "+account)
	return s.answer, nil
}

func (s *stopper) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

// openWith opens a backend that asks a stopper.
func openWith(t *testing.T, s *stopper, n irc.Network) *irc.Backend {
	t.Helper()
	return openStopping(t, irc.Config{Manage: "https://notify.example.org/", Networks: []irc.Network{n}}, s.stop)
}

// TestNickBelongsToAnAccount, with services: a code goes to who is logged in, and notices to nobody else, whoever takes
// the nick; they follow the account to another nick once it has spoken under that one.
func TestNickBelongsToAnAccount(t *testing.T) {
	t.Parallel()
	s := startInspircdWith(t, unlimited)
	startAtheme(t, s)
	addr := "127.0.0.1:" + s.port
	alice := join(t, addr, "Ali[c]e")
	c := fast(network(s.tlsPort))
	c.TLS, c.CAFile = true, s.ca
	stops := &stopper{}
	b := openWith(t, stops, c)
	connected(t, b, 0)
	if got, err := b.Info().CheckAddress("Ali[c]e"); got != "ali{c}e@test" || err != nil {
		t.Errorf("the address is %q, %v", got, err)
	}
	if got := b.Info().Caution("ali{c}e@test"); got != "" {
		t.Errorf("a network with services is warned of: %s", got)
	}
	var held []string
	fails := func(p backends.Parcel, why string) {
		t.Helper()
		err := b.Send(short(t), p)
		if err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "ali") {
			t.Errorf("Send = %v, want %q without a nick", err, why)
		}
	}
	reaches := func(p backends.Parcel, r *reader, text string) {
		t.Helper()
		if err := b.Send(short(t), p); err != nil {
			t.Fatal(err)
		}
		if got := r.heard(t); !strings.Contains(got, text) {
			t.Errorf("%s heard %q, want %q", r.nick, got, text)
		}
	}
	fails(coded("ali{c}e@test", "EARLY", &held), "log in there, then the code comes")
	fails(bound("ali{c}e@test", "", "not bound"), "not logged in")
	fails(bound("ghost@test", "ghost", "offline"), "not online")
	alice.register(t, "secret1234")
	reaches(coded("ali{c}e@test", "LATER", &held), alice, "Your code is LATER")
	if !slices.Equal(held, []string{"ali{c}e"}) {
		t.Errorf("the code went to the accounts %q", held)
	}
	reaches(bound("ali{c}e@test", "ali{c}e", "one"), alice, "one")
	reaches(bound("ali{c}e@test", "", "of the same name"), alice, "of the same name")
	fails(bound("ali{c}e@test", "somebody", "of another account"), "not logged in to the account that has confirmed it")

	// she goes by another nick, and a stranger takes hers
	alice.rename(t, "alice_")
	fails(bound("ali{c}e@test", "ali{c}e", "nobody has the nick"), "not online")
	mallory := join(t, addr, "mallory")
	mallory.rename(t, "ali{c}e")
	fails(bound("ali{c}e@test", "ali{c}e", "a stranger has it"), "not logged in to the account")
	mallory.rename(t, "mallory")
	mallory.register(t, "hunter222")
	mallory.rename(t, "ali{c}e")
	fails(bound("ali{c}e@test", "ali{c}e", "with an account of another name"), "not logged in to the account")

	stops.answer = backends.Stopped{Bound: true}
	mallory.say("PRIVMSG notifyd :stop")
	if got := mallory.heard(t); !strings.Contains(got, "confirmed by a services account that you are not logged in to") {
		t.Errorf("a stranger's stop is answered %q", got)
	}
	if asked := stops.take(); len(asked) != 1 || strings.HasSuffix(asked[0], "by ali{c}e") {
		t.Errorf("a stranger's stop is %q", asked)
	}

	// once she has spoken under her new nick, the server has said whose it is
	alice.say("PRIVMSG notifyd :help")
	alice.heard(t)
	alice.heard(t)
	reaches(bound("ali{c}e@test", "ali{c}e", "followed"), alice, "followed")
	stops.answer = backends.Stopped{Destinations: 1}
	alice.say("PRIVMSG notifyd :Stop!")
	if got := alice.heard(t); got != "Stopped: nothing more is sent to this nick. Its owner can switch it on again at "+
		"https://notify.example.org/" {
		t.Errorf("stop is answered %q", got)
	}
	if asked := stops.take(); !slices.Equal(asked, []string{"alice_@test by ali{c}e", "ali{c}e@test by ali{c}e"}) {
		t.Errorf("her stop is %q", asked)
	}
	for _, line := range mallory.rest() {
		if strings.Contains(line, "example.org/1") {
			t.Errorf("the stranger got %q", line)
		}
	}
}

// TestWithoutServices: nobody can own a nick there, and that is said. A person who calls themself NickServ changes
// nothing. Whoever has the nick can stop what is sent there.
func TestWithoutServices(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	startNgircd(t, port)
	addr := "127.0.0.1:" + port
	join(t, addr, "NickServ")
	bob := join(t, addr, "bob")
	stops := &stopper{answer: backends.Stopped{Claims: 1}}
	b := openWith(t, stops, network(port))
	connected(t, b, 0)
	if got := b.Info().Caution("bob@test"); !strings.Contains(got, "Whoever takes this nick while you are away reads your notices") {
		t.Errorf("caution %q", got)
	}
	var held []string
	for _, p := range []backends.Parcel{coded("bob", "CODE", &held), bound("bob", "", "one")} {
		if err := b.Send(short(t), p); err != nil {
			t.Fatal(err)
		}
	}
	if one, two := bob.heard(t), bob.heard(t); !strings.Contains(one, "CODE") || !strings.Contains(two, "one") {
		t.Errorf("bob heard %q and %q", one, two)
	}
	if !slices.Equal(held, []string{""}) {
		t.Errorf("the code went to the accounts %q", held)
	}
	bob.say("PRIVMSG notifyd :stop")
	if got := bob.heard(t); got != "Stopped: the codes that were sent to this nick are worthless now." {
		t.Errorf("stop is answered %q", got)
	}
	if asked := stops.take(); !slices.Equal(asked, []string{"bob@test by "}) {
		t.Errorf("stop is %q", asked)
	}
}

// TestAnAccountCanBeAskedForAlways, and never: the key of the configuration overrides what was seen.
func TestAnAccountCanBeAskedForAlways(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	startNgircd(t, port)
	bob := join(t, "127.0.0.1:"+port, "bob")
	for require, works := range map[string]bool{"true": false, "false": true, "auto": true} {
		c := network(port)
		c.RequireAccount, c.Nick = require, "notifyd"+require
		b, stop := open(t, irc.Config{Networks: []irc.Network{c}})
		err := b.Send(short(t), bound("bob", "", "with "+require))
		if (err == nil) != works {
			t.Errorf("require_account %s: %v", require, err)
		}
		if works {
			if got := bob.heard(t); !strings.Contains(got, "with "+require) {
				t.Errorf("bob heard %q", got)
			}
		}
		stop()
	}
}

// rename takes another nick.
func (r *reader) rename(t *testing.T, nick string) {
	t.Helper()
	r.say("NICK " + nick)
	r.await(t, func(l string) bool { return strings.Contains(l, " NICK ") })
	r.nick = nick
}

// rest gives the lines that have come and nobody has read.
func (r *reader) rest() (lines []string) {
	for {
		select {
		case line, ok := <-r.lines:
			if !ok {
				return lines
			}
			lines = append(lines, line)
		default:
			return lines
		}
	}
}
