// Package email delivers notices by mail: one message a parcel, over a few kept SMTP connections.
//
// A message is text and HTML, carries the headers that mail programs and mail rules use (doc/email.md lists them with
// their RFCs), and says in words why it was sent. Nothing that a notice contains can become a header, a MIME part or
// active HTML.
package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/notifyd/notifyd/backends"
)

// Info is what pages and commands need to know of mail.
var Info = backends.Info{
	Name:         "email",
	Title:        "Email",
	Doc:          "A mail for each notice, or one for many when you choose a digest.",
	AddressTitle: "Email address",
	CheckAddress: CheckAddress,
	SignIn:       true,
}

// A Backend sends parcels through one SMTP server. It is safe for concurrent use.
type Backend struct {
	config Config
	tls    *tls.Config
	log    *slog.Logger
	now    func() time.Time
	pool   *pool
}

var (
	_ backends.Backend = (*Backend)(nil)
	_ backends.Runner  = (*Backend)(nil)
)

// Driver opens a Backend by the configuration.
func Driver() backends.Driver { return backends.Driver{Info: Info, Open: open} }

func open(decode func(any) error, parts backends.Parts) (backends.Backend, error) {
	var c Config
	if err := decode(&c); err != nil {
		return nil, err
	}
	if c == (Config{}) {
		return nil, nil
	}
	b, err := New(c, parts.Log, parts.Now)
	if err != nil {
		return nil, fmt.Errorf("email: %w", err)
	}
	return b, nil
}

// New makes a Backend of a configuration; nothing is dialled before the first Send. now gives the Date of the
// messages. The error names the key that is wrong.
func New(c Config, log *slog.Logger, now func() time.Time) (*Backend, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	t, err := c.tlsConfig()
	if err != nil {
		return nil, err
	}
	return &Backend{config: c, tls: t, log: log, now: now, pool: newPool(c.Connections)}, nil
}

// Run closes connections that were idle for a while, and the rest when ctx ends. Without it an idle connection stays
// open until the server closes it.
func (b *Backend) Run(ctx context.Context) error {
	tick := time.NewTicker(b.config.Idle / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			b.pool.shut()
			return nil
		case now := <-tick.C:
			b.pool.closeIdle(now.Add(-b.config.Idle))
		}
	}
}

// Send delivers the parcel as one message; see backends.Backend. The server's yes counts: a connection that is lost
// after it is no error. One that is lost before it is, and the server may yet have taken the message: the retry has
// the same Message-ID.
func (b *Backend) Send(ctx context.Context, p backends.Parcel) error {
	m, err := b.compose(p)
	if err != nil {
		return fmt.Errorf("compose mail: %w", err)
	}
	release, err := b.pool.enter(ctx)
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	defer release()
	if err := b.transmit(ctx, m); err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	return nil
}

// transmit sends on a kept connection, and once more on a new one if the kept one turns out to be dead before the
// message was handed over: servers close idle connections, and restart.
func (b *Backend) transmit(ctx context.Context, m *mail.Msg) error {
	if c := b.pool.take(time.Now().Add(-b.config.Idle)); c != nil {
		result := c.send(ctx, m)
		b.keep(c, result)
		if !result.stale {
			return result.err
		}
		b.pool.dropIdle() // what happened to one has happened to all
	}
	c, err := b.dial(ctx)
	if err != nil {
		return err
	}
	result := c.send(ctx, m)
	b.keep(c, result)
	return result.err
}

// keep returns a connection to the pool, or ends it: after a failure that leaves it in doubt, or when it has carried
// its share (some servers limit messages for each connection).
func (b *Backend) keep(c *connection, r result) {
	switch {
	case !r.alive:
		c.kill()
	case c.sent >= b.config.PerConnection || !b.pool.put(c):
		c.quit()
	}
	if r.err == nil {
		b.log.Debug("mail accepted", "response", r.response)
	}
}

// errEmpty is a caller's mistake: Parcel.Notices is never empty.
var errEmpty = errors.New("bug: a parcel without notices")
