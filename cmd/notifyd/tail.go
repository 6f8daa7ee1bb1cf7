package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/zmq"
	"github.com/notifyd/notifyd/rulespec/catalogue"
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
	err = c.follow(ctx, e, in, keep, show)
	cancel()
	return errors.Join(err, <-ended)
}

// follow prints until ctx ends or Count is reached. A slow terminal makes the publishers wait.
func (c *tailCmd) follow(ctx context.Context, e *env, in *bus.Intake, keep func(string) bool, show printer) error {
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
			case !keep(m.Topic) || dedup.See(m) == bus.Repeat:
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

// A printer writes one message with one Write, so that each line is printed as soon as the message arrives.
type printer func(w io.Writer, m *bus.Message) error

func (c *tailCmd) printer() (printer, error) {
	switch {
	case c.Terse:
		book, err := catalogue.Embedded()
		if err != nil {
			return nil, err
		}
		return func(w io.Writer, m *bus.Message) error { return printTerse(w, book, m) }, nil
	case c.Pretty:
		return printPretty, nil
	}
	return printJSON, nil
}

func printTerse(w io.Writer, book *catalogue.Catalogue, m *bus.Message) error {
	event := book.Describe(m)
	prose := event.Prose()
	line := strings.TrimRight(event.Title+" -- "+prose.Summary+" "+prose.Link, " ")
	_, err := fmt.Fprintln(w, visible(strings.ReplaceAll(line, "\n", " ")))
	return err
}

// printJSON writes the canonical form: pure ASCII, so nothing in it can steer a terminal.
func printJSON(w io.Writer, m *bus.Message) error {
	whole, err := wholeOf(m)
	if err != nil {
		return err
	}
	line, err := bus.Canonical(whole)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// wholeOf gives the payload of a message. Of one that was too large to read, and may be no JSON, it gives what was
// read.
func wholeOf(m *bus.Message) (any, error) {
	whole, err := bus.ParseJSON(m.Payload)
	if err == nil {
		return whole, nil
	}
	envelope, err := bus.Encode(m)
	if err != nil {
		return nil, err
	}
	return bus.ParseJSON(envelope)
}

func printPretty(w io.Writer, m *bus.Message) error {
	whole, err := wholeOf(m)
	if err != nil {
		return err
	}
	if envelope, ok := whole.(map[string]any); ok {
		delete(envelope, "signature")
		delete(envelope, "certificate")
	}
	var text bytes.Buffer
	j := json.NewEncoder(&text)
	j.SetEscapeHTML(false)
	j.SetIndent("", "  ")
	if err := j.Encode(whole); err != nil {
		return err
	}
	_, err = io.WriteString(w, visible(text.String()))
	return err
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
