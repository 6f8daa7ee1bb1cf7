package verbs

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/returns"
	"github.com/notifyd/notifyd/cmd/notifyd/people"
	"github.com/notifyd/notifyd/cmd/notifyd/records"
	"github.com/notifyd/notifyd/prefs/control"
	"github.com/notifyd/notifyd/prefs/links"
)

// Receive hands on what came back of a mail, to the daemon or to the database.
func Receive(e *records.Env, to []string, message []byte) (got backends.Received, err error) {
	err = with(e, func(line people.Line) error {
		got, err = ask[backends.Received](e, line, people.Ask{Verb: "mail.receive", To: to, Message: message})
		return err
	})
	return got, err
}

// receive is people.Desk.Receive where no daemon answers: the backend is opened for it, and dials nobody.
func (j *joined) receive(
	f *config.File, log *slog.Logger,
) func(context.Context, people.Ask) (backends.Received, error) {
	return func(ctx context.Context, a people.Ask) (backends.Received, error) {
		signer, err := j.store.Links(ctx, "")
		if err != nil {
			return backends.Received{}, err
		}
		manage := ""
		if j.set.Web.Listen != "" {
			manage = j.set.Web.BaseURL
		}
		back := &returns.Desk{Prefs: j.store, Outbox: j.box, Writer: j.db.Writer, Manage: manage, Now: j.Now, Log: log,
			Links: func() *links.Signer { return signer }}
		said := &control.Desk{Accounts: j.store.Accounts, Destinations: j.store.Destinations,
			Unsubscriber: j.store.Unsubscriber, Filters: j.store.Filters, Mutes: j.store.Mutes, Outbox: j.box,
			Manage: manage, Now: j.Now, Changed: func() {},
			Mailbox: func(backend string) bool { return backend == "email" }}
		r, err := daemon.OpenReceiver(f, backends.Parts{Log: log, Now: j.Now, Random: rand.Float64, Manage: manage,
			Writer: j.db.Writer, Reader: j.db.Reader, Returns: back, Command: said.Do})
		if err != nil || r == nil {
			return backends.Received{}, err
		}
		return r.Receive(ctx, a.To, bytes.NewReader(a.Message))
	}
}
