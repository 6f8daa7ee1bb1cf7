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
}

// A matchLine is one line of its output.
type matchLine struct {
	ID      string   `json:"msg_id"`
	Topic   string   `json:"topic"`
	Matched []string `json:"matched"` // the filters' names, in the order of the file
}

// Run reads messages on standard input and writes one line for each, in order. A line that is no message gives a line
// with an error. Mistakes in the file or in a line give status 1 at the end.
func (c *filterTestCmd) Run(e *env) error {
	set, err := c.open(e)
	if err != nil {
		return err
	}
	return set.each(e, c.File, func(out *json.Encoder, _ io.Writer, event *catalogue.Event) error {
		line := matchLine{ID: event.ID, Topic: event.Topic, Matched: []string{}}
		for _, place := range set.match(event) {
			line.Matched = append(line.Matched, set.filters[place].Name)
		}
		return out.Encode(line)
	})
}

// each describes each message of standard input and hands it to do with where the output goes.
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
			return encoder.Encode(map[string]string{"error": err.Error()})
		}
		return do(encoder, out, s.catalogue.Describe(m))
	})
	if err = errors.Join(err, out.Flush()); err != nil {
		return fmt.Errorf("ask filters: %w", err)
	}
	s.printExpensive(e.stderr, file)
	return s.status(file, bad)
}
