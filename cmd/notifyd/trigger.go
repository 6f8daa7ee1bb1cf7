package main

import (
	"errors"
	"io/fs"
	"os/exec"
	"time"

	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/cmd/notifyd/archive"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/cmd/notifyd/trigger"
	"github.com/notifyd/notifyd/internal/watch"
)

// triggerCmd does the job of fedmsg-trigger: it runs a command for messages.
type triggerCmd struct {
	Command []string `arg:"" passthrough:"" placeholder:"CMD" help:"The program and its arguments, behind --. No shell reads them."`
	pickFlags
	WaitFor    time.Duration `placeholder:"5s" help:"Run once for all messages that came, when so long no other has come."`
	MaxQueue   int           `aliases:"max-queue-size" default:"1000" placeholder:"N" help:"Messages that may wait; then the bus waits. With --wait-for, run when so many have come (default: ${default})."`
	Parallel   int           `default:"1" placeholder:"N" help:"Runs at once (default: ${default}, which keeps the order)."`
	TimeLimit  time.Duration `default:"10m" help:"End a run that takes longer, with all its processes (default: ${default})."`
	Retries    int           `placeholder:"N" help:"Run again so often when it fails (default: never)."`
	RetryAfter time.Duration `default:"1s" help:"Pause before the first of them; doubles up to 5m (default: ${default})."`
	Since      string        `enum:",last" default:"" placeholder:"last" help:"last: begin with what came since the last run of this command, by the history of notifyd or a datagrepper (needs --state)."`
	State      string        `type:"path" placeholder:"FILE" help:"File that remembers over restarts what is done."`
	Unproved   bool          `help:"Also for messages whose sender is not proved, where senders are checked."`
	trustFlags
}

// Help is printed by trigger --help.
func (*triggerCmd) Help() string {
	return `The command gets each message as a line of JSON on standard input, and of the last one NOTIFYD_TOPIC,
NOTIFYD_KIND, NOTIFYD_ID, NOTIFYD_ACTOR, NOTIFYD_TIME, NOTIFYD_TRUST and NOTIFYD_COUNT in the environment:

    notifyd trigger --filter mirror.yaml --wait-for 30s -- rsync -a rsync://master/pub/ /srv/pub/`
}

// Run runs the command for messages until the context ends.
func (c *triggerCmd) Run(e *env) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	pick, err := c.picker(e)
	if err != nil {
		return err
	}
	f := &trigger.Feed{Topic: pick.topic, Event: pick.event, Unproved: c.Unproved, Now: e.now, Log: e.log}
	if f.Verifier, err = c.watch(e); err != nil {
		return err
	}
	if f.Source, err = c.source(e, "trigger"); err != nil {
		return err
	}
	if f.State, err = trigger.OpenState(c.State, e.now()); err != nil {
		return err
	}
	if c.Since != "" {
		var file *config.File
		if file, err = openConfig(e); err != nil {
			return err
		}
		var closed func() error
		if f.Archive, closed, err = archive.Open(e.ctx, file, "notifyd trigger", f.State.Since(), e.now); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closed()) }()
	}
	f.Trigger = trigger.New(trigger.Config{
		Command: c.Command, WaitFor: c.WaitFor, MaxQueue: c.MaxQueue, Parallel: c.Parallel, Limit: c.TimeLimit,
		Retries: c.Retries, RetryAfter: c.RetryAfter, Done: f.Done, Log: e.log,
	})
	return f.Run(e.ctx)
}

func (c *triggerCmd) check() error {
	if c.Command[0] == "--" {
		c.Command = c.Command[1:]
	}
	switch {
	case len(c.Command) == 0:
		return errors.New("no command behind --")
	case (c.Since != "") != (c.State != ""):
		return errors.New("--since last and --state belong together")
	case c.MaxQueue < 1 || c.MaxQueue > 1_000_000 || c.Parallel < 1 || c.Parallel > 1000 || c.Retries < 0:
		return errors.New("--max-queue is 1 to 1000000, --parallel 1 to 1000, --retries not negative")
	case c.WaitFor < 0 || c.TimeLimit <= 0 || c.RetryAfter <= 0:
		return errors.New("--time-limit and --retry-after are longer than 0, --wait-for is not negative")
	}
	_, err := exec.LookPath(c.Command[0])
	return err
}

// watch opens what senders are checked by; nil where that is nothing. The packaged configuration, which most people
// cannot read, counts if it can be read.
func (c *triggerCmd) watch(e *env) (*watch.Watcher[*trust.Verifier], error) {
	config, in, err := c.trustFlags.config(e)
	if err != nil && e.config == "" && !c.given() && errors.Is(err, fs.ErrPermission) {
		e.log.Warn("senders are not checked", "error", err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	w, err := watch.New(trust.Files(config), lookEvery, e.log)
	if err != nil {
		return nil, in(err)
	}
	if !w.Load().Checks() {
		e.log.Warn("senders are not checked: the command runs for whatever somebody sends; see bus.trust, --ca, --gpg-keys")
		return nil, nil
	}
	warnOfTrust(e, w.Load())
	return w, nil
}
