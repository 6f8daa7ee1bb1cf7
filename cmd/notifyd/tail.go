package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/archive"
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
	Since        string `placeholder:"WHEN" help:"First what came since then, by the history of notifyd or a datagrepper: 90m, 2d, 2026-11-29, 2026-11-29T08:00."`
	Count        int    `short:"n" placeholder:"N" help:"Stop after N messages (default: never)."`
	Validate     *bool  `negatable:"" help:"Show only messages whose signature is valid, and warn of others (default: check and show all where --ca, --gpg-keys or --config is given)."`
	trustFlags
	classic.Flags
	TopicPrefix string `hidden:""` // fedmsg-tail has it, and needs it no more than we do
}

// Run shows messages until the context ends or Count is reached.
func (c *tailCmd) Run(e *env) (err error) {
	c.Flags.Note(e.stderr)
	if c.PrintConfig {
		return (&configPrintCmd{}).Run(e)
	}
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
	s := &tail.Stream{Now: e.now, Log: e.log}
	if s.Source, err = c.source(e, "tail"); err != nil {
		return err
	}
	if c.Since != "" {
		var closed func() error
		if closed, err = c.openArchive(e, s); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closed()) }()
	}
	s.Keep = func(m *bus.Message) bool { return pick.topic(m.Topic) && c.valid(e, v, m) && pick.event(m) != nil }
	shown := 0
	s.Show = func(m *bus.Message) error {
		if err := show(e.stdout, m); err != nil {
			return err
		}
		if shown++; shown == c.Count {
			return tail.ErrEnough
		}
		return nil
	}
	return s.Run(e.ctx)
}

// openArchive opens what has the messages since a time.
func (c *tailCmd) openArchive(e *env, s *tail.Stream) (closed func() error, err error) {
	if s.Since, err = archive.Since(c.Since, e.now()); err != nil {
		return nil, fmt.Errorf("--since: %w", err)
	}
	f, err := openConfig(e)
	if err != nil {
		return nil, err
	}
	s.Archive, closed, err = archive.Open(e.ctx, f, "notifyd tail", s.Since, e.now)
	return closed, err
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

// visible makes a text of somebody else harmless on a terminal.
func visible(text string) string { return tail.Visible(text) }
