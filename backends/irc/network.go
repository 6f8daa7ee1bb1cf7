package irc

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
	"golang.org/x/time/rate"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/backoff"
)

// A network keeps one connection and sends over it, one parcel after the other, at the pace of its token bucket.
type network struct {
	config  Network
	memory  *memory
	stop    func(ctx context.Context, address, account string) (backends.Stopped, error) // nil: nobody can
	command func(context.Context, backends.Command) (backends.Answer, error)             // nil: nothing is understood
	back    func(ctx context.Context, address string) error                              // nil: nobody is told
	tls     *tls.Config
	manage  string
	log     *slog.Logger
	random  func() float64
	turn    fairLock
	bucket  *rate.Limiter
	answers answerLimit

	openings *openings
	order    places
	presence *presence
	dialer   func(ctx context.Context, network, address string) (net.Conn, error) // nil: the net

	mu      sync.Mutex
	live    *session      // nil while not connected
	first   chan struct{} // closed when the first attempt of Run is over
	stats   NetworkStats
	reached bool // ever
}

func newNetwork(
	c Network, t *tls.Config, manage string, m *memory, log *slog.Logger, random func() float64,
) *network {
	own, _ := parseOpenings(c.NewTargets) // what is wrong with it was said when the configuration was read
	return &network{config: c, tls: t, manage: manage, memory: m, log: log, random: random,
		first: make(chan struct{}), bucket: rate.NewLimiter(rate.Limit(c.PerSecond), c.Burst), presence: newPresence(),
		openings: newOpenings(own, time.Now)}
}

// run keeps the connection up until ctx ends.
func (n *network) run(ctx context.Context) {
	n.begin()
	defer n.tried()
	failed := int64(0) // in a row
	for ctx.Err() == nil {
		lasted, farewell, err := n.session(ctx)
		n.tried()
		if ctx.Err() != nil {
			return
		}
		if lasted > time.Minute {
			failed = 0
		}
		failed++
		pause := backoff.Delay(n.config.ReconnectMin, n.config.ReconnectMax, failed, n.random)
		pause = max(pause, n.heed(farewell))
		n.log.Warn("IRC connection is down", "error", err, "lasted", lasted.Round(time.Second),
			"next_attempt", pause.Round(time.Millisecond))
		if !backoff.Sleep(ctx, pause) {
			return
		}
	}
}

// session makes one connection and stays with it to its end; lasted counts from the registration, and farewell is the
// server's last word.
func (n *network) session(ctx context.Context) (lasted time.Duration, farewell string, err error) {
	late := errors.New("no connection within the connect timeout")
	connecting, cancel := context.WithTimeoutCause(ctx, n.config.ConnectTimeout, late)
	defer cancel()
	s := newSession(connecting, n.config, n.tls, n.log)
	s.memory, s.dialer = n.memory, n.dialer
	for _, numeric := range []string{"730", "731", "734"} {
		s.conn.AddCallback(numeric, n.monitored)
	}
	if err := s.connect(connecting); err != nil {
		return 0, s.lastWord(), fmt.Errorf("connect: %w", err)
	}
	cancel()
	since := time.Now()
	n.openings.set(limitOf(s.version(), s.isLoggedIn()))
	watched := n.presence.begin(s.monitors())
	n.up(s)
	var own sync.WaitGroup
	own.Go(func() { n.answer(s) })
	own.Go(func() { n.watch(s, watched) })
	s.serve(ctx)
	n.down()
	own.Wait()
	return time.Since(since), s.lastWord(), s.cause(errors.New("the connection ended"))
}

// deliver sends one parcel to nick, line by line, when its turn has come.
func (n *network) deliver(ctx context.Context, nick string, p backends.Parcel, l limits) error {
	s, err := n.connected(ctx)
	if err != nil {
		return err
	}
	if sameNick(nick, s.conn.CurrentNick()) || sameNick(nick, n.config.Nick) {
		return fmt.Errorf("%w: this is notifyd's own nick", backends.ErrGone)
	}
	if away, err := n.isAway(ctx, s, nick, p); away || err != nil {
		return cmp.Or(err, error(&backends.Wait{For: awayFor, Hold: backends.HeldAway, Err: errOffline}))
	}
	done, err := n.admit(nick, p)
	if err != nil {
		return err
	}
	defer done()
	wait, stop, err := n.sendLines(ctx, nick, p, l)
	if err == nil {
		defer stop()
		done()
		if err = refusal(wait(ctx, s.lateAnswers(n.config.LateAnswers))); err != nil {
			n.count(err)
		}
	}
	return n.learnFrom(s, nick, p, err)
}

