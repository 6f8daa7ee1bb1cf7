package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

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
	line := strings.TrimRight(mark(m)+event.Title+" -- "+prose.Summary+" "+prose.Link, " ")
	_, err := fmt.Fprintln(w, visible(strings.ReplaceAll(line, "\n", " ")))
	return err
}

// printJSON writes the canonical form: pure ASCII, so nothing in it can steer a terminal. All that was signed is in it.
func printJSON(w io.Writer, m *bus.Message) error {
	whole, err := checked(m, bus.ParseExact)
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

func printPretty(w io.Writer, m *bus.Message) error {
	whole, err := checked(m, bus.ParseJSON)
	if err != nil {
		return err
	}
	delete(whole, "signature")
	delete(whole, "certificate")
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
