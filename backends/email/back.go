package email

import (
	"cmp"
	"context"
	"io"
	"os"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/email/back"
	"github.com/notifyd/notifyd/internal/metric"
)

// back.go joins the backend with what comes back of its mails: package back.

// comesBack makes what takes what comes back, where that is configured.
func (b *Backend) comesBack(parts backends.Parts) {
	if b.composer.config.Bounces.Domain == "" || parts.Returns == nil {
		return
	}
	b.composer.returns = parts.Returns
	b.back = &back.Receiver{Config: b.composer.config.Bounces, From: b.composer.config.From, Returns: parts.Returns,
		Command: parts.Command, Now: parts.Now, Log: parts.Log}
}

// ways are the ways on which messages come in.
func (b *Backend) ways() (all []func(context.Context) error) {
	if b.back == nil {
		return nil
	}
	if where := b.back.Config.LMTP; where != "" {
		all = append(all, func(ctx context.Context) error {
			l, err := back.Listen(ctx, where)
			if err != nil {
				return err
			}
			return b.back.Serve(ctx, l, b.name())
		})
	}
	if b.back.Config.IMAP.Host != "" {
		all = append(all, func(ctx context.Context) error {
			b.back.Poll(ctx)
			return nil
		})
	}
	return all
}

// name is what we call ourselves in a dialogue.
func (b *Backend) name() string {
	host, _ := os.Hostname() // without one we have a name all the same
	return cmp.Or(b.composer.config.Helo, host, "localhost")
}

// Receive is for backends.Receiver.
func (b *Backend) Receive(ctx context.Context, to []string, message io.Reader) (backends.Received, error) {
	if b.back == nil {
		return backends.Received{}, backends.ErrNoReturns
	}
	return b.back.Receive(ctx, to, message)
}

// Collect is for backends.Metered.
func (b *Backend) Collect(emit metric.Emit) {
	if b.back != nil {
		b.back.Collect(emit)
	}
}

// envelopeFrom is the sender of a parcel's envelope: an address of its own (VERP), where reports come back.
func (c composer) envelopeFrom(p backends.Parcel) string {
	if c.returns == nil {
		return c.config.EnvelopeFrom
	}
	return cmp.Or(c.config.Bounces.Report(c.returns.ReportToken(p)), c.config.EnvelopeFrom)
}

// addWayBack says where people may answer, and says the sender of the envelope again: who reports a complaint often
// leaves out the envelope.
func (c composer) addWayBack(f *fields, p backends.Parcel) {
	if c.returns == nil {
		return
	}
	if to := c.config.Bounces.Report(c.returns.ReportToken(p)); to != "" {
		f.add("X-Notifyd-Return", to)
	}
	if to := c.config.Bounces.Reply(c.returns.ReplyToken(p)); to != "" {
		f.add("Reply-To", "<"+to+">")
	}
}

// stopAddress is the address that does what a stop link does; "" for none.
func (c composer) stopAddress(link string) string {
	if c.returns == nil {
		return ""
	}
	return c.config.Bounces.Stop(c.returns.StopToken(link))
}
