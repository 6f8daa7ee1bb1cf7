package irc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/backoff"
)

// A network keeps one connection and sends over it, one parcel after the other, at the pace of its token bucket.
type network struct {
	config  Network
	memory  *memory
	stop    func(ctx context.Context, address, account string) (backends.Stopped, error) // nil: nobody can
	tls     *tls.Config
	manage  string
	log     *slog.Logger
	random  func() float64
	turn    fairLock
	bucket  *rate.Limiter
	answers answerLimit

	mu      sync.Mutex
	live    *session      // nil while not connected
	first   chan struct{} // closed when the first attempt of Run is over
	stats   NetworkStats
	reached bool // ever
}

func newNetwork(
	c Network, t *tls.Config, manage string, m *memory, log *slog.Logger, random func() float64,
) *network {
	return &network{config: c, tls: t, manage: manage, memory: m, log: log, random: random,
		first: make(chan struct{}), bucket: rate.NewLimiter(rate.Limit(c.PerSecond), c.Burst)}
}

// run keeps the connection up until ctx ends.
func (n *network) run(ctx context.Context) {
	n.begin()
	defer n.tried()
	failed := int64(0) // in a row
	for ctx.Err() == nil {
		lasted, err := n.session(ctx)
		n.tried()
		if ctx.Err() != nil {
			return
		}
		if lasted > time.Minute {
			failed = 0
		}
		failed++
		pause := backoff.Delay(n.config.ReconnectMin, n.config.ReconnectMax, failed, n.random)
		n.log.Warn("IRC connection is down", "error", err, "lasted", lasted.Round(time.Second),
			"next_attempt", pause.Round(time.Millisecond))
		if !backoff.Sleep(ctx, pause) {
			return
		}
	}
}

// session makes one connection and stays with it to its end; lasted counts from the registration.
func (n *network) session(ctx context.Context) (lasted time.Duration, err error) {
	late := errors.New("no connection within the connect timeout")
	connecting, cancel := context.WithTimeoutCause(ctx, n.config.ConnectTimeout, late)
	defer cancel()
	s := newSession(connecting, n.config, n.tls, n.log)
	s.memory = n.memory
	if err := s.connect(connecting); err != nil {
		return 0, fmt.Errorf("connect: %w", err)
	}
	cancel()
	since := time.Now()
	n.up(s)
	var answering sync.WaitGroup
	answering.Go(func() { n.answer(s) })
	s.serve(ctx)
	n.down()
	answering.Wait()
	return time.Since(since), s.cause(errors.New("the connection ended"))
}

// deliver sends one parcel to nick, line by line.
func (n *network) deliver(ctx context.Context, nick string, p backends.Parcel, l limits) error {
	urgent := len(p.Notices) > 0 && isAccount(p.Notices[0])
	if err := n.turn.lock(ctx, urgent); err != nil {
		return fmt.Errorf("wait for the turn: %w", err)
	}
	defer n.turn.unlock()
	s, err := n.connected(ctx)
	if err != nil {
		return err
	}
	if sameNick(nick, s.conn.CurrentNick()) || sameNick(nick, n.config.Nick) {
		return fmt.Errorf("%w: this is notifyd's own nick", backends.ErrGone)
	}
	if nick, err = n.addressee(ctx, s, nick, p); err != nil {
		return err
	}
	for _, line := range linesOf(p, s.room(nick), l) {
		if err := n.sendLine(ctx, s, nick, line); err != nil {
			return err
		}
	}
	return nil
}

// sendLine sends one line when the pace allows it, and waits until the server has taken it.
func (n *network) sendLine(ctx context.Context, s *session, nick, line string) error {
	if err := n.pace(ctx); err != nil {
		return err
	}
	replies, err := s.exchange(ctx, nick, "PRIVMSG", nick, line)
	if err == nil {
		err = refusal(replies)
	}
	for _, m := range replies {
		if k, ok := parseHostmask(m.Source); ok && m.Command == "PRIVMSG" && sameNick(k.nick, s.conn.CurrentNick()) {
			s.learn(k) // an echo shows the line as others see it
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil {
		n.stats.Failed++
		return err
	}
	n.stats.Sent++
	return nil
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
