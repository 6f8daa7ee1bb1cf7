package bustest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
)

// A broker is a bus in memory that knows acknowledgement: it keeps messages until they are acknowledged.
type broker struct {
	mu       sync.Mutex
	changed  chan struct{} // closed and renewed whenever something below changes
	messages []*message
	acked    int
	down     bool
	ended    bool
	attacked bool

	life context.Context // ends with the test, and frees what a broken source has left
	end  context.CancelFunc
}

type message struct {
	bus.Frame
	taken, acked bool
}

func newBroker() *broker {
	b := &broker{changed: make(chan struct{})}
	b.life, b.end = context.WithCancel(context.Background())
	return b
}

// change does something under the lock, and wakes those that wait.
func (b *broker) change(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	do()
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *broker) set(do func()) func(testing.TB) { return func(testing.TB) { b.change(do) } }

func (b *broker) publish(_ testing.TB, messages ...bus.Frame) int {
	b.change(func() {
		for _, f := range messages {
			f.Payload = slices.Clone(f.Payload)
			b.messages = append(b.messages, &message{Frame: f})
		}
	})
	return len(messages)
}

// look gives the next message that nobody has taken, if the broker is up, and the state at this moment.
func (b *broker) look() (m *message, down, spent, attacked bool, changed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.down {
		if i := slices.IndexFunc(b.messages, func(m *message) bool { return !m.taken && !m.acked }); i >= 0 {
			m = b.messages[i]
			m.taken = true
		}
	}
	return m, b.down, b.ended && m == nil, b.attacked, b.changed
}

// giveBack makes messages that were taken and not acknowledged available again.
func (b *broker) giveBack(all bool) {
	b.change(func() {
		for _, m := range b.messages {
			if m.taken && (!m.acked || all) {
				m.taken, m.acked = false, false
			}
		}
	})
}

// ackAll marks every message as acknowledged, which count may say or not.
func (b *broker) ackAll(count bool) {
	b.change(func() {
		for _, m := range b.messages {
			if count && m.taken && !m.acked {
				b.acked++
			}
			m.acked = true
		}
	})
}

func (b *broker) ack(m *message) { b.change(func() { b.acked++; m.acked = true }) }

// memory is a source of a broker, correct but for its fault.
type memory struct {
	*bus.Meter
	broker *broker
	fault  string
	drops  bool // when the intake is full, and nothing comes again
	log    *slog.Logger
	late   []bus.Frame
	ran    bool
}

type memoryConfig struct {
	Address string `yaml:"address"`
	Token   string `yaml:"token" secret:"true"`
}

type careless struct {
	Address string `yaml:"address"`
	Peers   []struct {
		Token string `yaml:"access_token"`
	} `yaml:"peers"`
	Token string `yaml:"token" secret:"true"`
}

func (b *broker) driver(fault string, drops bool) bus.Driver {
	d := bus.Driver{Name: "memory", Doc: "A bus in memory."}
	d.Open = func(decode func(any) error, log *slog.Logger) (bus.Source, error) {
		c, err := decodeMemory(decode, fault)
		switch {
		case err != nil:
			return nil, err
		case c.Address == "" && fault == "names no key":
			return nil, errors.New("bad configuration")
		case c.Address == "" && fault == "secret in an error":
			return nil, fmt.Errorf("address: missing beside %q", c.Token)
		case c.Address == "" && fault == "typed nil":
			return (*memory)(nil), errors.New("address: a place was expected")
		case c.Address == "":
			return nil, errors.New("address: a place was expected")
		}
		s := &memory{
			Meter: bus.NewMeter("memory", c.Address, log), broker: b, fault: fault, drops: drops, log: log,
		}
		return s.wrapped(c)
	}
	if fault == "no doc" {
		d.Doc = ""
	}
	return d
}

func decodeMemory(decode func(any) error, fault string) (c memoryConfig, err error) {
	switch fault {
	case "swallows the error of decode":
		if decode(&c) != nil {
			c.Address = "default"
		}
		return c, nil
	case "knows every key":
		m := map[string]any{}
		err = decode(&m)
		c.Address, _ = m["address"].(string)
		return c, err
	case "unmarked secret":
		var loose careless
		err = decode(&loose)
		c.Address = loose.Address
		return c, err
	}
	return c, decode(&c)
}

// wrapped gives the source as its fault has it before it runs.
func (s *memory) wrapped(c memoryConfig) (bus.Source, error) {
	switch s.fault {
	case "starts in Open":
		go func() { <-s.broker.life.Done() }()
	case "secret in the log":
		s.log.Debug("opened", "token", c.Token)
	case "no metrics":
		return struct{ runner }{s}, nil
	case "malformed metrics":
		return malformed{s}, nil
	case "adapts to a mistake":
		return adaptable{s}, nil
	case "counts nothing":
		return uncounted{s}, nil
	}
	return s, nil
}

type runner interface {
	Run(context.Context, *bus.Intake) error
}

type malformed struct{ *memory }

func (m malformed) Collect(emit metric.Emit) {
	emit(&metric.Desc{Name: "frames", Help: "Frames"}, 1)
}

type adaptable struct{ *memory }

func (adaptable) Adapts() []string            { return []string{"token"} }
func (adaptable) Adapt(func(any) error) error { return nil }

type uncounted struct{ *memory }

func (u uncounted) Collect(emit metric.Emit) {
	bus.NewMeter("memory", "here", slog.New(slog.DiscardHandler)).Collect(emit)
}

// memoryFixture is a fixture of a broker of its own.
func memoryFixture(fault string, drops bool) func(testing.TB) Fixture {
	return func(t testing.TB) Fixture {
		b := newBroker()
		t.Cleanup(b.end)
		f := Fixture{
			Driver: b.driver(fault, drops), Config: "address: here\ntoken: sesame\n", Secrets: []string{"sesame"},
			Mistakes: map[string]string{"address": "token: sesame"},
			Publish:  b.publish, Waits: !drops, Redelivers: !drops,
			End: b.set(func() { b.ended = true }), Down: b.set(func() { b.down = true }), Up: b.set(func() { b.down = false }),
			Attacks: []Attack{{Name: "silence", Start: func(testing.TB) func() {
				b.change(func() { b.attacked = true })
				return func() { b.change(func() { b.attacked = false }) }
			}}},
		}
		if !drops {
			f.Acked = func() int { b.mu.Lock(); defer b.mu.Unlock(); return b.acked }
		}
		return f
	}
}
