package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/sessions"
)

// pull.go asks the consumer for messages, one pull after the other, and reads what the server says about a pull. The
// protocol is that of nats-architecture-and-design, ADR-37. A pull asks for at most so many messages and bytes, and is
// over when they have come, or when the server says so. So what waits in the client is bounded.

const (
	// expiry is how long a pull lasts at most.
	expiry = 5 * time.Second
	// maxPull is how many messages one pull asks for.
	maxPull = 256
	// statuses is how many of the server's statuses may wait beside messages.
	statuses = 64
)

// pulls are the pulls of a session.
type pulls struct {
	inbox  string
	number int
	asked  int          // messages that the pull is still to bring; 0: it is over
	came   int          // messages that it has brought
	alone  bool         // the next one asks for one message of any size
	lost   bool         // the server has not shown that it knows of the one before
	sign   atomic.Int64 // when the server has shown last that it knows of the pull, in nanoseconds since 1970
}

func (p *pulls) got() { p.asked, p.came = max(p.asked-1, 0), p.came+1 }

// subscribe makes ready for what pulls bring.
func (s *session) subscribe(ctx context.Context) (err error) {
	s.pulls.inbox = s.conn.NewRespInbox()
	s.arrived = make(chan arrival, maxPull+statuses)
	s.answers, err = s.conn.Subscribe(s.pulls.inbox+".*", func(m *natsgo.Msg) {
		s.pulls.sign.Store(s.now().UnixNano())
		if m.Header.Get("Status") == "100" && len(m.Data) == 0 {
			return // a sign of life
		}
		select {
		case s.arrived <- s.arrive(m):
		case <-ctx.Done():
		}
	})
	if err != nil {
		return err
	}
	// The server sends no more than it was asked for; a hostile one fills the memory no further than this.
	return s.answers.SetPendingLimits(maxPull+statuses, bus.MaxHeld+maxMessage)
}

// An arrival is a message, or what the server says about a pull.
type arrival struct {
	*natsgo.Msg
	meta *natsgo.MsgMetadata // nil: it is no message
}

// arrive enters a message into the ledger at once: the server is told that it is in progress, however long it waits.
func (s *session) arrive(m *natsgo.Msg) arrival {
	meta, err := m.Metadata()
	if err != nil {
		return arrival{Msg: m}
	}
	s.ledger.arrive(s.number, meta.Sequence.Stream, m.Reply)
	return arrival{m, meta}
}

// lasts is how long a pull lasts. The server knows nothing of a node that is stopped or cut off, and goes on giving to
// its pull. What it gave comes again after ack_wait, to any pull that there is: that one must be over by then, or its
// messages would wait once more.
func (s *session) lasts() time.Duration { return max(min(expiry, s.ackWait()), time.Second) }

// heartbeat is how often the server shows that it knows of a pull. It refuses more than half of how long one lasts.
func (s *session) heartbeat() time.Duration { return min(s.config.Timeout/4, s.lasts()/2) }

// pull asks for messages, where no pull is open.
func (s *session) pull() error {
	p := &s.pulls
	if p.asked > 0 {
		return nil
	}
	request := struct {
		Expires   time.Duration `json:"expires"`
		Batch     int           `json:"batch"`
		MaxBytes  int           `json:"max_bytes,omitempty"`
		Heartbeat time.Duration `json:"idle_heartbeat"`
	}{s.lasts(), min(maxPull, s.config.MaxAckPending), s.most, s.heartbeat()}
	if p.alone {
		request.Batch, request.MaxBytes = 1, 0
	}
	text, err := json.Marshal(request)
	if err != nil {
		return err
	}
	p.number++
	p.asked, p.came, p.alone = request.Batch, 0, false
	if !p.lost {
		p.sign.Store(s.now().UnixNano())
	}
	subject := "$JS.API.CONSUMER.MSG.NEXT." + s.config.Stream + "." + s.config.Durable
	if err := s.conn.PublishRequest(subject, p.inbox+"."+strconv.Itoa(p.number), text); err != nil {
		return s.whyClosed()
	}
	return nil
}

// checkBeat asks again where the server does not seem to know of the pull: a consumer that has no leader yet loses it.
// It ends a session for which that does not help. What has arrived and waits is a sign too.
func (s *session) checkBeat() error {
	since := s.now().Sub(time.Unix(0, s.pulls.sign.Load())).Round(time.Millisecond)
	s.pulls.lost = len(s.arrived) == 0 && since > 2*s.heartbeat()
	if len(s.arrived) > 0 || since < 5*min(s.config.Timeout/4, 10*time.Second)/2 {
		if s.pulls.lost {
			s.pulls.asked = 0
		}
		return nil
	}
	if denied := s.denied.Load(); denied != nil {
		return sessions.Fail(FailedTopology, errors.New("the login may not do that: "+*denied))
	}
	return sessions.Fail(FailedTimeout, fmt.Errorf("the server has shown no sign of life for %v", since))
}

// status reads what the server says about a pull, or what is no message otherwise.
func (s *session) status(m *natsgo.Msg) error {
	code, text := m.Header.Get("Status"), m.Header.Get("Description")
	if m.Subject != s.pulls.inbox+"."+strconv.Itoa(s.pulls.number) {
		return nil // of a pull that is over
	}
	s.pulls.asked = 0
	lower := strings.ToLower(text)
	switch {
	case code == "404", code == "408": // nothing came in time
	case strings.Contains(lower, "exceeds maxbytes"):
		s.pulls.alone = s.pulls.came == 0
	case strings.Contains(lower, "batch completed"), strings.Contains(lower, "leadership change"):
	case code == "503":
		return sessions.Fail(FailedDeleted, errors.New("nobody answers for the consumer: it was deleted, or has no leader"))
	case strings.Contains(lower, "consumer deleted"):
		return sessions.Fail(FailedDeleted, fmt.Errorf("the consumer %q was deleted", s.config.Durable))
	case strings.Contains(lower, "shutdown"):
		return sessions.Fail(FailedLost, errors.New("the server stops"))
	default:
		return sessions.Fail(FailedTopology, fmt.Errorf("the consumer %q does not take the pull: %s %s", s.config.Durable,
			clip(code), clip(text)))
	}
	return nil
}
