// Package email delivers notices by mail: one message a parcel, over a few kept SMTP connections.
//
// # What a mail is made of
//
// A mail is a header and a body (RFC 5322). The body is two parts that say the same, text and HTML
// (multipart/alternative, RFC 2046), each encoded as quoted-printable or base64 (RFC 2045). The header serves
//   - the person: From and Subject, in encoded words where they are not ASCII (RFC 2047), In-Reply-To and References,
//     which put all mails about one object into one thread;
//   - their mail program: List-Id (RFC 2919) and List-Unsubscribe (RFC 2369), by one click (RFC 8058);
//   - mail rules: X-Notifyd-Package and its like, and X-Fedmsg-... for the rules of Fedora's former notifier;
//   - programs that answer mail: Auto-Submitted (RFC 3834) and Precedence ask them not to.
//
// Mail about an account (a sign-in, a confirmation) is no list mail and has only the first and the last of these.
//
// Read compose.go first. It makes the mail of a parcel:
//
//	notice.go   what a mail takes from a notice, cleaned
//	layout.go   how much of it fits: the content (content.go)
//	text.go     the text part of the content
//	html.go     the HTML part of the same content
//	header.go   which headers; field.go: how one is written
//
// Send hands it to a connection of the pool (pool.go, limit.go, connection.go, exchange.go) and classes the server's
// answer (result.go).
//
// # Invariants
//
//   - Nothing that a notice contains becomes a header, a MIME part or active HTML: header names are constants, values
//     are one line and encoded, html/template escapes, links are http or https.
//   - A retry of a parcel has the same Message-ID, so that a mail that arrives twice can be recognised.
//   - A mail has at most Config.MaxBytes. What has no room is counted in the mail.
//   - No error contains an address or the login, although servers repeat both.
//
// # What the server's answer means
//
// SMTP (RFC 5321, section 4.2.1) knows 2yz done, 4yz try again, 5yz never; many servers add a status that says about
// what (RFC 3463: X.1 the address, X.2 the mailbox, X.7 policy). From these follows the error of Send:
//
//	ErrGone         5yz to RCPT that says: no such mailbox. The address will never take anything.
//	ErrRefused      any other 5yz about this recipient or this content.
//	ErrUnavailable  no connection, no login, no sender: the server takes nothing from us, for nobody.
//	none of them    4yz, or a relay or a policy in the way. Worth a retry.
//
// A connection that is lost between the content and its answer leaves open whether the server has the mail (RFC 1047).
// That is worth a retry, too: twice is better than never.
package email

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/email/back"
)

// Info is what pages and commands need to know of mail.
var Info = backends.Info{
	Name:         "email",
	Title:        "Email",
	Doc:          "A mail for each notice, or one for many when you choose a digest.",
	AddressTitle: "Email address",
	CheckAddress: CheckAddress,
	SignIn:       true,
	Options:      options,
}

// A Backend sends parcels through one SMTP server. It is safe for concurrent use.
type Backend struct {
	composer composer
	dialer   dialer
	pool     *pool
	log      *slog.Logger
	back     *back.Receiver // nil: nothing comes back
}

var (
	_ backends.Backend = (*Backend)(nil)
	_ backends.Runner  = (*Backend)(nil)
	_ backends.Elastic = (*Backend)(nil)

	_ backends.Receiver = (*Backend)(nil)
	_ backends.Metered  = (*Backend)(nil)
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
	b.comesBack(parts)
	return b, nil
}

// New makes a Backend of a configuration; nothing is dialled before the first Send. now is the clock for the Date of
// the mails. The error names the key that is wrong.
func New(c Config, log *slog.Logger, now func() time.Time) (*Backend, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	t, err := c.tlsConfig()
	if err != nil {
		return nil, err
	}
	own, err := loadTemplates(c.Templates)
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	return &Backend{composer: composer{config: c, now: now, templates: own, log: log}, dialer: dialer{c, t},
		pool: newPool(c), log: log}, nil
}

// RunsEverywhere says that each node has connections of its own to the mail server.
func (b *Backend) RunsEverywhere() {}

