// Package irc sends notices to people as private messages on IRC networks.
//
// IRC has no answer that says "delivered": a line was taken if the server sends no error. So the question is how long
// to wait for one. A server works on our commands in order, and this gives a fence (barrier): what it answers after the
// command is done. Where the server has the IRCv3 extension labeled-response, the answer is labelled, empty or not;
// elsewhere a PING goes behind each line, and its PONG is the fence. Send returns nil when the last line has passed it.
//
//	PRIVMSG alice :[bodhi] bob commented on zsh https://…      -> (nothing, or 401 notifyd alice :No such nick)
//	PING notifyd-17                                            -> PONG notifyd-17: the line before it was taken
//
// The parts, from the top:
//
//   - Backend: one or more networks, which fail independently (backends.Partitioned).
//   - network: keeps one connection up, with exponential backoff. A fairLock gives it to one parcel at a time, and a
//     token bucket sets the pace: a client that sends faster than the server allows is cut off (Excess Flood).
//   - session: one connection, by github.com/ergochat/irc-go, with barriers and replies of its own. A guard bounds what
//     the library reads.
//   - lines: a parcel as lines that fit. The server puts our hostmask before each line and cuts it at 512 bytes.
//
// These hold:
//
//   - What Send has returned nil for was taken by the server, line by line. No server says whether it was read.
//   - A nick that is not online is worth a retry, and so is every refusal: the server's reasons change. Only our own
//     nick, a channel or a text that is no nick is ErrGone.
//   - No error and no log line at info holds a person's nick or the server's words.
//
// Protocol: RFC 2812, https://modern.ircdocs.horse, https://ircv3.net. For operators: doc/irc.md.
package irc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/notifyd/notifyd/backends"
)

// A Backend sends to people on one or more IRC networks. It is a backends.Backend, a Runner and Partitioned.
type Backend struct {
	networks []*network
	memory   *memory
	limits   limits
	running  atomic.Bool
}

var (
	_ backends.Backend     = (*Backend)(nil)
	_ backends.Runner      = (*Backend)(nil)
	_ backends.Partitioned = (*Backend)(nil)
	_ backends.Elastic     = (*Backend)(nil)
)

// Driver opens a Backend by the configuration.
func Driver() backends.Driver { return backends.Driver{Info: Info, Open: open} }

func open(decode func(any) error, parts backends.Parts) (backends.Backend, error) {
	var c Config
	if err := decode(&c); err != nil {
		return nil, err
	}
	if len(c.Networks) == 0 {
		return nil, nil
	}
	c.Manage = cmp.Or(c.Manage, parts.Manage)
	b, err := New(c, parts.Log, parts.Random)
	if err != nil {
		return nil, fmt.Errorf("irc: %w", err)
	}
	b.memory.writer, b.memory.reader = parts.Writer, parts.Reader
	if parts.Stop != nil {
		b.Stops(func(ctx context.Context, address, account string) (backends.Stopped, error) {
			return parts.Stop(ctx, Info.Name, address, account)
		})
	}
	b.Obeys(parts.Command)
	if parts.Back != nil {
		b.Returns(func(ctx context.Context, address string) error { return parts.Back(ctx, Info.Name, address) })
	}
	return b, nil
}

// New makes a backend that is not connected yet: Run connects. Random gives numbers in [0, 1) for jitter and must be
// safe for concurrent use, as math/rand/v2.Float64 is. The error names every key of the configuration that is wrong.
func New(config Config, log *slog.Logger, random func() float64) (*Backend, error) {
	config = config.withDefaults()
	if err := config.Check(); err != nil {
		return nil, err
	}
	b := &Backend{memory: newMemory(log), limits: limits{noticeLines: config.NoticeLines, digestLines: config.DigestLines}}
	for i, c := range config.Networks {
		tlsConfig, err := c.tlsConfig()
		if err != nil {
			return nil, fmt.Errorf("networks[%d]: %w", i, err)
		}
		if !c.TLS && !isLoopback(c.host()) {
			log.Warn("IRC network without TLS: whoever is on the path reads every notice", "network", c.Name)
		}
		b.networks = append(b.networks, newNetwork(c, tlsConfig, config.Manage, b.memory, log.With("network", c.Name),
			random))
	}
	return b, nil
}

// Stops says what is done when somebody who has a nick says "stop". It is called before Run.
func (b *Backend) Stops(stop func(ctx context.Context, address, account string) (backends.Stopped, error)) {
	for _, n := range b.networks {
		n.stop = stop
	}
}

// Obeys says what is done when somebody who has a nick says anything else. It is called before Run.
func (b *Backend) Obeys(command func(context.Context, backends.Command) (backends.Answer, error)) {
	for _, n := range b.networks {
		n.command = command
	}
}

// Returns says who is told when whoever has an address comes back to the network. It is called before Run.
func (b *Backend) Returns(back func(ctx context.Context, address string) error) {
	for _, n := range b.networks {
		n.back = back
	}
}

// Run keeps every network connected until ctx ends, sends QUIT, and returns nil when all it started has ended. A
// network that cannot be reached is tried again for ever, with a growing delay. Run may be called again after it has
// returned.
func (b *Backend) Run(ctx context.Context) error {
	if !b.running.CompareAndSwap(false, true) {
		return errors.New("bug: irc: Run is already running")
	}
	defer b.running.Store(false)
	var all sync.WaitGroup
	for _, n := range b.networks {
		all.Go(func() { n.run(ctx) })
	}
	all.Wait()
	return nil
}

// Send sends the parcel to the nick p.To, as backends.Backend says: nil when the server has taken every line. A nick
// that is away has got it; one that is not online has not, which is worth a retry. So is a network that is not
// configured: an operator who takes one out for an evening must not end anybody's destination.
func (b *Backend) Send(ctx context.Context, p backends.Parcel) error {
	nick, name, err := parseAddress(p.To)
	if err != nil {
		return fmt.Errorf("irc: %w: this is not the address of one person", backends.ErrGone)
	}
	n := b.find(name)
	if n == nil {
		return errors.New("irc: no network of that name is configured")
	}
	if err := n.deliver(ctx, nick, p, b.limits); err != nil {
		return fmt.Errorf("irc %s: %w", n.config.Name, err)
	}
	return nil
}

// sendsEach is how many parcels of one network are of use at the same time: one sends, the others wait for their turn
// or for what comes late.
const sendsEach = 8

// Sends is how many parcels are of use at the same time: so one network never keeps another waiting.
func (b *Backend) Sends() int { return sendsEach * len(b.networks) }

// Network names the network of an address: one that is down does not hold the others back.
func (b *Backend) Network(address string) string {
	_, name, err := parseAddress(address)
	if err != nil {
		return ""
	}
	n := b.find(name)
	if n == nil {
		return ""
	}
	return n.config.Name
}

// find gives the network of that name or host, the only one for "", or nil.
func (b *Backend) find(name string) *network {
	if name == "" && len(b.networks) == 1 {
		return b.networks[0]
	}
	for _, n := range b.networks {
		if n.config.Name == name {
			return n
		}
	}
	for _, n := range b.networks {
		if name != "" && n.config.host() == name {
			return n
		}
	}
	return nil
}
