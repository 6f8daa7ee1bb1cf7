package nats

import (
	"context"
	"fmt"
	"strconv"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The headers of a dead letter. Its body and its other headers are those of what could not be read.
const (
	deadReason   = "Notifyd-Dead-Reason"
	deadSubject  = "Notifyd-Dead-Subject"
	deadStream   = "Notifyd-Dead-Stream"
	deadSequence = "Notifyd-Dead-Sequence"
)

// maxTries is how often a dead letter is tried before the message is terminated without one.
const maxTries = 5

// refuse terminates a message, so that it does not come again. Where there is a subject of dead letters it gets a copy
// first; while that fails the message is given back, and comes again later.
func (s *session) refuse(ctx context.Context, a arrival, reason string) {
	m, meta := a.Msg, a.meta
	defer s.ledger.settle(meta.Sequence.Stream)
	log := s.log.With("subject", clip(m.Subject), "stream_sequence", meta.Sequence.Stream, "reason", reason)
	if err := s.bury(ctx, a, reason); err != nil {
		if meta.NumDelivered < maxTries {
			log.Debug("cannot keep a dead letter; it is tried again", "error", clip(err.Error()))
			s.say(fmt.Sprintf(`%s {"delay": %d}`, given, 10*time.Second), []string{m.Reply})
			return
		}
		log.Warn("cannot keep a dead letter", "error", clip(err.Error()))
	}
	s.meter.Dropped(reason)
	log.Debug("refused a message")
	s.say(s.termination(reason), []string{m.Reply})
}

// bury sends a copy to the subject of dead letters, and waits until a stream has it.
func (s *session) bury(ctx context.Context, a arrival, reason string) error {
	m, meta := a.Msg, a.meta
	if s.config.DeadLetter == "" || m.Header.Get(deadReason) != "" {
		return nil
	}
	letter := natsgo.NewMsg(s.config.DeadLetter)
	letter.Data = m.Data
	for name, values := range m.Header {
		letter.Header[name] = values
	}
	letter.Header.Set(deadReason, reason)
	letter.Header.Set(deadSubject, m.Subject)
	letter.Header.Set(deadStream, meta.Stream)
	letter.Header.Set(deadSequence, strconv.FormatUint(meta.Sequence.Stream, 10))
	letter.Header.Set(natsgo.MsgIdHdr, identity(meta)) // once, however often it is sent
	limited, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	_, err := s.js.PublishMsg(limited, letter, jetstream.WithRetryAttempts(0))
	return err
}

// termination ends a message; servers since 2.10.4 publish the reason in an advisory, older ones know no reason.
func (s *session) termination(reason string) string {
	var major, minor, patch int
	fmt.Sscanf(s.conn.ConnectedServerVersion(), "%d.%d.%d", &major, &minor, &patch) // what it cannot read stays 0
	if major > 2 || major == 2 && (minor > 10 || minor == 10 && patch >= 4) {
		return terminated + " " + reason
	}
	return terminated
}
