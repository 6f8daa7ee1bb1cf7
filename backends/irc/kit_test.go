package irc_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
	"github.com/notifyd/notifyd/backends/irc"
	"github.com/notifyd/notifyd/internal/exectest"
)

// An inbox is what a person has seen, through several connections.
type inbox struct {
	mu    sync.Mutex
	texts []string
	raw   []string
}

// watch joins as nick and collects what is said to it until the connection ends, and every line once the setup is over.
// Everything that came is in the inbox when ended is closed.
func (b *inbox) watch(t *testing.T, addr, nick string, setup ...string) (ended <-chan struct{}) {
	t.Helper()
	over := make(chan struct{})
	settled := false // seen by the goroutine that reads alone
	r := joinSeeing(t, addr, nick, func(line string) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if settled {
			b.raw = append(b.raw, line)
		}
		settled = settled || strings.HasSuffix(line, " :setup") || strings.HasSuffix(line, " setup")
		if f := strings.SplitN(line, " ", 4); len(f) == 4 && f[1] == "PRIVMSG" && f[2] == nick {
			b.texts = append(b.texts, strings.TrimPrefix(f[3], ":"))
		}
	}, setup...)
	go func() {
		for range r.lines { // nobody else reads them
		}
		close(over)
	}()
	return over
}

func (b *inbox) heard() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string{}, b.texts...)
}

// with gives the lines heard that have part in them.
func (b *inbox) with(part string) []string {
	return slices.DeleteFunc(b.heard(), func(line string) bool { return !strings.Contains(line, part) })
}

func (b *inbox) receipts() []backendtest.Receipt {
	var all []backendtest.Receipt
	for _, text := range b.heard() {
		all = append(all, backendtest.Receipt{To: "alice", Text: text})
	}
	return all
}

// intact fails for any line that a notice has smuggled in. alice is in #ops, where no line may come either.
func (b *inbox) intact(t testing.TB) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, line := range b.raw {
		f := strings.SplitN(line, " ", 4)
		switch {
		case len(f) > 1 && len(f[1]) == 3 && f[1][0] >= '0' && f[1][0] <= '9', f[0] == "ERROR":
		case len(f) == 4 && f[1] == "PRIVMSG" && f[2] == "alice" && strings.HasPrefix(f[0], ":notifyd!"):
			if len(line) > 510 || !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl) {
				t.Errorf("not a clean line: %q", line)
			}
		default:
			t.Errorf("alice got %q", line)
		}
	}
}

// fast is a pace at which the kit's many notices take seconds, for servers that were told to bear it.
func fast(n irc.Network) irc.Network {
	n.Burst, n.PerSecond = 100, 100
	return n
}

func TestKitWithNgircd(t *testing.T) {
	t.Parallel()
	backendtest.Run(t, func(t *testing.T) backendtest.Fixture {
		port := freePort(t)
		server, box := startNgircd(t, port), &inbox{}
		box.watch(t, "127.0.0.1:"+port, "alice", "JOIN #ops")
		up := func() {
			server.Kill()
			server = startNgircd(t, port)
			box.watch(t, "127.0.0.1:"+port, "alice", "JOIN #ops")
		}
		return fixture(t, irc.Config{Networks: []irc.Network{fast(network(port))}}, box, server, up)
	})
}

func TestKitWithInspircd(t *testing.T) {
	t.Parallel()
	backendtest.Run(t, func(t *testing.T) backendtest.Fixture {
		server, box := startInspircdWith(t, unlimited), &inbox{}
		box.watch(t, "127.0.0.1:"+server.port, "alice", "JOIN #ops")
		c := fast(network(server.tlsPort))
		c.TLS, c.CAFile, c.Password = true, server.ca, "correct horse"
		return fixture(t, irc.Config{Networks: []irc.Network{c}}, box, server.Child, nil)
	})
}

// titled tells the title as the first line of the text, which is the line that IRC tells: the kit looks for titles.
type titled struct{ *irc.Backend }

func (b titled) Send(ctx context.Context, p backends.Parcel) error {
	p.Notices = slices.Clone(p.Notices)
	for i, n := range p.Notices {
		if len(n.Why) > 0 {
			p.Notices[i].Text = n.Title + "\n" + n.Text
		}
	}
	return b.Backend.Send(ctx, p)
}

func fixture(t *testing.T, c irc.Config, box *inbox, server *exectest.Child, up func()) backendtest.Fixture {
	c.DigestLines = 5
	b, err := irc.New(c, slog.New(slog.DiscardHandler), rand.Float64)
	if err != nil {
		t.Fatal(err)
	}
	f := backendtest.Fixture{Backend: titled{b}, Info: irc.Info, To: "alice@test", Refused: "notifyd@test",
		Secrets:  []string{"correct horse"},
		Received: box.receipts, Intact: box.intact, Many: 5}
	f.Stall = func() { server.Signal(t, syscall.SIGSTOP) }
	if up != nil {
		f.Down, f.Up = server.Kill, up
	}
	return f
}
