package zmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A replayClient asks a publisher's store for what was missed: fedmsg's replay protocol, over REQ-REP (ZeroMQ RFC 28).
// A request is one JSON object, such as {"seq_id_range": [4, 8]}. The answer has a part for each message, or one part
// that is no JSON: error: '…'. The protocol has no pages, so that a range is asked for in pieces, and what an answer
// left out at its end is asked for again.
type replayClient struct {
	addr    address
	timeout time.Duration // for dialling, the handshake, and one answer
	now     func() time.Time
	log     *slog.Logger
}

const (
	replayPage  = 100      // numbers asked for at once
	replayBytes = 16 << 20 // of one answer; at least one message must fit
	// replayEmpty answers without a message end a hole whose numbers are known: nobody has so many in a row.
	replayEmpty = 50
	// replayMost numbers are asked for where nobody knows how many are missing: a server that makes up messages for
	// whatever it is asked would keep us for ever. It is the largest gap that bus/gaps takes for a loss.
	replayMost = 1 << 20
)

// Name is "replay".
func (r *replayClient) Name() string { return "replay" }

// Fetch asks for the numbers of h.
func (r *replayClient) Fetch(ctx context.Context, h bus.Hole, page func(bus.Page) error) error {
	if !h.Sequence || h.First <= 0 {
		return bus.ErrCannotAsk
	}
	q := newReplayQuestion(r, h)
	defer q.hangUp()
	for !q.done {
		frames, err := q.ask(ctx)
		if err != nil {
			return fmt.Errorf("replay from %s: %w", r.addr, err)
		}
		if err := page(bus.Page{Frames: frames, Next: q.next}); err != nil {
			return err
		}
	}
	return nil
}

// errAnswer is for an answer over replayBytes.
var errAnswer = errors.New("an answer over the size limit")

// A replayQuestion is the state of one Fetch.
type replayQuestion struct {
	client *replayClient
	conn   *replayConn // nil: not connected
	next   int64       // the first number to ask for
	last   int64       // the last number to ask for
	open   bool        // only as far as there is anything
	size   int64       // how many numbers to ask for at once
	lists  bool        // ask by seq_ids, since fedmsg's own server answers every range with an error
	empty  int         // answers in a row without a message
	done   bool
}

func newReplayQuestion(r *replayClient, h bus.Hole) *replayQuestion {
	q := &replayQuestion{client: r, next: h.First, last: h.Last, open: h.Unbounded(), size: replayPage}
	if q.open {
		q.last = h.First + replayMost - 1
	}
	return q
}

func (q *replayQuestion) hangUp() {
	if q.conn != nil {
		q.conn.Close()
		q.conn = nil
	}
}

// ask asks for the next piece and gives its messages in order.
func (q *replayQuestion) ask(ctx context.Context) ([]bus.Frame, error) {
	to := min(q.next+q.size-1, q.last)
	parts, err := q.exchange(ctx, query(q.next, to, q.lists))
	var said *replayError
	switch {
	case errors.Is(err, errAnswer) && q.size > 1:
		q.size /= 2
		return nil, nil
	case errors.Is(err, errAnswer):
		q.client.log.Warn("a message is too large to be filled in", "seq_id", q.next)
		parts = nil
	case errors.As(err, &said) && said.nothing():
		parts = nil
	case errors.As(err, &said) && !q.lists:
		q.lists = true
		return nil, nil
	case err != nil:
		return nil, err
	}
	return q.take(parts, to), nil
}

// take picks the messages that were asked for, one for each number, and moves on behind them.
func (q *replayQuestion) take(parts [][]byte, to int64) []bus.Frame {
	var frames []bus.Frame
	highest := int64(0)
	taken := map[int64]bool{}
	for _, payload := range parts {
		e := bus.PeekEnvelope(payload)
		if e.Sequence < q.next || e.Sequence > to || taken[e.Sequence] {
			continue
		}
		taken[e.Sequence] = true
		highest = max(highest, e.Sequence)
		frames = append(frames, bus.Frame{Topic: e.Topic, Payload: payload})
	}
	if len(frames) == 0 {
		q.empty++
		q.done = q.open || q.empty >= replayEmpty
		q.next = to + 1
	} else {
		q.empty = 0
		q.next = highest + 1 // the answer may have been cut off there
	}
	q.done = q.done || q.next > q.last
	return frames
}

// exchange sends one request and reads its answer, by a connection that is made where there is none. After a failure it
// is not used again: a REQ socket that lost an answer never gets another.
func (q *replayQuestion) exchange(ctx context.Context, request []byte) ([][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, q.client.timeout)
	defer cancel()
	if q.conn == nil {
		conn, err := q.client.dial(ctx)
		if err != nil {
			return nil, err
		}
		q.conn = conn
	}
	parts, err := q.conn.exchange(ctx, request)
	if err != nil {
		q.hangUp()
		if errors.Is(err, errTooLarge) {
			return nil, errAnswer
		}
		if ctx.Err() != nil {
			err = fmt.Errorf("no answer within %s: %w", q.client.timeout, err)
		}
		return nil, err
	}
	if len(parts) == 1 && !strings.HasPrefix(strings.TrimSpace(string(parts[0])), "{") {
		return nil, &replayError{text: string(parts[0])}
	}
	return parts, nil
}

// query is the request for the numbers from first to last.
func query(first, last int64, lists bool) []byte {
	if !lists {
		return fmt.Appendf(nil, `{"seq_id_range":[%d,%d]}`, first, last)
	}
	b := []byte(`{"seq_ids":[`)
	for n := first; n <= last; n++ {
		if n > first {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "%d", n)
	}
	return append(b, "]}"...)
}

// A replayError is what the server says instead of messages.
type replayError struct{ text string }

func (e *replayError) Error() string { return fmt.Sprintf("the server says %.200q", e.text) }

// nothing reports whether the server has nothing of what was asked for, which fedmsg calls an error.
func (e *replayError) nothing() bool {
	text := strings.ToLower(e.text)
	return strings.TrimSpace(text) == "" || strings.Contains(text, "no match")
}
