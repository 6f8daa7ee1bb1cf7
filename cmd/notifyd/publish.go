package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os/user"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/bus/zmq"
)

// publishCmd does the job of fedmsg-logger: it sends its input to the bus, and ends when the bus has taken
// everything.
type publishCmd struct {
	Topic   string        `default:"log" help:"Last part of the topic."`
	Modname string        `default:"logger" help:"The application: the topic's word before that part."`
	Prefix  string        `default:"org.fedoraproject" help:"First words of the topic."`
	Env     string        `default:"dev" help:"The topic's word after the prefix: dev, stg or prod by custom."`
	Message string        `short:"m" placeholder:"TEXT" help:"What to send; without it, stdin is read."`
	JSON    bool          `name:"json" help:"The message, or all of stdin, is one JSON document and becomes the body. Otherwise each line becomes {\"log\": line}."`
	Connect string        `xor:"where" placeholder:"ADDRESS" help:"Relay to connect to, a socket that takes messages in (default: tcp://127.0.0.1:2003)."`
	Bind    string        `xor:"where" placeholder:"ADDRESS" help:"Listen here instead and let subscribers connect; waits for the first one."`
	Wait    time.Duration `default:"10s" help:"How long to wait for the relay, or for the first subscriber, and for one that takes nothing."`
	signFlags
}

// defaultRelay is the customary address of fedmsg's relay_inbound.
const defaultRelay = "tcp://127.0.0.1:2003"

// flushEvery is the number of messages after which publish waits until they are taken: fewer than fit in a peer's
// queue.
const flushEvery = 500

// Run publishes. It returns an error when nothing listens or when something was not sent.
func (c *publishCmd) Run(e *env) (err error) {
	topic := c.topic()
	if err := bus.CheckTopic(topic); err != nil {
		return err
	}
	signer, err := c.signFlags.open(e.now())
	if err != nil {
		return err
	}
	p, err := c.open(e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(e.ctx)
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	defer func() {
		cancel()
		err = errors.Join(err, <-ended)
	}()

	waiting, stop := context.WithTimeout(ctx, c.Wait)
	defer stop()
	if err := p.WaitSubscribed(waiting, topic); err != nil {
		return fmt.Errorf("waited %s: %w", c.Wait, err)
	}
	out := &publication{env: e, publisher: p, topic: topic, signer: signer}
	if current, err := user.Current(); err == nil {
		out.username = current.Username
	}
	if err := c.send(out); err != nil {
		return err
	}
	return p.Flush(ctx)
}

// topic returns the whole topic. A topic that already begins with the prefix stays as it is, as in fedmsg.
func (c *publishCmd) topic() string {
	rest := c.Modname + "." + c.Topic
	if strings.HasPrefix(rest, c.Prefix+".") {
		return rest
	}
	return c.Prefix + "." + c.Env + "." + rest
}

func (c *publishCmd) open(e *env) (*zmq.Publisher, error) {
	if c.Bind == "" {
		if c.Connect == "" {
			c.Connect = defaultRelay
		}
		return zmq.Connect(c.Connect, zmq.PublisherConfig{Stall: c.Wait}, e.log)
	}
	p, err := zmq.Bind(e.ctx, c.Bind, zmq.PublisherConfig{Stall: c.Wait}, e.log)
	if err == nil {
		fmt.Fprintln(e.stderr, "listening at", p.Addr())
	}
	return p, err
}

// send reads the messages and publishes them.
func (c *publishCmd) send(out *publication) error {
	in := io.Reader(strings.NewReader(c.Message))
	if c.Message == "" {
		in = out.env.stdin
	}
	if c.JSON {
		text, err := io.ReadAll(io.LimitReader(in, bus.MaxPayload+1))
		if err != nil {
			return fmt.Errorf("read message: %w", err)
		}
		body, err := bus.ParseJSON(text)
		if err != nil {
			return fmt.Errorf("read message: %w", err)
		}
		return out.publish(body)
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, bus.MaxPayload)
	for lines.Scan() {
		line := bytes.ToValidUTF8(bytes.TrimSpace(lines.Bytes()), []byte("\uFFFD"))
		if len(line) == 0 {
			continue
		}
		if err := out.publish(map[string]any{"log": string(line)}); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	return nil
}

// A publication counts and sends the messages of one run.
type publication struct {
	env       *env
	publisher *zmq.Publisher
	topic     string
	username  string
	signer    *trust.Signer // nil: messages are not signed
	sent      int64
}

func (p *publication) publish(body any) error {
	now := p.env.now()
	id, err := bus.NewID(now, rand.Reader)
	if err != nil {
		return err
	}
	p.sent++
	payload, err := bus.Encode(&bus.Message{
		ID: id, Topic: p.topic, Time: now, Counter: p.sent, Username: p.username, Body: body,
	})
	if err == nil && p.signer != nil {
		payload, err = p.signer.Sign(payload)
	}
	if err != nil {
		return err
	}
	if _, err := p.publisher.Publish(p.topic, payload); err != nil {
		return err
	}
	if p.sent%flushEvery == 0 {
		return p.publisher.Flush(p.env.ctx)
	}
	return nil
}
