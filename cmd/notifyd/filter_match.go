package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// filterTestCmd is `notifyd filter test`.
type filterTestCmd struct {
	filterFlags
	archiveFlags
	Expect string `placeholder:"FILE" help:"Compare with an earlier output, and print what differs."`
	Write  bool   `help:"Write what matches to the file of --expect instead."`
}

// A matchLine is one line of its output.
type matchLine struct {
	ID      string   `json:"msg_id"`
	Topic   string   `json:"topic"`
	Matched []string `json:"matched"` // the filters' names, in the order of the file
}

// Help is printed by filter test --help.
func (*filterTestCmd) Help() string {
	return `Each line of output says which filters match a message. Kept in a file, the lines are what a later run expects:

    notifyd filter test filters.yaml --expect expected.jsonl --write < messages.jsonl
    notifyd filter test filters.yaml --expect expected.jsonl < messages.jsonl

Exit status: 0 as expected, or nothing is expected; 1 a message is matched otherwise than expected;
2 a filter has a mistake, a line is no message, or something could not be read.`
}

// Run reads messages on standard input and writes one line for each, in order. For a line that is no message it
// writes a line with an error.
func (c *filterTestCmd) Run(e *env) error { return e.finish(c.test(e)) }

func (c *filterTestCmd) test(e *env) error {
	if c.Write && c.Expect == "" {
		return errors.New("--write needs --expect, the file to write to")
	}
	set, err := c.filterFlags.openFor(e, &c.archiveFlags)
	if err != nil {
		return err
	}
	switch {
	case c.Write:
		return set.writeExpected(e, c)
	case c.Expect != "":
		return set.compare(e, c)
	}
	return set.each(e, c.File, func(out *json.Encoder, _ io.Writer, event *catalogue.Event) error {
		return out.Encode(set.matchLine(event))
	})
}

func (s *filterSet) matchLine(event *catalogue.Event) matchLine {
	line := matchLine{ID: event.ID, Topic: event.Topic, Matched: []string{}}
	for _, place := range s.match(event) {
		line.Matched = append(line.Matched, s.filters[place].Name)
	}
	return line
}

// A badLine is the output for a line that is no message.
type badLine struct {
	Error string `json:"error"`
}

// each describes each message of standard input and calls do with the event and the writer of the output.
func (s *filterSet) each(e *env, file string, do func(*json.Encoder, io.Writer, *catalogue.Event) error) error {
	out := bufio.NewWriter(e.stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	bad := 0
	err := eachLine(e.stdin, func(line []byte) error {
		if err := e.ctx.Err(); err != nil {
			return err
		}
		m, err := bus.DecodeLine(line, e.now())
		if err != nil {
			bad++
			return encoder.Encode(badLine{err.Error()})
		}
		if s.verifier != nil {
			archived(s.verifier, e, m)
		}
		return do(encoder, out, s.catalogue.Describe(m))
	})
	if err = errors.Join(err, out.Flush()); err != nil {
		return fmt.Errorf("ask filters: %w", err)
	}
	s.printExpensive(e.stderr, file)
	return s.status(file, bad)
}
