package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/classic"
	"github.com/notifyd/notifyd/cmd/notifyd/tail"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// tailCmd does the job of fedmsg-tail: it shows the messages on the bus.
type tailCmd struct {
	pickFlags
	Terse        bool   `xor:"form" help:"One line for people: title -- summary link."`
	Pretty       bool   `xor:"form" help:"Indented JSON, without signature and certificate."`
	ReallyPretty bool   `xor:"form" help:"The same in colours, on a terminal."`
	JSON         bool   `name:"json" xor:"form" help:"One line of JSON, the whole envelope, ASCII only (the default)."`
	Query        string `xor:"form" placeholder:"A.B,C" help:"Only these values of the envelope, such as msg.commit.rev,timestamp; None for one that is missing."`
	Gource       bool   `xor:"form" help:"Lines for gource: notifyd tail --gource | gource -i 0 --log-format custom -"`
	Count        int    `short:"n" placeholder:"N" help:"Stop after N messages (default: never)."`
	Validate     *bool  `negatable:"" help:"Show only messages whose signature is valid, and warn of others (default: check and show all where --ca, --gpg-keys or --config is given)."`
	trustFlags
	classic.Flags
	TopicPrefix string `hidden:""` // fedmsg-tail has it, and needs it no more than we do
}

// tailIDs is the number of message ids that are remembered, so that a repeat is not shown.
const tailIDs = 10000

// Run shows messages until the context ends or Count is reached.
func (c *tailCmd) Run(e *env) error {
	c.Flags.Note(e.stderr)
	pick, err := c.picker(e)
	if err != nil {
		return err
	}
	show, err := c.printer(e, pick.book)
	if err != nil {
		return err
	}
	v, err := c.verifier(e)
	if err != nil {
		return err
	}
	source, err := c.source(e, "tail")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(e.ctx)
	in := bus.NewIntake(bus.IntakeConfig{})
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		ended <- source.Run(ctx, in)
	}()
	shown := func(m *bus.Message) bool { return pick.topic(m.Topic) && c.valid(e, v, m) && pick.event(m) != nil }
	err = c.follow(ctx, e, in, shown, show)
	cancel()
	return errors.Join(err, <-ended)
}

// printer gives the form of the output.
func (c *tailCmd) printer(e *env, book *catalogue.Catalogue) (tail.Printer, error) {
	switch {
	case c.Terse:
		return tail.Terse(book), nil
	case c.Pretty:
		return tail.Pretty, nil
	case c.ReallyPretty:
		return tail.ReallyPretty(isTerminal(e.stdout) && os.Getenv("NO_COLOR") == ""), nil
	case c.Gource:
		return tail.Gource(book), nil
	case c.Query != "":
		show, err := tail.Query(c.Query)
		if err != nil {
			return nil, fmt.Errorf("--query: %w", err)
		}
		return show, nil
	}
	return tail.JSON, nil
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// follow prints until ctx ends or Count is reached. A slow terminal makes the publishers wait.
func (c *tailCmd) follow(ctx context.Context, e *env, in *bus.Intake, keep func(*bus.Message) bool,
	show tail.Printer) error {
	dedup := bus.NewDedupWindow(tailIDs)
	shown := 0
	for batch, open := in.Next(ctx); open; batch, open = in.Next(ctx) {
		for _, f := range batch {
			m, err := bus.Decode(f, e.now())
			f.Done()
			switch {
			case err != nil:
				e.log.Warn("message dropped", "error", visible(err.Error()))
				continue
			case !keep(m) || dedup.See(m) == bus.Repeat:
				continue
			}
			if err := show(e.stdout, m); err != nil {
				return fmt.Errorf("write message: %w", err)
			}
			if shown++; shown == c.Count {
				return nil
			}
		}
	}
	return nil
}

// visible makes a text of somebody else harmless on a terminal.
func visible(text string) string { return tail.Visible(text) }
