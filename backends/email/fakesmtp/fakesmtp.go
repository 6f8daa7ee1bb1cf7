// Package fakesmtp is a fake mail server: it takes mail over real SMTP (RFC 5321) and delivers none of it. Tests use it
// as the far end of the email backend, and the demonstration as the place where all mail ends.
//
// It is a fake in the sense of test doubles (G. Meszaros, xUnit Test Patterns): it works, with short cuts. It listens
// on loopback, keeps a bounded number of messages in memory, and writes them to a maildir if it has one. Where Postfix
// has smtp-sink for load, this one has a Script for trouble: it can refuse, delay or drop the connection at every step.
//
//	s, err := fakesmtp.Open(fakesmtp.Options{Script: func(at fakesmtp.Stage, _ string) fakesmtp.Reply {
//		if at == fakesmtp.OnRcpt {
//			return fakesmtp.Reply{Code: 450, Enhanced: [3]int{4, 2, 1}, Text: "greylisted"}
//		}
//		return fakesmtp.Reply{}
//	}})
//	go s.Run(ctx)
//	messages, err := s.Wait(ctx, 1)
package fakesmtp

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

const (
	defaultKeep     = 10_000
	defaultMaxBytes = 10 << 20
	maxConnections  = 64
	maxRecipients   = 100
	idleTimeout     = 5 * time.Minute
)

// Options are what a Server is made of. The zero value is a server on a free loopback port that accepts everything.
type Options struct {
	Address  string                               // where to listen; "" is 127.0.0.1:0
	Keep     int                                  // messages kept; the oldest goes first; 0 is 10 000
	MaxBytes int64                                // of one message; a larger one is refused with 552; 0 is 10 MiB
	Maildir  string                               // a folder to write messages to, in the maildir format; "" is none
	TLS      *tls.Config                          // not nil: STARTTLS is offered
	Implicit bool                                 // with TLS: encrypted from the first byte (RFC 8314)
	Login    func(username, password string) bool // not nil: AUTH PLAIN is offered and MAIL refused without it
	Script   Script                               // nil accepts everything
}

// A Message is what a client handed over: the envelope and the bytes.
type Message struct {
	From       string
	To         []string
	Data       []byte
	Connection int    // the number of the connection that carried it, from 1
	Client     string // its address
	Received   time.Time
}

// A Server is a listening mail server. It accepts connections while Run runs.
type Server struct {
	options  Options
	listener net.Listener
	server   *smtp.Server

	mu          sync.Mutex
	messages    []Message
	dropped     int
	connections int
	open        map[int]*connection // by number
	changed     chan struct{}       // closed and replaced when a message arrives
}

// Open listens; Run serves. A server that was opened must be run or closed.
func Open(o Options) (*Server, error) {
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
	s := &Server{options: o, listener: l, open: map[int]*connection{}, changed: make(chan struct{})}
	s.server = s.newServer()
	return s, nil
}

func (s *Server) newServer() *smtp.Server {
	srv := smtp.NewServer(smtp.BackendFunc(s.session))
	srv.Domain = "fake.invalid"
	srv.MaxMessageBytes = s.options.MaxBytes
	srv.MaxRecipients = maxRecipients
	srv.ReadTimeout, srv.WriteTimeout = idleTimeout, idleTimeout
	srv.AllowInsecureAuth = true // passwords stay on loopback and in memory
	srv.ErrorLog = log.New(io.Discard, "", 0)
	if s.options.TLS != nil && !s.options.Implicit {
		srv.TLSConfig = s.options.TLS
	}
	return srv
}

// Addr is where the server listens.
func (s *Server) Addr() *net.TCPAddr { return s.listener.Addr().(*net.TCPAddr) }

// Run serves until ctx ends. Then every connection is closed and all goroutines have ended.
func (s *Server) Run(ctx context.Context) error {
	l := net.Listener(&listener{Listener: s.listener, server: s})
	if s.options.TLS != nil && s.options.Implicit {
		l = tls.NewListener(l, s.options.TLS)
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

// Close ends a server that nobody runs.
func (s *Server) Close() error { return s.listener.Close() }

// Messages are those that are kept, oldest first.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Count is how many messages were accepted so far.
func (s *Server) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.messages) + s.dropped
}

// Dropped is how many messages were accepted and are no longer kept because of Options.Keep.
func (s *Server) Dropped() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

// Connections is how many connections were accepted so far.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections
}

// Wait waits until n messages have been accepted since the start and returns those that are kept; when ctx ends before
// that, with its error.
func (s *Server) Wait(ctx context.Context, n int) ([]Message, error) {
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

// keep stores a message and wakes those that wait.
func (s *Server) keep(m Message) error {
	if s.options.Maildir != "" {
		if err := writeMaildir(s.options.Maildir, m.Data); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
	if over := len(s.messages) - s.options.Keep; over > 0 {
		s.messages = slices.Delete(s.messages, 0, over)
		s.dropped += over
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}
