// Package mail is what `notifyd mail` does between a mail system and the daemon.
//
// An MTA runs the command with one mail on stdin, and looks at its exit status (sysexits.h): 0 ends the MTA's duty, 75
// keeps the mail in its queue for another try, and others send it back. So a Receiver says 0 only after the daemon has
// said that the message is stored, and 75 for whatever may be mended by waiting. The MTA's queue is the outbox of this
// side: the command has none, and a mail that is handed over twice is one message, by its Message-ID.
//
//	r := mail.Receiver{Poster: p, Mappings: all, Options: options, Out: os.Stdout}
//	status, err := r.One(ctx, os.Stdin)
package mail

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/notifyd/notifyd/bus/mail"
)

// A Poster hands messages to the daemon, such as a client.Poster. Those that it gives no error for are stored.
type Poster interface {
	PostJSON(ctx context.Context, objects ...[]byte) (ids []string, err error)
}

// A Receiver makes messages of mails and hands them over.
type Receiver struct {
	Poster   Poster
	Mappings mail.Mappings
	Options  mail.Options
	// Out is told what became of each mail.
	Out io.Writer
}

// One takes one mail. The error says why the status is not OK.
func (r *Receiver) One(ctx context.Context, stdin io.Reader) (Status, error) {
	m, err := mail.Read(stdin)
	if err != nil {
		return TempFail, fmt.Errorf("read the mail: %w", err)
	}
	out, err := r.Mappings.Message(m, r.Options)
	if err != nil {
		return Config, err
	}
	if out.Draft == nil {
		fmt.Fprintf(r.Out, "no message: %s\n", out.Reason)
		return OK, nil
	}
	if _, err := r.Poster.PostJSON(ctx, out.Draft.Payload); err != nil {
		return statusOf(ctx, err), err
	}
	fmt.Fprintf(r.Out, "%s: %s %s\n", out.Mapping, out.Draft.Topic, out.Draft.ID)
	return OK, nil
}

const (
	// maxBatch and maxBatchBytes bound the messages of an archive that are handed over at once.
	maxBatch      = 200
	maxBatchBytes = 1 << 20
)

// A batch is messages of an archive that wait.
type batch struct {
	messages [][]byte
	size     int
}

func (b *batch) add(message []byte) (full bool) {
	b.messages, b.size = append(b.messages, message), b.size+len(message)
	return len(b.messages) == maxBatch || b.size >= maxBatchBytes
}

// Archive takes all mails of an mbox file or a Maildir folder, in their order.
func (r *Receiver) Archive(ctx context.Context, path string) (Status, error) {
	var waiting batch
	status, sent, passed := OK, 0, map[string]int{}
	flush := func() error {
		if len(waiting.messages) == 0 {
			return nil
		}
		if _, err := r.Poster.PostJSON(ctx, waiting.messages...); err != nil {
			status = statusOf(ctx, err)
			return err
		}
		sent += len(waiting.messages)
		waiting = batch{}
		return nil
	}
	err := mail.Archive(path, func(m *mail.Mail, _ string) error {
		out, err := r.Mappings.Message(m, r.Options)
		if err != nil {
			status = Config
			return err
		}
		if out.Draft == nil {
			passed[out.Reason]++
			return ctx.Err()
		}
		if waiting.add(out.Draft.Payload) {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	r.report(sent, passed)
	if err != nil && status == OK {
		status = NoInput
		if ctx.Err() != nil || errors.Is(err, context.Canceled) {
			status = TempFail
		}
	}
	return status, err
}
