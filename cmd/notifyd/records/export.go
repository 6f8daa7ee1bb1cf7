package records

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/web/datagrepper"
)

// The formats of an export.
const (
	Fedmsg      = "fedmsg"      // each message as it was received: what was signed is still signed
	Datagrepper = "datagrepper" // as /raw of datagrepper 1 gives it
	V2          = "v2"          // as /v2/search gives it
)

// An Export writes messages, the oldest first.
type Export struct {
	Store  *history.Store
	Query  Query
	Format string
	Array  bool // one JSON array instead of a line each, as datanommer-dump
	Gzip   bool
}

// An Exported is what an Export has written.
type Exported struct {
	Messages int
	Last     string // the id of the last message; "" where there is none
	Bytes    int64
}

// Run writes all messages that are wanted, of those that are kept as it begins. After an error the result says how far
// it came: what is written up to there is whole. More may stand behind it, a part of a message.
func (x Export) Run(ctx context.Context, w io.Writer) (done Exported, err error) {
	if x.Query.UpTo, err = x.Store.Settled(ctx); err != nil {
		return done, err
	}
	if x.Query.UpTo == 0 { // 0 would be no bound
		x.Query.UpTo = -1
	}
	x.Query.OldestFirst = true
	s := steps{w: w, gzip: x.Gzip}
	before, after := "", "\n"
	if x.Array {
		before, after = "[\n", ""
	}
	_, _, err = x.Query.each(ctx, x.Store, func(m history.Selected) error {
		text, err := x.record(m)
		if err != nil {
			return fmt.Errorf("message %s: %w", m.MsgID, err)
		}
		s.add(m.MsgID, before, string(text), after)
		if x.Array {
			before = ",\n"
		}
		return s.write(stepSize)
	})
	if x.Array && err == nil {
		s.end(before)
	}
	if s.failed == nil {
		err = errors.Join(err, s.write(0))
	}
	return s.done, err
}

// stepSize is how many bytes are written together. In a gzip they are packed by themselves.
const stepSize = 4 << 20

// steps writes messages many at a time, and knows which of them are written.
type steps struct {
	w      io.Writer
	gzip   bool
	text   bytes.Buffer // what is not written yet
	next   Exported     // when it is
	done   Exported
	failed error
}

func (s *steps) add(id string, parts ...string) {
	for _, part := range parts {
		s.text.WriteString(part)
	}
	s.next.Messages, s.next.Last = s.next.Messages+1, id
}

// end ends an array; before is what would stand before one more message.
func (s *steps) end(before string) {
	if before == "[\n" {
		s.text.WriteString("[]\n")
		return
	}
	s.text.WriteString("\n]\n")
}

// write writes what is there, where it is at least so many bytes.
func (s *steps) write(least int) error {
	if s.text.Len() < least || s.text.Len() == 0 && (!s.gzip || s.done.Bytes > 0) {
		return nil
	}
	out := &s.text
	if s.gzip {
		out = new(bytes.Buffer)
		packed, _ := gzip.NewWriterLevel(out, gzip.BestSpeed)
		_, err := packed.Write(s.text.Bytes())
		if err := errors.Join(err, packed.Close()); err != nil {
			return err
		}
	}
	n, err := s.w.Write(out.Bytes())
	s.next.Bytes += int64(n)
	s.text.Reset()
	if err != nil {
		s.failed = err
		return err
	}
	s.done = s.next
	return nil
}

func (x Export) record(s history.Selected) ([]byte, error) {
	if x.Format == Fedmsg {
		return envelope(s.Record)
	}
	return datagrepper.Record(s, x.Format == V2)
}

// envelope gives the payload of a message as one line that says its topic. A payload that is no JSON, since it was too
// large to be read, is given as far as it was read.
func envelope(r history.Record) ([]byte, error) {
	line := r.Payload
	if bytes.ContainsAny(line, "\n\r") {
		var compact bytes.Buffer
		if err := json.Compact(&compact, line); err != nil {
			return rewritten(r)
		}
		line = compact.Bytes()
	}
	if bus.PeekEnvelope(line).Topic != r.Topic {
		return rewritten(r)
	}
	return line, nil
}

// rewritten writes a message anew: its canonical form, with the topic of its frame.
func rewritten(r history.Record) ([]byte, error) {
	whole, err := bus.ParseExact(r.Payload)
	fields, ok := whole.(map[string]any)
	if err != nil || !ok {
		m, err := r.Message()
		if err != nil {
			return nil, err
		}
		return bus.Encode(m)
	}
	fields["topic"] = r.Topic
	return bus.Canonical(fields)
}
