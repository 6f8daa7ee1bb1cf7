// Package back takes what comes back of mails: reports that one was not delivered, complaints, what programs answer,
// and what people answer.
//
// Each mail to a destination leaves with addresses of its own, below a domain that leads back here:
//
//	b-TOKEN@DOMAIN      the sender of its envelope (VERP): reports go there
//	r-TOKEN@DOMAIN      its Reply-To, where people may answer
//	stop-TOKEN@DOMAIN   in its List-Unsubscribe
//
// The tokens are signed (backends.Returns), so text in a report decides only what kind it is, never whom it is about: a
// forged report has no token. A message comes in by LMTP (lmtp.go), from a mailbox (imap.go) or from a program of the
// machine; all three go through Receive, and none of them ever sends a message back or sees it twice for good.
package back

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/textproto"
	"strings"
	"sync"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/email/bounce"
)

// A Receiver takes what comes back. It is safe for concurrent use.
type Receiver struct {
	Config  Config
	From    string // our address: what comes from there is a loop
	Returns backends.Returns
	Command func(context.Context, backends.Command) (backends.Answer, error) // nil: nobody is understood
	Now     func() time.Time
	Log     *slog.Logger

	counts counts
	rate   rate
}

// maxDrained is how much of a message is read behind what counts, so that who brings it gets rid of it.
const maxDrained = 64 << 20

// receiveTime bounds what is done about one message.
const receiveTime = time.Minute

// Receive is for backends.Receiver.
func (r *Receiver) Receive(ctx context.Context, to []string, message io.Reader) (backends.Received, error) {
	raw, err := io.ReadAll(io.LimitReader(message, bounce.MaxBytes))
	if err == nil && len(raw) == bounce.MaxBytes {
		_, err = io.Copy(io.Discard, io.LimitReader(message, maxDrained))
	}
	if err != nil {
		return backends.Received{}, fmt.Errorf("read message: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, receiveTime)
	defer cancel()
	got, err := r.take(ctx, to, raw)
	if err != nil {
		r.counts.add(got.Kind, "later")
		return got, fmt.Errorf("take what came back (%s): %w", got.Kind, err)
	}
	r.Log.Info("took what came back", "kind", got.Kind, "done", got.Said)
	return got, nil
}

// take reads a message, and does what it means.
func (r *Receiver) take(ctx context.Context, to []string, raw []byte) (backends.Received, error) {
	read := bounce.Read(raw)
	got := backends.Received{Kind: string(read.Kind)}
	var err error
	use, token := r.addressed(to, read.Mail)
	switch {
	case r.ours(read):
		got.Kind, got.Said = "loop", "it is ours, and was dropped"
	case read.Kind != bounce.Written && read.Kind != bounce.AutoReply:
		got.Said, err = r.report(ctx, read, use, token, raw)
	case use == forStop:
		got.Kind = "stop"
		got.Said, err = r.Returns.Stop(ctx, token)
	case use == forReply && read.Kind == bounce.Written:
		got.Kind = "command"
		got.Said, err = r.command(ctx, token, read.Mail)
	case use == forReport:
		got.Kind, got.Said = string(bounce.AutoReply), "no report: a program has answered"
	case use == unknown:
		got.Said = noToken
	default:
		got.Said = "a program has answered"
	}
	outcome := "done"
	switch {
	case errors.Is(err, backends.ErrToken):
		err, outcome, got.Said = nil, "forged", "its token is not ours"
	case errors.Is(err, backends.ErrAgain):
		err, outcome, got.Said = nil, "again", "it came before"
	case got.Said == noToken:
		outcome = "stray"
	}
	if err == nil {
		r.counts.add(got.Kind, outcome)
	}
	return got, err
}

// noToken is said of what has nothing to do with a mail of ours.
const noToken = "it has no token of ours"

// report hands on a report. Its token is that of the address that it came to, or else one that stands in it.
func (r *Receiver) report(ctx context.Context, read bounce.Report, use use, token string, raw []byte) (string, error) {
	tokens := []string{token}
	if use != forReport {
		tokens = r.Config.tokensIn(raw, read.Mail.Back())
	}
	said, err := noToken, error(nil)
	for _, t := range tokens {
		said, err = r.Returns.Report(ctx, backends.Returned{Token: t, Kind: string(read.Kind), Words: words(read),
			At: r.Now(), Days: r.Config.Days, Failures: r.Config.Failures})
		if !errors.Is(err, backends.ErrToken) {
			return said, err
		}
	}
	return said, err
}

// words are why, for people: without addresses, of which a report may name any.
func words(read bounce.Report) string {
	said := read.Words
	if said == "" {
		said = read.Status
	}
	said = bounce.WithoutAddresses(said)
	if len(said) > 300 {
		said = strings.ToValidUTF8(said[:300], "")
	}
	return said
}

// ours reports whether a message is one of ours that came back as it is, or comes from our own address.
func (r *Receiver) ours(read bounce.Report) bool {
	m := read.Mail
	if read.Kind == bounce.Written || read.Kind == bounce.AutoReply {
		if m.Own("x-notifyd-") || strings.EqualFold(address(m.Header("From")), r.From) {
			return true
		}
	}
	return false
}

// A use is what an address of ours is for.
type use int

const (
	unknown use = iota
	forReport
	forReply
	forStop
)

// envelopes are the fields in which mail systems note to which address a message was sent.
var envelopes = []string{"X-Original-To", "Delivered-To", "Envelope-To", "X-Envelope-To", "To", "Cc"}

// addressed gives what the address is for to which a message was sent, and its token. Without the envelope the fields
// of the message say it.
func (r *Receiver) addressed(to []string, m *bounce.Mail) (use, string) {
	for _, a := range to {
		if u, token := r.Config.parse(a); u != unknown {
			return u, token
		}
	}
	for _, name := range envelopes {
		for _, field := range m.Headers(name) {
			for one := range strings.SplitSeq(field, ",") {
				if u, token := r.Config.parse(address(one)); u != unknown {
					return u, token
				}
			}
		}
	}
	return unknown, ""
}

// address is the address of a field such as "Name <a@b>".
func address(field string) string {
	if at := strings.LastIndexByte(field, '<'); at >= 0 {
		field, _, _ = strings.Cut(field[at+1:], ">")
	}
	return textproto.TrimString(field)
}

// counts count what came back.
type counts struct {
	mu  sync.Mutex
	all map[[2]string]int
}

func (c *counts) add(kind, outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[[2]string]int{}
	}
	c.all[[2]string{kind, outcome}]++
}
