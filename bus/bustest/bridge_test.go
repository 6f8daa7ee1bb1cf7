package bustest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
)

// memoryBridge keeps every promise but the one that its fault breaks. What it leads to is memory, too.
type memoryBridge struct {
	fault string
	log   *slog.Logger
	over  chan struct{} // closed when the test is over, which frees what a fault has left
	far   *memoryFar
	token string
}

// A memoryFar is the other bus.
type memoryFar struct {
	mu     sync.Mutex
	got    []Arrived
	down   bool
	attack chan struct{} // closed when the attack ends; nil: none
	hit    chan struct{} // closed when somebody is attacked
}

const neverTopic = "org.example.never"

func (b *memoryBridge) Carry(ctx context.Context, loads []bus.Load) (done int, refused []bus.Refused, err error) {
	if b.fault == "leaves a goroutine" {
		go func() { <-b.over }()
	}
	if b.fault == "drops what comes second" && len(loads) > 1 {
		loads = slices.Concat(loads[:1], loads[:1], loads[2:])
	}
	if b.fault == "reorders" && len(loads) > 2 {
		loads = slices.Concat(loads[1:2], loads[:1], loads[2:])
	}
	for i, l := range loads {
		if err := b.reach(ctx); err != nil {
			if b.fault == "calls all done" {
				return len(loads), nil, nil
			}
			return i, refused, err
		}
		if l.Message.Topic == neverTopic {
			if b.fault == "stops at what is never taken" {
				return i, refused, errors.New("never")
			}
			if b.fault != "does not tell" {
				refused = append(refused, bus.Refused{Index: i, Reason: "never", Err: errors.New("never")})
			}
			continue
		}
		body, err := l.Message.RawBody()
		if err != nil {
			return i, refused, err
		}
		a := Arrived{l.ID, l.Message.Topic, body}
		if b.fault == "changes the body" {
			a.Body = []byte(strings.Replace(string(body), "1", "2", 1))
		}
		b.far.mu.Lock()
		b.far.got = append(b.far.got, a)
		b.far.mu.Unlock()
	}
	return len(loads), refused, nil
}

// reach waits where the other bus says nothing.
func (b *memoryBridge) reach(ctx context.Context) error {
	b.far.mu.Lock()
	down, attack, hit := b.far.down, b.far.attack, b.far.hit
	b.far.mu.Unlock()
	if attack != nil {
		select {
		case <-hit:
		default:
			close(hit)
		}
		end := ctx.Done()
		limit := time.After(50 * time.Millisecond)
		if b.fault == "has no timeout" {
			limit = time.After(6 * time.Second)
		}
		if b.fault == "ignores ctx" {
			end, limit = nil, time.After(Prompt+time.Second)
		}
		select {
		case <-attack:
		case <-end:
			return ctx.Err()
		case <-limit:
			return errors.New("it says nothing")
		}
	}
	if down {
		if b.fault == "logs each failure" {
			for range 3 {
				b.log.Warn("the other bus is down")
			}
		}
		if b.fault == "tells the secret" {
			return fmt.Errorf("%s is not accepted", b.token)
		}
		return errors.New("down")
	}
	return nil
}

func (b *memoryBridge) Close() error {
	if b.fault == "fails to close" {
		return errors.New("closed")
	}
	return nil
}

func (b *memoryBridge) Collect(metric.Emit) {}

func memoryBridgeFixture(t testing.TB, fault string) BridgeFixture {
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	far := &memoryFar{}
	doc := "Hands on in memory."
	if fault == "no doc" {
		doc = ""
	}
	set := func(down bool) func(testing.TB) {
		return func(testing.TB) {
			far.mu.Lock()
			defer far.mu.Unlock()
			far.down = down
		}
	}
	never := LoadOf(bus.Frame{Topic: neverTopic, Payload: []byte(`{"msg":{}}`)})
	return BridgeFixture{
		Driver: bus.BridgeDriver{Name: "to_memory", Doc: doc, Open: func(decode func(any) error, log *slog.Logger) (
			[]bus.OpenBridge, error) {
			c := map[string]struct {
				Token string `yaml:"token" secret:"true"`
			}{}
			if err := decode(&c); err != nil && fault != "knows every key" {
				return nil, err
			}
			if fault == "starts in Open" {
				go func() { <-over }()
			}
			return []bus.OpenBridge{{Name: "x", To: "memory", Choice: bus.Choice{RetryMin: 1, RetryMax: 1},
				Bridge: &memoryBridge{fault, log, over, far, c["x"].Token}}}, nil
		}},
		Config: "x: {token: sesame}", Secrets: []string{"sesame"}, Timeout: 100 * time.Millisecond,
		Never: []bus.Load{never, never}, Down: set(true), Up: set(false),
		Received: func(testing.TB) []Arrived {
			far.mu.Lock()
			defer far.mu.Unlock()
			return slices.Clone(far.got)
		},
		Attacks: []Attack{{Name: "silence", Alone: true, Start: func(testing.TB) func() {
			far.mu.Lock()
			far.attack, far.hit = make(chan struct{}), make(chan struct{})
			attack, hit := far.attack, far.hit
			far.mu.Unlock()
			<-hit
			return func() {
				far.mu.Lock()
				defer far.mu.Unlock()
				far.attack = nil
				close(attack)
			}
		}}},
	}
}

func TestBridgeKitOnTheLeastBridge(t *testing.T) {
	RunBridge(t, func(t testing.TB) BridgeFixture { return memoryBridgeFixture(t, "") })
}

// TestBridgeKitFindsEveryBrokenPromise runs each broken bridge through the part that must find it.
func TestBridgeKitFindsEveryBrokenPromise(t *testing.T) {
	for _, c := range []struct{ fault, part, promise string }{
		{"no doc", "driver", promiseDriver},
		{"starts in Open", "driver", promiseStill},
		{"fails to close", "driver", promiseClosed},
		{"leaves a goroutine", "order", promiseClosed},
		{"knows every key", "mistakes", promiseMistake},
		{"drops what comes second", "order", promiseConfirmed},
		{"reorders", "order", promiseConfirmed},
		{"changes the body", "bodies", promiseCarried},
		{"stops at what is never taken", "refused", promiseNever},
		{"does not tell", "refused", promiseNever},
		{"calls all done", "outage", promiseNotNow},
		{"tells the secret", "outage", promiseSecret},
		{"logs each failure", "outage", promiseLog},
		{"has no timeout", "attacks", promiseCarryLong},
		{"ignores ctx", "end", promiseCarryEnd},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			r := &recorder{TB: t}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for _, part := range bridgeParts {
					if part.name == c.part {
						part.test(newBridgeBench(r, memoryBridgeFixture(r, c.fault)))
					}
				}
			}()
			<-ended
			for _, f := range slices.Backward(r.cleanups) {
				f()
			}
			if !slices.ContainsFunc(r.failures, func(f string) bool { return strings.HasPrefix(f, c.promise+": ") }) {
				t.Errorf("want a failure that begins with %q:\n%.1000s", c.promise, strings.Join(r.failures, "\n"))
			}
		})
	}
}
