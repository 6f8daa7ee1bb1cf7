package nodes_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"
)

// rate is how many messages a second are published.
const rate = 8

const topic = "org.example.prod.nodes.step"

func messageID(n int) string { return fmt.Sprintf("nodes-%06d", n) }

// mark is how a message's number stands in its subject, and so in whatever is made of the message.
func mark(n int) string { return fmt.Sprintf("N%06dx", n) }

func body(n int) []byte { return fmt.Appendf(nil, `{"n": %d, "subject": %q}`, n, mark(n)) }

var marked = regexp.MustCompile(`N(\d{6})x`)

// numbers finds the messages that a text is about, each once.
func numbers(text []byte) []int {
	var found []int
	seen := map[int]bool{}
	for _, m := range marked.FindAllSubmatch(text, -1) {
		n, err := strconv.Atoi(string(m[1]))
		if err == nil && !seen[n] {
			seen[n] = true
			found = append(found, n)
		}
	}
	return found
}

// A publisher publishes numbered messages at a steady rate. One that the broker has not confirmed is published again,
// with the same id.
type publisher struct {
	t       testing.TB
	bus     publishing
	stop    chan struct{}
	running sync.WaitGroup

	mu        sync.Mutex
	confirmed []time.Time // when, by number
	again     int         // how many were published once more
}

// A publishing is the bus that messages are published over.
type publishing interface {
	// connect connects, and gives what publishes a message and waits until the bus has confirmed it.
	connect() (publish func(n int) error, hangUp func(), err error)
}

func newPublisher(t testing.TB, bus publishing) *publisher {
	return &publisher{t: t, bus: bus, stop: make(chan struct{})}
}

// begin publishes until end is called.
func (p *publisher) begin() {
	p.running.Go(func() {
		began := time.Now()
		for p.ended() == nil {
			if err := p.session(began); err != nil {
				p.wait(100 * time.Millisecond)
			}
		}
	})
	p.t.Cleanup(func() { p.end() })
}

// end stops, and gives the number of messages that are published and confirmed: as many as fill the last digest.
func (p *publisher) end() int {
	for most := time.Now().Add(10 * time.Second); time.Now().Before(most) && p.ended() == nil; {
		if p.published()%digestAt == 0 {
			break
		}
		p.wait(time.Millisecond)
	}
	if p.ended() == nil {
		close(p.stop)
	}
	p.running.Wait()
	return p.published()
}

func (p *publisher) published() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.confirmed)
}

func (p *publisher) ended() error {
	select {
	case <-p.stop:
		return context.Canceled
	default:
		return nil
	}
}

func (p *publisher) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-p.stop:
	}
}

// session publishes over one connection, message after message, as due by the rate since it all began.
func (p *publisher) session(began time.Time) error {
	publish, hangUp, err := p.bus.connect()
	if err != nil {
		return err
	}
	defer hangUp()
	for p.ended() == nil {
		n := p.published()
		if due := began.Add(time.Duration(n) * time.Second / rate); time.Until(due) > 0 {
			p.wait(time.Until(due))
			continue
		}
		err := publish(n)
		p.mu.Lock()
		if err != nil {
			p.again++
		} else {
			p.confirmed = append(p.confirmed, time.Now())
		}
		p.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}
