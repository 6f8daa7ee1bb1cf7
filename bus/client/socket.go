package client

import (
	"context"
	"errors"

	"github.com/notifyd/notifyd/bus/zmq"
)

// A socket publishes over ZeroMQ.
type socket struct {
	*zmq.Publisher
	set    *publishing
	cancel context.CancelFunc
	ended  chan error
}

func newSocket(set *publishing) (*socket, error) {
	var p *zmq.Publisher
	var err error
	if set.bind != "" {
		p, err = zmq.Bind(context.Background(), set.bind, zmq.PublisherConfig{}, set.log)
	} else {
		p, err = zmq.Connect(set.relay, zmq.PublisherConfig{}, set.log)
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &socket{Publisher: p, set: set, cancel: cancel, ended: make(chan error, 1)}
	go func() { s.ended <- p.Run(ctx) }()
	return s, nil
}

func (s *socket) addr() string { return s.Addr() }

func (s *socket) ready(ctx context.Context, topic string) error {
	if s.set.bind == "" {
		return s.WaitSubscribed(ctx, topic)
	}
	_, err := s.WaitSettled(ctx, topic, s.set.subscribers, s.set.settle)
	return err
}

// send waits for a relay that is away for a moment.
func (s *socket) send(ctx context.Context, topic string, payload []byte) (int, error) {
	n, err := s.Publish(topic, payload)
	if n > 0 || err != nil || s.set.bind != "" {
		return n, err
	}
	waiting, stop := context.WithTimeout(ctx, s.set.wait)
	defer stop()
	if err := s.WaitSubscribed(waiting, topic); err != nil {
		return 0, ctx.Err() // nobody is left
	}
	return s.Publish(topic, payload)
}

func (s *socket) flush(ctx context.Context) error { return s.Flush(ctx) }

var errClosed = errors.New("the publisher is closed")

func (s *socket) stop() error {
	s.cancel()
	return <-s.ended
}
