package tail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Terse prints one line for people: title -- summary link.
func Terse(book *catalogue.Catalogue) Printer {
	return func(w io.Writer, m *bus.Message) error {
		event := book.Describe(m)
		prose := event.Prose()
		line := strings.TrimRight(mark(m)+event.Title+" -- "+prose.Summary+" "+prose.Link, " ")
		_, err := fmt.Fprintln(w, Visible(strings.ReplaceAll(line, "\n", " ")))
		return err
	}
}

// JSON prints the canonical form: pure ASCII, so nothing in it can steer a terminal. All that was signed is in it.
func JSON(w io.Writer, m *bus.Message) error {
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

// Pretty prints indented JSON, without the signature.
func Pretty(w io.Writer, m *bus.Message) error { return ReallyPretty(false)(w, m) }

// ReallyPretty is Pretty with colours, if wanted.
func ReallyPretty(coloured bool) Printer {
	return func(w io.Writer, m *bus.Message) error {
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
		shown := Visible(text.String())
		if coloured {
			shown = colour(shown)
		}
		_, err = io.WriteString(w, shown)
		return err
	}
}

// mark is the verdict in words for the head of a line; "" where messages are not checked.
func mark(m *bus.Message) string {
	if m.Standing.Verdict == "" {
		return ""
	}
	return "[" + m.Standing.Verdict.Words() + "] "
}

// standingField is added to what is shown in JSON. What a sender has put under that name is not shown.
const standingField = "notifyd_standing"

// checked is the envelope of a message as parse reads it, with its standing where messages are checked. Of one that was
// too large to read, and may be no JSON, it is what was read.
func checked(m *bus.Message, parse func([]byte) (any, error)) (map[string]any, error) {
	whole, err := parse(m.Payload)
	if err != nil {
		var read []byte
		if read, err = bus.Encode(m); err == nil {
			whole, err = parse(read)
		}
	}
	if err != nil {
		return nil, err
	}
	envelope := whole.(map[string]any) // it was decoded
	delete(envelope, standingField)
	if s := m.Standing; s.Verdict != "" {
		envelope[standingField] = map[string]any{
			"verdict": string(s.Verdict), "signer": s.Signer, "method": string(s.Method), "reason": s.Reason,
		}
	}
	return envelope, nil
}
