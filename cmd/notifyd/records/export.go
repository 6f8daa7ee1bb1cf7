package records

import (
	"bufio"
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
}

// Run writes all messages that are wanted, of those that are kept as it begins. After an error the result says how far
// it came: what is written up to there is whole.
func (x Export) Run(ctx context.Context, w io.Writer) (done Exported, err error) {
	if x.Query.UpTo, err = x.Store.Settled(ctx); err != nil {
		return done, err
	}
	if x.Query.UpTo == 0 { // 0 would be no bound
		x.Query.UpTo = -1
	}
	x.Query.OldestFirst = true
	out := bufio.NewWriterSize(w, 256<<10)
	var into io.Writer = out
	var packed *gzip.Writer
	if x.Gzip {
		packed, _ = gzip.NewWriterLevel(out, gzip.BestSpeed)
		into = packed
	}
	n, last, err := x.write(ctx, into)
	if packed != nil {
		err = errors.Join(err, packed.Close())
	}
	return Exported{n, last.MsgID}, errors.Join(err, out.Flush())
}

func (x Export) write(ctx context.Context, w io.Writer) (n int, last history.Record, err error) {
	before, after := "", "\n"
	if x.Array {
		before, after = "[\n", ""
	}
	n, last, err = x.Query.each(ctx, x.Store, func(s history.Selected) error {
		text, err := x.record(s)
		if err != nil {
			return fmt.Errorf("message %s: %w", s.MsgID, err)
		}
		_, err = io.WriteString(w, before+string(text)+after)
		if x.Array {
			before = ",\n"
		}
		return err
	})
	if x.Array && err == nil {
		end := "\n]\n"
		if n == 0 {
			end = "[]\n"
		}
		_, err = io.WriteString(w, end)
	}
	return n, last, err
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
