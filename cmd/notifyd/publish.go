package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/client"
	"github.com/notifyd/notifyd/cmd/notifyd/classic"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
	"github.com/notifyd/notifyd/cmd/notifyd/publish"
	"github.com/notifyd/notifyd/internal/text"
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
	Wait        time.Duration `default:"10s" help:"How long to wait for the relay, for subscribers, or for a server that is down or busy."`
	Settle      time.Duration `default:"600ms" help:"With --bind: send when so long no other subscriber came (default: ${default}), but listen twice as long at least."`
	Subscribers int           `placeholder:"N" help:"With --bind: send when N subscribers have come, and nothing if fewer come."`
	httpFlags
	signFlags
	classic.Flags
}

// Run publishes. It returns an error when nothing listens or when something was not sent.
func (c *publishCmd) Run(e *env) (err error) {
	c.Flags.Note(e.stderr)
	if c.PrintConfig {
		return (&configPrintCmd{}).Run(e)
	}
	if c.PostInitSleep > 0 {
		c.Settle = time.Duration(c.PostInitSleep * float64(time.Second))
	}
	if c.Link != "" && !c.Announce {
		return errors.New("--link is for --announce")
	}
	if c.Bind == "" && c.Subscribers != 0 || c.Subscribers < 0 || c.Settle < 0 {
		return errors.New("--subscribers and --settle are for --bind, and not negative")
	}
	if c.HTTP == "" && c.given() {
		return errors.New("--token-file, --hmac-key-file and --sender are for --http")
	}
	if err := c.complete(e); err != nil {
		return err
	}
	p, err := c.open(e)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := bus.CheckTopic(p.Topic(c.topic())); err != nil {
		return err
	}
	if c.Bind != "" {
		fmt.Fprintln(e.stderr, "listening at", p.Addr())
	}
	if err := c.send(e, &publish.Sender{Publisher: p, Topic: c.topic()}); err != nil {
		return err
	}
	if c.Bind != "" {
		fmt.Fprintf(e.stderr, "taken by %s\n", counted(p.Took()))
	}
	return nil
}

// counted says how many subscribers have taken what was sent.
func counted(fewest, most int) string {
	if fewest == most {
		return text.Plural(most, "subscriber", "subscribers")
	}
	return fmt.Sprintf("%d to %d subscribers", fewest, most)
}

// complete fills in what no flag says: by the configuration, or else by fedmsg's defaults. Most people cannot read the
// packaged configuration; they get a note.
func (c *publishCmd) complete(e *env) error {
	set := daemon.DefaultPublish()
	nowhere := c.Connect == "" && c.Bind == "" && c.HTTP == ""
	if c.Prefix == "" || c.Env == "" || nowhere {
		f, err := openConfig(e)
		switch {
		case err == nil:
			if set, err = daemon.LoadPublish(f); err != nil {
				return err
			}
		case e.config == "" && errors.Is(err, fs.ErrPermission):
			fmt.Fprintf(e.stderr, "note: %v; what no option says is as in fedmsg\n", err)
		default:
			return err
		}
	}
	c.Prefix, c.Env = cmp.Or(c.Prefix, set.Prefix), cmp.Or(c.Env, set.Env)
	if nowhere && set.HTTP.URL == "" {
		c.Connect = set.Relay
	}
	c.configured = set.HTTP
	return nil
}

// topic returns the topic after the word for the application, which for an announcement is fedmsg's own.
func (c *publishCmd) topic() string {
	if c.Announce {
		return "announcement"
	}
	return c.Topic
}

// open opens where messages go.
func (c *publishCmd) open(e *env) (*client.Publisher, error) {
	if c.Announce {
		c.Modname = "announce"
	}
	signer, err := c.signFlags.open(e)
	if err != nil {
		return nil, err
	}
	options := []client.PublishOption{
		client.Prefix(c.Prefix), client.Env(c.Env), client.Modname(c.Modname), client.Sign(signer), client.Wait(c.Wait),
		client.Settle(c.Settle), client.Subscribers(c.Subscribers), client.Log(e.log),
	}
	switch {
	case c.Connect != "":
		options = append(options, client.Connect(c.Connect))
	case c.Bind != "":
		options = append(options, client.Bind(c.Bind), client.Lossless())
	default:
		poster, err := c.httpFlags.poster(c.Wait)
		if err != nil {
			return nil, err
		}
		options = append(options, client.Post(poster))
	}
	return client.NewPublisher(options...)
}

// send reads the messages and publishes them.
func (c *publishCmd) send(e *env, out *publish.Sender) error {
	in := io.Reader(strings.NewReader(c.Message))
	if c.Message == "" {
		in = e.stdin
	}
	switch {
	case c.Announce:
		return out.Announcement(e.ctx, in, c.Link)
	case c.JSON:
		return out.Document(e.ctx, in)
	}
	return out.Lines(e.ctx, in)
}

// httpFlags say where messages are posted to, and by what.
type httpFlags struct {
	HTTP        string `name:"http" xor:"where" placeholder:"URL" help:"Post to a notifyd that takes messages by HTTP, such as https://bus.example.org, and end when it has stored them (default: bus.publish.http, where that is set)."`
	TokenFile   string `type:"path" xor:"proof" placeholder:"FILE" help:"With --http: file of the token."`
	HMACKeyFile string `name:"hmac-key-file" type:"path" xor:"proof" placeholder:"FILE" help:"With --http: file of the key to sign requests by, with --sender."`
	Sender      string `placeholder:"NAME" help:"With --hmac-key-file: the name under which the server knows the key."`

	configured daemon.PublishHTTP
}

// poster makes what posts: by the flags, or else by the configuration.
func (f *httpFlags) poster(patience time.Duration) (*client.Poster, error) {
	set := client.PosterConfig{Patience: patience}
	if f.HTTP == "" {
		c := f.configured
		set.URL, set.Sender, set.Token, set.HMACKey = c.URL, c.Sender, c.Token, c.HMACKey
		p, err := client.NewPoster(set)
		if err != nil {
			return nil, fmt.Errorf("bus.publish.http: %w", err)
		}
		return p, nil
	}
	set.URL, set.Sender = f.HTTP, f.Sender
	var err error
	switch {
	case f.TokenFile != "":
		set.Token, err = client.ReadSecret(f.TokenFile)
	case f.HMACKeyFile != "":
		set.HMACKey, err = client.ReadSecret(f.HMACKeyFile)
	}
	if err != nil {
		return nil, err
	}
	p, err := client.NewPoster(set)
	if err != nil {
		return nil, fmt.Errorf("--http: %w", err)
	}
	return p, nil
}

// given reports whether a flag is set that is for --http alone.
func (f *httpFlags) given() bool { return f.TokenFile != "" || f.HMACKeyFile != "" || f.Sender != "" }