// isAway reports whether a nick that was missing is away still, and its account under no other nick. While there is
// nothing better to do the server is asked; otherwise what was heard last holds.
func (n *network) isAway(ctx context.Context, s *session, nick string, p backends.Parcel) (bool, error) {
	if !n.presence.away(n.casing().fold(nick)) {
		return false, nil
	}
	if p.Holder != nil {
		account, err := p.Holder(ctx)
		if err != nil {
			return false, fmt.Errorf("look up whose nick it is: %w", err)
		}
		if s.followed(n.casing(), account) != "" {
			return false, nil
		}
	}
	if n.bucket.Tokens() >= float64(n.config.Burst)/2 {
		n.ask(ctx, s, nick)
	}
	return n.presence.away(n.casing().fold(nick)), nil
}

// sendLines sends the lines of a parcel, all in one turn. wait is for what comes late about them.
func (n *network) sendLines(ctx context.Context, nick string, p backends.Parcel, l limits) (
	wait func(context.Context, time.Duration) []ircmsg.Message, stop func(), err error,
) {
	if err := n.turn.lock(ctx, rankOf(p)); err != nil {
		return nil, nil, fmt.Errorf("wait for the turn: %w", err)
	}
	defer n.turn.unlock()
	s, err := n.connected(ctx)
	if err != nil {
		return nil, nil, err
	}
	to, err := n.addressee(ctx, s, nick, p)
	if err != nil {
		return nil, nil, err
	}
	l, command := l.of(p.Options), commandOf(p.Options)
	if command == "NOTICE" && !n.ask(ctx, s, to) { // a server is silent about a notice to nobody
		return nil, nil, &backends.Wait{For: awayFor, Hold: backends.HeldAway, Err: errOffline}
	}
	wait, stop = s.listen(to)
	l.last = n.command != nil
	for i, line := range linesOf(p, s.room(to), l) {
		if err := n.sendLine(ctx, s, command, to, line, i == 0); err != nil {
			stop()
			return nil, nil, err
		}
	}
	return wait, stop, nil
}

// learnFrom takes to heart what became of a parcel.
func (n *network) learnFrom(s *session, nick string, p backends.Parcel, err error) error {
	folded := n.casing().fold(nick)
	var wait *backends.Wait
	switch {
	case err == nil:
		s.sentTo(n.casing(), nick, p.ID)
		if n.presence.forget(folded) {
			s.conn.Send("MONITOR", "-", nick)
		}
	case errors.As(err, &wait) && wait.Hold == backends.HeldInTurn && !errors.Is(err, errInTurn):
		n.openings.refused(folded, wait.For)
	case errors.Is(err, errOffline):
		n.openings.giveBack(folded)
		if n.presence.missing(folded, nick) {
			s.conn.Send("MONITOR", "+", nick)
		}
	}
	return err
}

// sendLine sends one line when the pace allows it, and waits until the server has taken it. The first to a nick may
// begin a conversation.
func (n *network) sendLine(ctx context.Context, s *session, command, nick, line string, first bool) error {
	if err := n.pace(ctx); err != nil {
		return err
	}
	if first {
		if again, ok := n.openings.begin(n.casing().fold(nick)); !ok {
			return inTurn(again)
		}
	}
	replies, err := s.exchange(ctx, nick, command, nick, line)
	if err == nil {
		err = refusal(replies)
	}
	for _, m := range replies {
		if k, ok := parseHostmask(m.Source); ok && m.Command == command && sameNick(k.nick, s.conn.CurrentNick()) {
			s.learn(k) // an echo shows the line as others see it
		}
	}
	n.count(err)
	return err
}

// count counts a line by what became of it.
func (n *network) count(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil {
		n.stats.Failed++
		return
	}
	n.stats.Sent++
}

// pace waits for a token of the bucket.
func (n *network) pace(ctx context.Context) error {
	start := time.Now()
	err := n.bucket.Wait(ctx)
	n.mu.Lock()
	defer n.mu.Unlock()
	if waited := time.Since(start); waited > time.Millisecond {
		n.stats.Throttled += waited
	}
	if err != nil {
		return fmt.Errorf("wait for the pace: %w", err)
	}
	return nil
}
