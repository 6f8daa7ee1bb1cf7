package bustest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/text"
)

// Run is a plain loop, but for the faults.
func (s *memory) Run(ctx context.Context, in *bus.Intake) error {
	defer func() { s.broker.giveBack(s.fault == "sends again what is acknowledged") }()
	defer s.endMeter()
	if err := s.beginFault(ctx, in); err != nil {
		return err
	}
	for connected := false; ; {
		m, down, spent, attacked, changed := s.broker.look()
		if up := !down || connected && s.fault == "stays connected"; up != connected {
			connected = up
			s.Connected(up)
		}
		if err := s.stateFault(ctx, in, down, attacked); err != nil {
			return err
		}
		switch {
		case m != nil:
			if err := s.hand(ctx, in, m); err != nil {
				return s.endFault(ctx, in, err)
			}
			continue
		case spent:
			return s.spentFault()
		}
		select {
		case <-changed:
		case <-s.idleEnd(ctx):
			return s.endFault(ctx, in, ctx.Err())
		}
	}
}

func (s *memory) endMeter() {
	if s.fault == "does not end its meter" {
		s.Connected(false)
		return
	}
	s.Ended()
}

var errFault = errors.New("fault")

func (s *memory) hang() error {
	<-s.broker.life.Done()
	return nil
}

func (s *memory) beginFault(ctx context.Context, in *bus.Intake) error {
	second := s.ran
	s.ran = true
	switch s.fault {
	case "runs once only":
		if second {
			<-ctx.Done()
			return errFault
		}
	case "returns at once":
		return errFault
	case "closes out":
		in.Close()
		return s.hang()
	case "begins although ctx has ended":
		if ctx.Err() != nil {
			return s.hang()
		}
	case "leaves a goroutine":
		go s.hang()
	}
	return nil
}

func (s *memory) stateFault(ctx context.Context, in *bus.Intake, down, attacked bool) error {
	switch {
	case down && s.fault == "gives up when it cannot connect":
		return errFault
	case down && s.fault == "dials without ctx", down && s.fault == "never connects again":
		return s.hang()
	case attacked && s.fault == "serves one peer at a time":
		return s.hang()
	case attacked && s.fault == "makes a frame of noise":
		s.fault = ""
		return s.Forward(ctx, in, bus.Frame{Topic: "noise"})
	}
	return nil
}

func (s *memory) idleEnd(ctx context.Context) <-chan struct{} {
	if s.fault == "ignores ctx while idle" {
		return s.broker.life.Done()
	}
	return ctx.Done()
}

// endFault is what the source does once ctx has ended: nothing.
func (s *memory) endFault(ctx context.Context, in *bus.Intake, err error) error {
	switch {
	case ctx.Err() == nil:
		return err
	case s.fault == "gives the error of ctx":
		return ctx.Err()
	case s.fault == "secret in an error":
		return errors.New("token sesame was refused")
	case s.fault == "sends after its end":
		go in.Put(s.broker.life, bus.Frame{Topic: "late"})
	}
	return nil
}

func (s *memory) spentFault() error {
	switch s.fault {
	case "waits although it is spent":
		return s.hang()
	case "calls the end an error":
		return io.EOF
	case "waits for what is not done with":
		for _, f := range s.late {
			f.Done()
		}
		return s.hang()
	}
	return nil
}

// hand hands a message over. An error is ctx's, or a fault's.
func (s *memory) hand(ctx context.Context, in *bus.Intake, m *message) error {
	f := m.Frame
	f.Ack = func() { s.acknowledge(m) }
	if err := s.frameFault(&f, m); err != nil {
		return err
	}
	s.late = append(s.late, f)
	switch {
	case s.fault == "reorders" && len(s.late) == 2:
		return nil // it comes after the third
	case s.fault == "loses one" && len(s.late) == 2:
		return nil
	case s.fault == "reorders" && len(s.late) == 3:
		return errors.Join(s.forward(ctx, in, f), s.forward(ctx, in, s.late[1]))
	case s.fault == "sends twice":
		return errors.Join(s.forward(ctx, in, f), s.forward(ctx, in, f))
	}
	return s.forward(ctx, in, f)
}

func (s *memory) frameFault(f *bus.Frame, m *message) error {
	bad := f.OutOfBounds() != "" || !bytes.HasPrefix(f.Payload, []byte("{")) || len(f.Payload) > 2<<20
	switch {
	case s.fault == "acknowledges at once":
		s.broker.ack(m)
		f.Ack = nil
	case s.fault == "changes the payload":
		f.Payload = bytes.Replace(f.Payload, []byte(`"i":`), []byte(`"i": `), 1)
	case s.fault == "uses its buffer again":
		if len(s.late) > 0 && cap(s.late[0].Payload) >= len(f.Payload) {
			f.Payload = append(s.late[0].Payload[:0], f.Payload...)
		}
	case s.fault == "cuts a topic" && f.OutOfBounds() == bus.DroppedTopic:
		f.Topic = text.CutBytes(strings.ToValidUTF8("x"+f.Topic, ""), 10)
	case s.fault == "ends at what is no message" && bad:
		return errFault
	case s.fault == "is stuck at what is no message" && bad:
		return s.hang()
	case s.fault == "logs each drop" && bad:
		s.log.Warn("dropped", "reason", f.OutOfBounds())
	}
	return nil
}

func (s *memory) acknowledge(m *message) {
	switch s.fault {
	case "never acknowledges":
		return
	case "acknowledges twice":
		s.broker.ack(m)
	case "acknowledges all before":
		s.broker.ackAll(true)
		return
	case "forgets what is not done with":
		s.broker.ackAll(false)
	case "waits in Done":
		s.hang()
	}
	s.broker.ack(m)
}

// forward is Meter.Forward, or what a source does that cannot make its bus wait.
func (s *memory) forward(ctx context.Context, in *bus.Intake, f bus.Frame) error {
	switch s.fault {
	case "ignores ctx while full":
		f.Source = "memory"
		return in.Put(s.broker.life, f)
	case "drops although it could wait":
		s.Offer(in, f)
		return nil
	case "names another source", "holds without bound":
		f.Source = f.Topic
		s.Received()
		return in.Put(ctx, f)
	case "does not look at bounds":
		f.Source = "memory"
		s.Received()
		return in.Put(ctx, f)
	case "drops without counting":
		if f.OutOfBounds() != "" {
			return nil
		}
	}
	if s.drops {
		return s.offer(in, f)
	}
	return s.Forward(ctx, in, f)
}

func (s *memory) offer(in *bus.Intake, f bus.Frame) error {
	if s.fault == "drops the full queue without counting" {
		if f.Source = "memory"; f.OutOfBounds() == "" {
			s.Received()
			in.TryPut(f)
		}
		return nil
	}
	if !s.Offer(in, f) && s.fault == "drops all after a drop" {
		return s.hang()
	}
	return nil
}
