package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/zmq"
)

// tailCmd does the job of fedmsg-tail: it shows the messages on the bus.
type tailCmd struct {
	Endpoint []string `required:"" sep:"none" placeholder:"ADDRESS" help:"Publisher to subscribe to, such as tcp://127.0.0.1:4001; repeatable."`
	Topic    []string `sep:"none" placeholder:"PREFIX" help:"Only topics that begin so; repeatable."`
	Include  string   `placeholder:"REGEXP" help:"Only topics in which this is found (RE2 syntax)."`
	Exclude  string   `default:"_heartbeat" placeholder:"REGEXP" help:"No topics in which this is found (default: ${default})."`
	Terse    bool     `xor:"form" help:"One line for people: title -- summary link."`
	Pretty   bool     `xor:"form" help:"Indented JSON, without signature and certificate."`
	JSON     bool     `name:"json" xor:"form" help:"One line of JSON, the whole envelope, ASCII only (the default)."`
	Count    int      `short:"n" placeholder:"N" help:"Stop after N messages (default: never)."`
	Validate *bool    `negatable:"" help:"Show only messages whose signature is valid, and warn of others (default: check and show all where --ca, --gpg-keys or --config is given)."`
	trustFlags
}

// tailIDs is the number of message ids that are remembered, so that a repeat is not shown.
const tailIDs = 10000

// Run shows messages until the context ends or Count is reached.
func (c *tailCmd) Run(e *env) error {
	show, err := c.printer()
	if err != nil {
		return err
	}
	keep, err := c.filter()
	if err != nil {
		return err
	}
	v, err := c.verifier(e)
	if err != nil {
		return err
	}
	source, err := zmq.New(zmq.Config{Endpoints: map[string]zmq.Addresses{"tail": c.Endpoint}, Topics: c.Topic}, e.log)
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
	shown := func(m *bus.Message) bool { return keep(m.Topic) && c.valid(e, v, m) }
	err = c.follow(ctx, e, in, shown, show)
	cancel()
	return errors.Join(err, <-ended)
}

// follow prints until ctx ends or Count is reached. A slow terminal makes the publishers wait.
func (c *tailCmd) follow(ctx context.Context, e *env, in *bus.Intake, keep func(*bus.Message) bool,
	show printer) error {
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

// filter makes the predicate of Include and Exclude.
func (c *tailCmd) filter() (func(topic string) bool, error) {
	include, err := regexp.Compile(c.Include)
	if err != nil {
		return nil, fmt.Errorf("--include: %w", err)
	}
	exclude, err := regexp.Compile(c.Exclude)
	if err != nil {
		return nil, fmt.Errorf("--exclude: %w", err)
	}
	return func(topic string) bool {
		return include.MatchString(topic) && (c.Exclude == "" || !exclude.MatchString(topic))
	}, nil
}

// visible replaces what could steer a terminal or turn the direction of its text: it writes every control and format
// character but the newline as its \u escape, which is valid in JSON and harmless elsewhere.
func visible(text string) string {
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if !hidden(r) {
			b.WriteRune(r)
		} else if r <= 0xFFFF {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func hidden(r rune) bool {
	return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}
