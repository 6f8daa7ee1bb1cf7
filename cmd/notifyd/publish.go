package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/user"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/zmq"
	"github.com/notifyd/notifyd/cmd/notifyd/classic"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
	"github.com/notifyd/notifyd/cmd/notifyd/publish"
)

// publishCmd does the jobs of fedmsg-logger and fedmsg-announce: it sends its input to the bus, and ends when the bus
// has taken everything.
type publishCmd struct {
	Topic       string        `default:"log" help:"Last part of the topic."`
	Modname     string        `default:"logger" help:"The application: the topic's word before that part."`
	Prefix      string        `aliases:"topic-prefix" placeholder:"WORDS" help:"First words of the topic (default: bus.publish.prefix of the configuration, or else org.fedoraproject)."`
	Env         string        `placeholder:"WORD" help:"The topic's word after the prefix: dev, stg or prod by custom (default: bus.publish.env, or else dev)."`
	Message     string        `short:"m" placeholder:"TEXT" help:"What to send; without it, stdin is read."`
	JSON        bool          `name:"json" aliases:"json-input" xor:"form" help:"The message, or all of stdin, is one JSON document and becomes the body. Otherwise each line becomes {\"log\": line}."`
	Announce    bool          `xor:"form" help:"The message, or all of stdin, is an announcement, with the topic announce.announcement."`
	Link        string        `placeholder:"URL" help:"With --announce: where there is more to read."`
	Connect     string        `xor:"where" placeholder:"ADDRESS" help:"Relay to connect to, a socket that takes messages in (default: bus.publish.relay, or else tcp://127.0.0.1:2003)."`
	Bind        string        `xor:"where" placeholder:"ADDRESS" help:"Listen here instead and let subscribers connect. tcp://*:PORT is this machine only, tcp://0.0.0.0:PORT every interface."`
	Wait        time.Duration `default:"10s" help:"How long to wait for the relay, or for subscribers."`
	Settle      time.Duration `default:"600ms" help:"With --bind: send when so long no other subscriber came (default: ${default}), but listen twice as long at least."`
	Subscribers int           `placeholder:"N" help:"With --bind: send when N subscribers have come, and nothing if fewer come."`
	signFlags
	classic.Flags
}

// Run publishes. It returns an error when nothing listens or when something was not sent.
func (c *publishCmd) Run(e *env) (err error) {
	c.Flags.Note(e.stderr)
	if c.PostInitSleep > 0 {
		c.Settle = time.Duration(c.PostInitSleep * float64(time.Second))
	}
	if c.Link != "" && !c.Announce {
		return errors.New("--link is for --announce")
	}
	if c.Bind == "" && c.Subscribers != 0 || c.Subscribers < 0 || c.Settle < 0 {
		return errors.New("--subscribers and --settle are for --bind, and not negative")
	}
	if err := c.complete(e); err != nil {
		return err
	}
	out := &publish.Sender{Topic: c.topic(), Now: e.now}
	if err := bus.CheckTopic(out.Topic); err != nil {
		return err
	}
	if out.Signer, err = c.signFlags.open(e); err != nil {
		return err
	}
	if current, err := user.Current(); err == nil {
		out.Username = current.Username
	}
	p, err := c.open(e)
	if err != nil {
		return err
	}
	out.Publisher = p
	ctx, cancel := context.WithCancel(e.ctx)
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	defer func() {
		cancel()
		err = errors.Join(err, <-ended)
	}()
	if err := c.await(ctx, p, out.Topic); err != nil {
		return fmt.Errorf("waited %s: %w", c.Wait, err)
	}
	if err := c.send(ctx, e, out); err != nil {
		return err
	}
	if c.Bind != "" {
		fmt.Fprintf(e.stderr, "taken by %s\n", counted(out.Took(), "subscriber"))
	}
	return nil
}

func counted(n, what string) string {
	if n == "1" {
		return "1 " + what
	}
	return n + " " + what + "s"
}

// complete fills in what no flag says: by the configuration, or else by fedmsg's defaults. Most people cannot read the
// packaged configuration; they get a note.
func (c *publishCmd) complete(e *env) error {
	set := daemon.DefaultPublish()
	if c.Prefix == "" || c.Env == "" || c.Connect == "" && c.Bind == "" {
		found, err := publishSettings(e)
		switch {
		case err == nil:
			set = found
		case e.config == "" && errors.Is(err, fs.ErrPermission):
			fmt.Fprintf(e.stderr, "note: %v; what no option says is as in fedmsg\n", err)
		default:
			return err
		}
	}
	c.Prefix, c.Env = cmp.Or(c.Prefix, set.Prefix), cmp.Or(c.Env, set.Env)
	if c.Bind == "" {
		c.Connect = cmp.Or(c.Connect, set.Relay)
	}
	return nil
}

// topic returns the whole topic.
func (c *publishCmd) topic() string {
	if c.Announce {
		return publish.Topic(c.Prefix, c.Env, "announce", "announcement")
	}
	return publish.Topic(c.Prefix, c.Env, c.Modname, c.Topic)
}

func (c *publishCmd) open(e *env) (*zmq.Publisher, error) {
	if c.Bind == "" {
		return zmq.Connect(c.Connect, zmq.PublisherConfig{}, e.log)
	}
	p, err := zmq.Bind(e.ctx, c.Bind, zmq.PublisherConfig{}, e.log)
	if err == nil {
		fmt.Fprintln(e.stderr, "listening at", p.Addr())
	}
	return p, err
}

// await waits for the relay, or for all subscribers that will come: what is sent before is lost to them.
func (c *publishCmd) await(ctx context.Context, p *zmq.Publisher, topic string) error {
	waiting, stop := context.WithTimeout(ctx, c.Wait)
	defer stop()
	if c.Bind == "" {
		return p.WaitSubscribed(waiting, topic)
	}
	_, err := p.WaitSettled(waiting, topic, c.Subscribers, c.Settle)
	return err
}

// send reads the messages and publishes them.
func (c *publishCmd) send(ctx context.Context, e *env, out *publish.Sender) error {
	in := io.Reader(strings.NewReader(c.Message))
	if c.Message == "" {
		in = e.stdin
	}
	switch {
	case c.Announce:
		return out.Announcement(ctx, in, c.Link)
	case c.JSON:
		return out.Document(ctx, in)
	}
	return out.Lines(ctx, in)
}
