package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// ErrNobody is wrapped by the errors of a Publisher whose message nobody has taken.
var ErrNobody = errors.New("nobody takes it")

// nobody is an error that wraps ErrNobody.
type nobody struct{ err error }

func (n nobody) Error() string   { return n.err.Error() }
func (n nobody) Unwrap() []error { return []error{ErrNobody, n.err} }

// A Publisher publishes again and again. It may be used by many goroutines.
type Publisher struct {
	set publishing
	out transport

	mu           sync.Mutex // also keeps messages in the order of their counters
	ready        bool       // somebody was there for a message
	sent         int64
	open         bool // something was sent and not flushed
	closed       bool
	fewest, most int
}

// A transport takes the messages of a Publisher to where they go.
type transport interface {
	// ready waits until somebody takes messages under a topic.
	ready(ctx context.Context, topic string) error
	// send queues a message, and gives how many take it.
	send(ctx context.Context, topic string, payload []byte) (int, error)
	// flush waits until what was sent is taken.
	flush(ctx context.Context) error
	// stop ends all that the transport has started.
	stop() error
	addr() string
}

// flushEvery is the number of messages after which a Publisher waits until they are taken: fewer than fit in the queue
// of a peer.
const flushEvery = 500

// NewPublisher makes a Publisher. It does not wait for anybody; Close ends it.
func NewPublisher(options ...PublishOption) (*Publisher, error) {
	set := publishing{wait: 10 * time.Second, settle: 600 * time.Millisecond, log: slog.Default(), now: time.Now}
	for _, o := range options {
		o.publishing(&set)
	}
	if err := set.fromEnvironment(os.Getenv); err != nil {
		return nil, err
	}
	if err := bus.CheckTopic(Topic(set.prefix, set.env, set.modname, "x")); err != nil {
		return nil, err
	}
	if set.username == nil {
		name := ""
		if current, err := user.Current(); err == nil {
			name = current.Username
		}
		set.username = &name
	}
	if set.bind == "" && set.subscribers != 0 || set.subscribers < 0 || set.settle < 0 {
		return nil, errors.New("subscribers and settle are for a Publisher that binds, and not negative")
	}
	out, err := set.open()
	if err != nil {
		return nil, err
	}
	return &Publisher{set: set, out: out}, nil
}

// open opens where the messages go.
func (s *publishing) open() (transport, error) {
	if s.poster != nil {
		return newPosting(s.poster, s.ownPoster), nil
	}
	return newSocket(s)
}

// program is the name of the program as a word of a topic.
func program() string {
	name, _, _ := strings.Cut(filepath.Base(os.Args[0]), ".")
	return name
}

// Topic is the whole topic of a message. One that already begins with the prefix stays as it is, as in fedmsg.
func Topic(prefix, env, modname, topic string) string {
	rest := modname + "." + topic
	if strings.HasPrefix(topic, prefix+".") {
		return topic
	}
	if strings.HasPrefix(rest, prefix+".") {
		return rest
	}
	return prefix + "." + env + "." + rest
}

// Addr is where subscribers connect to, or where messages go.
func (p *Publisher) Addr() string { return p.out.addr() }

// Topic is the whole topic of what is published under a topic.
func (p *Publisher) Topic(topic string) string {
	return Topic(p.set.prefix, p.set.env, p.set.modname, topic)
}

// Publish sends a message, and gives its id. The topic is the part after Modname, or a whole one that begins with
// Prefix. The first message waits for the relay, or for all subscribers that will come; afterwards it waits where a
// relay does not keep up. An error wraps ErrNobody where nobody has taken the message. By HTTP an error may be about an
// earlier one; then this one is not sent either.
func (p *Publisher) Publish(ctx context.Context, topic string, body any) (id string, err error) {
	topic = p.Topic(topic)
	if err := bus.CheckTopic(topic); err != nil {
		return "", err
	}
	content, err := plain(body)
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return "", errClosed
	}
	if err := p.await(ctx, topic); err != nil {
		return "", err
	}
	now := p.set.now()
	m := &bus.Message{Topic: topic, Time: now, Counter: p.sent + 1, Username: *p.set.username, Body: content}
	if m.ID, err = bus.NewID(now, rand.Reader); err != nil {
		return "", err
	}
	payload, err := bus.Encode(m)
	if err == nil && p.set.signer != nil {
		payload, err = p.set.signer.Sign(payload)
	}
	if err != nil {
		return "", err
	}
	return m.ID, p.hand(ctx, topic, payload)
}