// Run closes connections that have been idle for a while, and the rest when ctx ends. Without it an idle connection
// stays open until the server closes it. It also takes what comes back, where that is configured.
func (b *Backend) Run(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var all sync.WaitGroup
	for _, run := range b.ways() {
		all.Go(func() {
			if err := run(ctx); err != nil {
				end(err)
			}
		})
	}
	defer all.Wait()
	tick := time.NewTicker(b.pool.maxIdle / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			b.pool.close()
			if err := context.Cause(ctx); err != ctx.Err() {
				return err
			}
			return nil
		case <-tick.C:
			b.pool.closeIdle()
		}
	}
}

// Send delivers the parcel as one message; see backends.Backend. The server's yes counts: a connection that is lost
// after it is no error. One that is lost before it is an error, and the server may have taken the message all the same.
func (b *Backend) Send(ctx context.Context, p backends.Parcel) error {
	m, err := b.composer.compose(p)
	if err != nil {
		return fmt.Errorf("compose mail: %w", err)
	}
	wire := takeBuffer()
	defer wire.giveBack()
	e, err := onTheWire(wire, m)
	if err != nil {
		return fmt.Errorf("compose mail: %w", err)
	}
	if err := b.pool.acquire(ctx); err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	defer b.pool.release()
	if err := b.transmit(ctx, e, wire.Bytes()); err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	return nil
}

// Sends is for backends.Elastic.
func (b *Backend) Sends() int { return b.pool.sends() }

// mostWaits is how often a message waits for another connection because the server refused its own.
const mostWaits = 5

// transmit sends on a kept connection or a new one. Where the server refuses the connection and has others of ours, so
// many are too many: the message waits for one of them.
func (b *Backend) transmit(ctx context.Context, e envelope, content []byte) error {
	for waits := 0; ; waits++ {
		result := b.try(ctx, e, content)
		if result.tooMuch {
			b.pool.slower()
		}
		if !result.refused || waits == mostWaits || !b.pool.full(result.code > 0) {
			return result.err
		}
		if err := b.pool.again(ctx); err != nil {
			return err
		}
	}
}

// try sends on a kept connection, and once more on a new one if the kept one turns out to be dead before the message
// was handed over: servers close idle connections, and restart.
func (b *Backend) try(ctx context.Context, e envelope, content []byte) result {
	if c := b.pool.get(); c != nil {
		result := b.sendOn(ctx, c, e, content)
		if !result.stale || result.refused {
			return result
		}
		b.pool.discardIdle() // what happened to one has happened to all
	}
	b.pool.dials(1, false)
	c, err := b.dialer.dial(ctx)
	b.pool.dials(-1, err == nil)
	if err != nil {
		return result{err: err, code: codeOf(err), refused: errors.Is(err, backends.ErrUnavailable)}
	}
	return b.sendOn(ctx, c, e, content)
}

func (b *Backend) sendOn(ctx context.Context, c *connection, e envelope, content []byte) result {
	start := time.Now()
	result := c.send(ctx, e, content, b.dialer.config.Timeout)
	if result.err == nil {
		b.pool.took(time.Since(start))
		b.log.Debug("mail accepted", "response", result.response)
	}
	b.pool.put(c, result.alive)
	return result
}

// onTheWire writes what goes over the wire for a mail.
func onTheWire(wire *buffer, m *mail.Msg) (envelope, error) {
	from, err := m.GetSender(false)
	if err != nil {
		return envelope{}, err
	}
	to, err := m.GetRecipients()
	if err != nil || len(to) != 1 {
		return envelope{}, fmt.Errorf("bug: %d recipients: %w", len(to), err)
	}
	content := takeBuffer()
	defer content.giveBack()
	if _, err := m.WriteTo(content); err != nil {
		return envelope{}, err
	}
	e := envelope{strings.Trim(from, "<>"), strings.Trim(to[0], "<>")}
	if strings.ContainsAny(e.from+e.to, "\r\n<>") {
		return envelope{}, errors.New("bug: an address of several lines")
	}
	stuff(wire, content.Bytes())
	return e, nil
}
