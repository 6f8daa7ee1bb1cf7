// Package mailsink is a mail server that keeps what it is given: for tests, and for the demonstration, where no mail
// must leave the machine.
//
// It speaks SMTP on a loopback port, keeps a bounded number of messages in memory and can be told to refuse, delay or
// drop at any step, as real servers do.
package mailsink

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// The bounds of a Sink whose Options leave them zero.
const (
	defaultKeep     = 10_000
	defaultMaxBytes = 10 << 20
	maxConnections  = 64
	maxRecipients   = 100
	idleTimeout     = 5 * time.Minute
)

// Options are what a Sink may be told; the zero value is a sink on a free loopback port that accepts everything.
type Options struct {
	Address  string                               // where to listen; "" is 127.0.0.1:0
	Keep     int                                  // messages kept; the oldest goes first; 0 is 10 000
	MaxBytes int64                                // of one message; more is refused with 552; 0 is 10 MiB
	Maildir  string                               // where messages are also written, in the maildir format; "": nowhere
	TLS      *tls.Config                          // not nil: STARTTLS is offered
	Implicit bool                                 // with TLS: the connection is encrypted from its first byte (RFC 8314)
	Login    func(username, password string) bool // not nil: AUTH PLAIN is offered and MAIL refused without it
	Script   Script                               // nil: accept everything
}

// A Message is what was delivered: the envelope and the bytes.
type Message struct {
	From       string
	To         []string
	Data       []byte
	Connection int // the ordinal of the connection that brought it, from 1
}

// A Sink is a listening mail server. It accepts connections while Run runs.
type Sink struct {
	o        Options
	listener net.Listener
	server   *smtp.Server

	mu          sync.Mutex
	messages    []Message
	dropped     int
	connections int
	open        map[net.Conn]bool
	changed     chan struct{} // closed and replaced when a message arrives
}

// Open listens; Run serves. Whoever opens a sink runs it or closes it.
func Open(o Options) (*Sink, error) {
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	if o.Keep == 0 {
		o.Keep = defaultKeep
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultMaxBytes
	}
	if o.Maildir != "" {
		if err := makeMaildir(o.Maildir); err != nil {
			return nil, fmt.Errorf("make maildir: %w", err)
		}
	}
	l, err := net.Listen("tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("listen for mail: %w", err)
	}
	s := &Sink{o: o, listener: l, open: map[net.Conn]bool{}, changed: make(chan struct{})}
	s.server = s.newServer()
	return s, nil
}

func (s *Sink) newServer() *smtp.Server {
	srv := smtp.NewServer(smtp.BackendFunc(s.session))
	srv.Domain = "sink.invalid"
	srv.MaxMessageBytes = s.o.MaxBytes
	srv.MaxRecipients = maxRecipients
	srv.ReadTimeout, srv.WriteTimeout = idleTimeout, idleTimeout
	srv.AllowInsecureAuth = true // it listens on loopback, and what it is told stays in memory
	srv.ErrorLog = log.New(io.Discard, "", 0)
	if s.o.TLS != nil && !s.o.Implicit {
		srv.TLSConfig = s.o.TLS
	}
	return srv
}

// Addr is where the sink listens.
func (s *Sink) Addr() *net.TCPAddr { return s.listener.Addr().(*net.TCPAddr) }

// Run serves until ctx ends; then every connection is cut and all goroutines have ended.
func (s *Sink) Run(ctx context.Context) error {
	l := net.Listener(&countingListener{Listener: s.listener, sink: s})
	if s.o.TLS != nil && s.o.Implicit {
		l = tls.NewListener(l, s.o.TLS)
	}
	stop := context.AfterFunc(ctx, func() { s.listener.Close() })
	defer stop()
	err := s.server.Serve(l) // ends when the listener is closed
	s.listener.Close()
	s.CutConnections()
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	s.server.Shutdown(patience) // waits for the sessions, which have lost their connections
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("serve mail: %w", err)
}

// Close ends a sink that nobody runs.
func (s *Sink) Close() error { return s.listener.Close() }

// Messages gives what is kept, oldest first.
func (s *Sink) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Dropped is how many messages were accepted and are no longer kept because of Options.Keep.
func (s *Sink) Dropped() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

// Connections is how many connections were accepted so far.
func (s *Sink) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections
}

// Wait gives the messages as soon as n have been accepted since the start, or what there is and ctx's error.
func (s *Sink) Wait(ctx context.Context, n int) ([]Message, error) {
	for {
		s.mu.Lock()
		messages, total, changed := slices.Clone(s.messages), len(s.messages)+s.dropped, s.changed
		s.mu.Unlock()
		if total >= n {
			return messages, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return messages, fmt.Errorf("wait for %d messages, have %d: %w", n, total, ctx.Err())
		}
	}
}

// keep stores a message and wakes whoever waits.
func (s *Sink) keep(m Message) error {
	if s.o.Maildir != "" {
		if err := writeMaildir(s.o.Maildir, m.Data); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
	if over := len(s.messages) - s.o.Keep; over > 0 {
		s.messages = slices.Delete(s.messages, 0, over)
		s.dropped += over
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}
