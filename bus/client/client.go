// Package client is the bus for programs in Go: to say something on it, and to listen.
//
// As with fedmsg in Python, one line says that something has happened, and one listens:
//
//	err := client.Publish(ctx, "repo.update", map[string]any{"repo": "tea", "user": "alice"}, client.Modname("git"))
//
//	for m, err := range client.Tail(ctx, client.Topics("org.example.prod.git.")) {
//		if err != nil {
//			return err // nothing more comes
//		}
//		fmt.Println(m.Topic, m.Body)
//	}
//
// A message is a topic and a body. The topic says what has happened, from the general to the special: the community,
// the environment (dev, stg or prod), the service, and what it did: org.example.prod.git.repo.update. The first two
// come from the environment of the process, or from fedmsg's defaults; the third is Modname, or else the name of the
// program. The body is whatever encoding/json can write; an implementation of json.Marshaler is what __json__ is to
// fedmsg. Id, time, counter and user are filled in, and with Sign the signature.
//
// # Where to
//
// A program that runs for a moment connects to a relay; that is the default. A service that runs for long makes one
// Publisher and keeps it; it may Bind, so that subscribers connect to it. Both are ZeroMQ's PUB-SUB, which forgets what
// nobody has subscribed to: so a Publisher waits for the relay, or for subscribers, before its first message, and says
// when nobody takes one. Where neither port nor relay can be reached, Post sends by HTTP: that is also the way on which
// a message is known to be stored, since a Poster tries again until the server says so, without making it two.
//
// # What comes
//
// Tail connects to every endpoint, again and again, shows a message once however often it comes, and waits for whoever
// ranges: what is not read stays at the publishers. What is no message is left out. Anybody may have sent what comes:
// Verify checks who, and Message.Standing says what is proved.
package client

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/notifyd/notifyd/bus/trust"
)

// Publish says on the bus that something has happened, and returns when it was taken. A program that says more than one
// thing makes a Publisher.
func Publish(ctx context.Context, topic string, body any, options ...PublishOption) error {
	p, err := NewPublisher(options...)
	if err != nil {
		return err
	}
	_, err = p.Publish(ctx, topic, body)
	if err == nil {
		err = p.Flush(ctx)
	}
	return errors.Join(err, p.stop())
}

// A PublishOption says how or where to publish.
type PublishOption interface{ publishing(*publishing) }

// publishing is what the options say.
type publishing struct {
	prefix, env, modname string
	username             *string
	relay, bind          string
	poster               *Poster
	ownPoster            bool
	signer               *trust.Signer
	wait, settle         time.Duration
	subscribers          int
	lossless             bool
	log                  *slog.Logger
	now                  func() time.Time
}

type publishOption func(*publishing)

func (o publishOption) publishing(p *publishing) { o(p) }

// Prefix sets the first words of topics. Default: NOTIFYD_BUS__PUBLISH__PREFIX, or else org.fedoraproject.
func Prefix(words string) PublishOption {
	return publishOption(func(p *publishing) { p.prefix = words })
}

// Env sets the word after them. Default: NOTIFYD_BUS__PUBLISH__ENV, or else dev.
func Env(word string) PublishOption { return publishOption(func(p *publishing) { p.env = word }) }

// Modname sets the word for the service. Default: the name of the program.
func Modname(word string) PublishOption {
	return publishOption(func(p *publishing) { p.modname = word })
}

// Username sets the user that messages name. Default: the one of the process.
func Username(name string) PublishOption {
	return publishOption(func(p *publishing) { p.username = &name })
}

// Connect sets the relay to connect to, a socket that takes messages in. Default: NOTIFYD_BUS__PUBLISH__RELAY, or else
// tcp://127.0.0.1:2003; but where NOTIFYD_BUS__PUBLISH__HTTP__URL is set, messages are posted there, by HTTP__TOKEN or
// HTTP__TOKEN_FILE.
func Connect(address string) PublishOption {
	return publishOption(func(p *publishing) { p.relay, p.bind, p.poster = address, "", nil })
}

// Bind listens at an address instead, to which subscribers connect. The host * is this machine only, 0.0.0.0 every
// interface.
func Bind(address string) PublishOption {
	return publishOption(func(p *publishing) { p.relay, p.bind, p.poster = "", address, nil })
}

// Post sends by HTTP instead.
func Post(to *Poster) PublishOption {
	return publishOption(func(p *publishing) { p.relay, p.bind, p.poster = "", "", to })
}

// Sign signs messages as fedmsg does: see trust.NewSigner.
func Sign(by *trust.Signer) PublishOption {
	return publishOption(func(p *publishing) { p.signer = by })
}

// Wait bounds the wait for the relay, or for subscribers. Default 10s.
func Wait(atMost time.Duration) PublishOption {
	return publishOption(func(p *publishing) { p.wait = atMost })
}

// Settle is for Bind: the first message waits until for so long no other subscriber came, and for twice as long at
// least. Default 600ms.
func Settle(quiet time.Duration) PublishOption {
	return publishOption(func(p *publishing) { p.settle = quiet })
}

// Subscribers is for Bind: the first message waits for n subscribers, and is not sent where fewer come.
func Subscribers(n int) PublishOption {
	return publishOption(func(p *publishing) { p.subscribers = n })
}

// Lossless is for Bind: a subscriber that does not keep up makes Publish wait, instead of losing messages. A relay
// always makes it wait.
func Lossless() PublishOption { return publishOption(func(p *publishing) { p.lossless = true }) }

// A LogOption is an option for publishing and for listening.
type LogOption struct{ log *slog.Logger }

func (o LogOption) publishing(p *publishing) { p.log = o.log }
func (o LogOption) tailing(t *tailing)       { t.log = o.log }

// Log says where to log what cannot be returned, such as a connection that is made again. Default: slog.Default().
func Log(to *slog.Logger) LogOption { return LogOption{to} }