// await waits before the first message.
func (p *Publisher) await(ctx context.Context, topic string) error {
	if p.ready {
		return nil
	}
	waiting, stop := context.WithTimeout(ctx, p.set.wait)
	defer stop()
	if err := p.out.ready(waiting, topic); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p.ready = p.set.bind != "" && p.set.subscribers == 0 // a service that nobody listens to waits once
		return fmt.Errorf("waited %s: %w", p.set.wait, nobody{err})
	}
	p.ready = true
	return nil
}

// hand hands a message to the transport, and counts who takes it.
func (p *Publisher) hand(ctx context.Context, topic string, payload []byte) error {
	n, err := p.out.send(ctx, topic, payload)
	if err != nil {
		p.open = p.open && ctx.Err() == nil
		return err
	}
	if p.sent++; n == 0 {
		return nobody{fmt.Errorf("message %d was not sent: of those who want %s nobody is left, or keeps up", p.sent, topic)}
	}
	if p.sent == 1 {
		p.fewest = n
	}
	p.fewest, p.most, p.open = min(p.fewest, n), max(p.most, n), true
	if p.sent%flushEvery == 0 {
		if err := p.keepUp(ctx); err != nil {
			return err
		}
	}
	p.open = ctx.Err() == nil // who is in such a hurry does not wait in Close
	return ctx.Err()
}

// keepUp waits until those who take messages have them, or else their queues would overflow. One of many subscribers
// that is slow makes nobody wait long.
func (p *Publisher) keepUp(ctx context.Context) error {
	if p.set.bind == "" || p.set.lossless {
		return p.out.flush(ctx)
	}
	waiting, stop := context.WithTimeout(ctx, p.set.wait)
	defer stop()
	if err := p.out.flush(waiting); err != nil && waiting.Err() == nil {
		return err
	}
	return nil
}

// Flush waits until everybody who takes messages has what was published: subscribers have read it, or the server has
// stored it.
func (p *Publisher) Flush(ctx context.Context) error {
	p.mu.Lock()
	open := p.open
	p.open = false
	p.mu.Unlock()
	if !open {
		return nil
	}
	return p.out.flush(ctx)
}

// Took is how many took each message: the fewest and the most, where some came or went meanwhile.
func (p *Publisher) Took() (fewest, most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fewest, p.most
}

// Close flushes, for as long as Wait says, and ends the Publisher. It does not wait for what a context has ended.
func (p *Publisher) Close() error {
	ctx, stop := context.WithTimeout(context.Background(), p.set.wait)
	defer stop()
	return errors.Join(p.Flush(ctx), p.stop())
}

// stop ends the Publisher without a flush.
func (p *Publisher) stop() error {
	p.mu.Lock()
	closed := p.closed
	p.closed = true
	p.mu.Unlock()
	if closed {
		return nil
	}
	return p.out.stop()
}

// plain gives a body as values of JSON, within the bounds of a message.
func plain(body any) (any, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return nil, fmt.Errorf("write the body: %w", err)
	}
	if text.Len() > bus.MaxPayload {
		return nil, fmt.Errorf("write the body: %d bytes, at most %d are sent", text.Len(), bus.MaxPayload)
	}
	content, err := bus.ParseJSON(text.Bytes())
	if err != nil {
		return nil, fmt.Errorf("write the body: %w", err)
	}
	return content, nil
}
