package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/client"
	busmail "github.com/notifyd/notifyd/bus/mail"
	"github.com/notifyd/notifyd/cmd/notifyd/mail"
	"github.com/notifyd/notifyd/cmd/notifyd/people"
	"github.com/notifyd/notifyd/cmd/notifyd/verbs"
)

// mailCmd is `notifyd mail`.
type mailCmd struct {
	Receive mailReceiveCmd `cmd:"" help:"Hand a mail on to the daemon: what a mail system runs, with the mail on stdin."`
	Try     mailTryCmd     `cmd:"" help:"Show what mails would become, and why not something else."`
}

// mappingFlags say what mails become.
type mappingFlags struct {
	Mapping  []string `placeholder:"NAME" help:"Ask this mapping only; of several the first that takes the mail counts (default: all but generic)."`
	Mappings string   `type:"path" placeholder:"DIR" help:"Folder of the site's own mappings, NAME.yaml each."`
	Prefix   string   `placeholder:"WORDS" help:"First words of the topics, such as org.debian.dev."`
	Require  []string `sep:"none" placeholder:"EXPR" help:"Take only mails for which this expression gives something, such as {header Authentication-Results | match \"...\"}."`
}

// open reads the mappings.
func (c *mappingFlags) open(now time.Time) (busmail.Mappings, busmail.Options, error) {
	o := busmail.Options{Prefix: c.Prefix, Require: c.Require, Now: now}
	if c.Prefix != "" {
		if err := bus.CheckTopic(c.Prefix); err != nil {
			return nil, o, fmt.Errorf("--prefix: %w", err)
		}
	}
	all, err := busmail.Load(c.Mappings)
	if err == nil && len(c.Mapping) > 0 {
		all, err = all.Named(c.Mapping)
	}
	return all, o, err
}

// mailReceiveCmd is `notifyd mail receive`. What it is for is said by a flag: mails come for several reasons.
type mailReceiveCmd struct {
	Bus  bool     `help:"The mails become messages of the bus. Without this flag one mail is taken as what came back of a notice."`
	To   []string `placeholder:"ADDRESS" help:"What came back: the address that it was sent to (default: what its header says)."`
	LMTP string   `name:"lmtp" placeholder:"ADDRESS" help:"What came back: hand it to a daemon's backends.email.bounces.lmtp, host:port or unix:/path, and not to the admin socket or the database."`
	mappingFlags
	URL       string        `default:"http://127.0.0.1:8090" env:"NOTIFYD_MAIL_URL" placeholder:"URL" help:"The daemon's bus.http (default: ${default})."`
	TokenFile string        `type:"path" env:"NOTIFYD_MAIL_TOKEN_FILE" placeholder:"FILE" help:"File with the token of a sender of bus.http."`
	Wait      time.Duration `placeholder:"TIME" help:"How long to try while the daemon takes nothing (default: 20s; with an archive 10m)."`
	Defer     bool          `help:"Exit with 75 for whatever goes wrong, so that the mail system keeps the mail and sends none back."`
	DryRun    bool          `help:"Hand nothing on, and show what would be."`
	Archive   string        `arg:"" optional:"" type:"path" help:"An mbox file or a Maildir folder, instead of one mail on stdin. Its mails come late: old ones notify nobody."`
}

// Run takes one mail, or an archive. Its exit statuses are those of sysexits.h.
func (c *mailReceiveCmd) Run(e *env) error {
	status, err := c.receive(e)
	if err != nil {
		fmt.Fprintln(e.stderr, "notifyd:", err)
	}
	if status != mail.OK && c.Defer {
		status = mail.TempFail
	}
	if status != mail.OK {
		return exitStatus(status)
	}
	return nil
}

func (c *mailReceiveCmd) receive(e *env) (mail.Status, error) {
	if !c.Bus {
		return c.returned(e)
	}
	all, options, err := c.open(e.now())
	if err != nil {
		return mail.Config, err
	}
	if c.DryRun {
		return mail.OK, showMails(e, all, options, c.Archive)
	}
	r := mail.Receiver{Mappings: all, Options: options, Out: e.stdout}
	poster, status, err := c.poster()
	if err != nil {
		return status, err
	}
	defer poster.Close()
	r.Poster = poster
	if c.Archive != "" {
		return r.Archive(e.ctx, c.Archive)
	}
	return r.One(e.ctx, e.stdin)
}

// returned hands on one mail that came back. What the daemon or the database cannot take now, the mail system keeps.
func (c *mailReceiveCmd) returned(e *env) (mail.Status, error) {
	if c.Archive != "" || c.TokenFile != "" || len(c.Mapping) > 0 {
		return mail.Usage, errors.New("mail receive: an archive, a token and mappings go with --bus")
	}
	raw, err := io.ReadAll(io.LimitReader(e.stdin, maxReturned))
	if err != nil {
		return mail.TempFail, fmt.Errorf("read the mail: %w", err)
	}
	if len(raw) == maxReturned { // so that who writes it gets rid of it
		if _, err := io.Copy(io.Discard, io.LimitReader(e.stdin, 64<<20)); err != nil {
			return mail.TempFail, fmt.Errorf("read the mail: %w", err)
		}
	}
	if c.LMTP != "" {
		return mail.Hand(e.ctx, c.LMTP, c.To, raw)
	}
	got, err := verbs.Receive(e.records(), c.To, raw)
	var fault *people.Fault
	switch {
	case errors.As(err, &fault) && fault.Status == people.Config:
		return mail.Config, err
	case err != nil:
		return mail.TempFail, err
	}
	fmt.Fprintf(e.stdout, "%s: %s\n", got.Kind, got.Said)
	return mail.OK, nil
}

// maxReturned is how much is read of a mail that came back.
const maxReturned = 2 << 20

// poster makes what reaches the daemon.
func (c *mailReceiveCmd) poster() (*client.Poster, mail.Status, error) {
	if c.TokenFile == "" {
		return nil, mail.Usage, errors.New("--token-file was expected: the token of a sender of bus.http")
	}
	token, err := client.ReadSecret(c.TokenFile)
	if err != nil {
		return nil, mail.Config, fmt.Errorf("read token: %w", err)
	}
	wait := 20 * time.Second
	if c.Archive != "" {
		wait = 10 * time.Minute
	}
	poster, err := client.NewPoster(client.PosterConfig{URL: c.URL, Token: token, Patience: cmp.Or(c.Wait, wait),
		Late: c.Archive != ""})
	return poster, mail.Config, err
}

// mailTryCmd is `notifyd mail try`.
type mailTryCmd struct {
	mappingFlags
	Archive string `arg:"" optional:"" type:"path" help:"A file with a mail or an mbox, or a Maildir folder; without it one mail on stdin."`
}

// Run shows what becomes of the mails.
func (c *mailTryCmd) Run(e *env) error {
	all, options, err := c.open(e.now())
	if err != nil {
		return err
	}
	return showMails(e, all, options, c.Archive)
}

// showMails shows what becomes of each mail of an archive, or of that on stdin.
func showMails(e *env, all busmail.Mappings, o busmail.Options, archive string) error {
	show := func(m *busmail.Mail, where string) error {
		if where != "" {
			fmt.Fprintf(e.stdout, "== %s\n", where)
		}
		out, err := all.Message(m, o)
		if err != nil {
			return err
		}
		return mail.Show(e.stdout, out)
	}
	if archive != "" {
		return busmail.Archive(archive, show)
	}
	m, err := busmail.Read(io.Reader(e.stdin))
	if err != nil {
		return err
	}
	return show(m, "")
}
