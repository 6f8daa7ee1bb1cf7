package client

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/bus/zmq"
)

// A TailOption says where to listen, or what for.
type TailOption interface{ tailing(*tailing) }

// tailing is what the options say.
type tailing struct {
	zmq     zmq.Config
	source  bus.Source
	verify  *trust.Verifier
	keep    []func(*bus.Message) bool
	skipped func(error)
	log     *slog.Logger
	now     func() time.Time
}

type tailOption func(*tailing)

func (o tailOption) tailing(t *tailing) { o(t) }

// Endpoint listens to publishers at addresses such as tcp://127.0.0.1:4001. Default: what NOTIFYD_BUS__ZMQ__ENDPOINTS,
// ENDPOINTS_FILE and SRV in the environment name or find.
func Endpoint(addresses ...string) TailOption {
	return tailOption(func(t *tailing) {
		t.zmq.Endpoints = maps.Clone(t.zmq.Endpoints)
		if t.zmq.Endpoints == nil {
			t.zmq.Endpoints = map[string]zmq.Addresses{}
		}
		t.zmq.Endpoints["tail"] = append(t.zmq.Endpoints["tail"], addresses...)
	})
}

// EndpointsFile listens to the publishers that a file lists, or the files of a folder, as YAML or as what fedmsg-config
// prints. It is read again when it changes.
func EndpointsFile(path string) TailOption {
	return tailOption(func(t *tailing) { t.zmq.EndpointsFile = path })
}

// SRV listens to the publishers that the SRV records of domains name (_fedmsg._tcp).
func SRV(domains ...string) TailOption {
	return tailOption(func(t *tailing) { t.zmq.SRV = append(t.zmq.SRV, domains...) })
}

// From listens to a source of any kind instead. A message is acknowledged when the body of the loop is done with it.
func From(source bus.Source) TailOption { return tailOption(func(t *tailing) { t.source = source }) }

// Topics takes only messages whose topic begins with one of the prefixes. A trailing * is taken as fedmsg has it.
func Topics(prefixes ...string) TailOption {
	return tailOption(func(t *tailing) { t.zmq.Topics = append(t.zmq.Topics, prefixes...) })
}

// Verify checks who has sent a message, which Message.Standing then says, and leaves out what the verifier's policy
// drops. Without it nothing is checked.
func Verify(by *trust.Verifier) TailOption { return tailOption(func(t *tailing) { t.verify = by }) }

// Keep takes only messages of which it is true. It is asked before repeats are looked for.
func Keep(wanted func(*bus.Message) bool) TailOption {
	return tailOption(func(t *tailing) { t.keep = append(t.keep, wanted) })
}

// Skipped is told of what is left out since it is no message, or dropped by Verify. Default: it is logged, at most once
// a minute.
func Skipped(tell func(error)) TailOption { return tailOption(func(t *tailing) { t.skipped = tell }) }

// tailIDs is the number of messages that are remembered, so that a repeat is not shown.
const tailIDs = 10_000

// Tail gives the messages on the bus as they come, until ctx ends or the loop is left; all it has started has ended
// then. An error is the last that it gives: nothing can be listened to.
//
// What a stranger sends ends nothing: it is left out (Skipped).
func Tail(ctx context.Context, options ...TailOption) iter.Seq2[*bus.Message, error] {
	return func(yield func(*bus.Message, error) bool) {
		t, err := newTailing(options)
		if err != nil {
			yield(nil, err)
			return
		}
		if err := t.run(ctx, func(m *bus.Message) bool { return yield(m, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

func newTailing(options []TailOption) (*tailing, error) {
	t := &tailing{log: slog.Default(), now: time.Now}
	for _, o := range options {
		o.tailing(t)
	}
	if t.skipped == nil {
		t.skipped = (&seldom{log: t.log, now: t.now}).tell
	}
	if t.source != nil {
		t.keepTopics()
		return t, nil
	}
	if len(t.zmq.Endpoints) == 0 && !t.zmq.Finds() {
		c, err := zmqFromEnvironment(os.Getenv)
		if err != nil {
			return nil, err
		}
		if len(t.zmq.Topics) > 0 {
			c.Topics = t.zmq.Topics
		}
		t.zmq = c
	}
	if len(t.zmq.Endpoints) == 0 && !t.zmq.Finds() {
		return nil, fmt.Errorf("there is nothing to listen to: say Endpoint, EndpointsFile or SRV, or set %sENDPOINTS, "+
			"ENDPOINTS_FILE or SRV in the environment", zmqVariable)
	}
	var err error
	t.source, err = zmq.New(t.zmq, t.log)
	return t, err
}

// keepTopics takes from a source that knows no topics only those that are wanted.
func (t *tailing) keepTopics() {
	if len(t.zmq.Topics) == 0 {
		return
	}
	Keep(func(m *bus.Message) bool {
		return slices.ContainsFunc(t.zmq.Topics, func(prefix string) bool {
			return strings.HasPrefix(m.Topic, strings.TrimSuffix(prefix, "*"))
		})
	}).tailing(t)
}

// run listens until ctx ends, the source does, or give is false; nil if give has ended it.
func (t *tailing) run(ctx context.Context, give func(*bus.Message) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	in := bus.NewIntake(bus.IntakeConfig{})
	ended := make(chan error, 1)
	go func() {
		defer in.Close()
		ended <- t.source.Run(ctx, in)
	}()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	defer func() { _ = stop() }() // also where the body of the loop panics
	dedup := bus.NewDedupWindow(tailIDs)
	for batch, open := in.Next(ctx); open; batch, open = in.Next(ctx) {
		for _, f := range batch {
			m := t.message(f, dedup)
			more := m == nil || give(m)
			f.Done()
			if !more || ctx.Err() != nil {
				return nil
			}
		}
	}
	return stop()
}

// message makes the message of a frame; nil where none is to be given.
func (t *tailing) message(f bus.Frame, dedup *bus.DedupWindow) *bus.Message {
	now := t.now()
	m, err := bus.Decode(f, now)
	if err != nil {
		t.skipped(fmt.Errorf("message dropped: %w", err))
		return nil
	}
	if t.verify != nil {
		var action trust.Action
		if m.Standing, action = t.verify.Judge(m, now); action == trust.Drop {
			t.skipped(fmt.Errorf("message dropped: %s under %s is %s: %s", m.ID, m.Topic, m.Standing.Words(), m.Standing.Reason))
			return nil
		}
	}
	for _, wanted := range t.keep {
		if !wanted(m) {
			return nil
		}
	}
	if dedup.See(m) == bus.Repeat {
		return nil
	}
	return m
}

// seldom logs at most once a minute.
type seldom struct {
	log   *slog.Logger
	now   func() time.Time
	last  time.Time
	quiet int
}

func (s *seldom) tell(err error) {
	now := s.now()
	if s.quiet++; now.Sub(s.last) < time.Minute {
		return
	}
	s.log.Warn("left out", "error", err, "since the last such line", s.quiet)
	s.last, s.quiet = now, 0
}
