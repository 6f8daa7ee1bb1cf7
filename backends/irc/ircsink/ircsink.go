// Package ircsink is a small IRC server in this process, for tests and for the demonstration. Tests use it as the far
// end of the irc backend, and the demonstration as a network that a real client can join.
//
// It is a fake in the sense of test doubles (G. Meszaros, xUnit Test Patterns): it works, with short cuts. It has one
// server and no operators, bounds on all that it keeps, and forgets everything when it ends: nobody should run a
// network on it. What real servers do to a robot it can do too: refuse by any numeric (Script), limit new conversations
// (Targets), lose half of its users (Split), leave out what the irc backend would like to hear.
//
//	s, err := ircsink.Open(ircsink.Options{Script: func(e ircsink.Event) ircsink.Reply {
//		if e.Command == "PRIVMSG" {
//			return ircsink.Reply{Lines: []string{"716 {me} {to} :is in +g mode"}, Skip: true}
//		}
//		return ircsink.Reply{}
//	}})
//	go s.Run(ctx)
//	messages, err := s.Wait(ctx, 1)
//
// Where a test has no real clock (testing/synctest), New makes a server that does not listen, and Pipe a connection.
package ircsink

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"
)

// The bounds on what a Server keeps.
const (
	maxClients  = 64
	keep        = 10_000 // messages
	maxUsers    = 2000   // with those of Add
	maxChannels = 100
	maxJoined   = 10 // channels of one client
	maxWatched  = 100
	maxText     = 300 // bytes of a topic, of a reason
	maxNick     = 30
)

// Options are what a Server is made of. The zero value is a friendly server on a free loopback port.
type Options struct {
	Address  string        // where to listen; "" is 127.0.0.1:0
	TLS      *tls.Config   // not nil: encrypted from the first byte
	Name     string        // of the server; "" is irc.sink.invalid
	Network  string        // its name in 005; "" is Sink
	Version  string        // in 004, by which clients tell families of servers: "solanum-1.0"; "" is ircsink-1
	Servers  int           // of the network, in 251; 0: it says nothing of them
	Motd     []string      // lines that greet a client
	Features []string      // tokens of 005, beside the usual or in their place; "-MONITOR" takes one away
	Caps     []string      // capabilities (IRCv3); nil: all that it knows; empty: it does not know CAP
	Accounts []Account     // the server has services that know them; nil: it has no services
	NoLogin  bool          // the server says 903 after a login and leaves out 900
	Targets  Targets       // the limit on new conversations
	Script   Script        // nil: nothing happens but what should
	Idle     time.Duration // after that a silent client gets a PING, and after twice that it is cut off; 0: 90 s
	Clients  int           // connections at a time; 0: 64
	Now      func() time.Time
}

// An Account is known to the services: NickServ and SASL.
type Account struct{ Name, Password, Certificate string } // Certificate: SHA-256 of the client's, for EXTERNAL

// A Server is an IRC server. It accepts connections while Run runs.
type Server struct {
	options  Options
	listener net.Listener // nil: it does not listen
	features []string

	all sync.WaitGroup // goroutines

	mu          sync.Mutex
	closed      bool
	open        map[*client]bool   // connections, also of those that have no nick yet
	users       map[string]*client // registered, by folded nick
	channels    map[string]*channel
	accounts    map[string]Account
	talks       map[string]*conversations // by folded nick
	messages    []Message
	dropped     int
	connections int
	refusals    int           // by the limit on new conversations
	changed     chan struct{} // closed and replaced when a message was taken
}

// New makes a server that does not listen: Pipe connects to it.
func New(o Options) *Server {
	o.Name = cmp.Or(o.Name, "irc.sink.invalid")
	o.Network = cmp.Or(o.Network, "Sink")
	o.Version = cmp.Or(o.Version, "ircsink-1")
	o.Idle = cmp.Or(o.Idle, 90*time.Second)
	o.Clients = cmp.Or(o.Clients, maxClients)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Caps == nil {
		o.Caps = everyCap
	}
	s := &Server{options: o, open: map[*client]bool{}, users: map[string]*client{}, channels: map[string]*channel{},
		accounts: map[string]Account{},
		talks:    map[string]*conversations{}, changed: make(chan struct{}), features: featuresOf(o)}
	for _, a := range o.Accounts {
		s.accounts[s.fold(a.Name)] = a
	}
	if o.Accounts != nil {
		s.users[s.fold(nickServ)] = newService(s)
	}
	return s
}

// Open listens; Run serves. A server that was opened must be run or closed.
func Open(o Options) (*Server, error) {
	s := New(o)
	l, err := net.Listen("tcp", cmp.Or(o.Address, "127.0.0.1:0"))
	if err != nil {
		return nil, fmt.Errorf("listen for IRC: %w", err)
	}
	if o.TLS != nil {
		l = tls.NewListener(l, o.TLS)
	}
	s.listener = l
	return s, nil
}

// Addr is where the server listens.
func (s *Server) Addr() *net.TCPAddr { return s.listener.Addr().(*net.TCPAddr) }

// Run serves until ctx ends. Then every connection is closed and all goroutines have ended.
func (s *Server) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { s.listener.Close() })
	defer stop()
	defer s.Close()
	for {
		conn, err := s.listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close()
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("serve IRC: %w", err)
		}
		if !s.serve(conn) {
			conn.Close() // over the bound: a client retries, a flood gets nothing
		}
	}
}

// Pipe gives the client's end of a connection in memory.
func (s *Server) Pipe() (net.Conn, error) {
	ours, theirs := net.Pipe()
	if !s.serve(ours) {
		ours.Close()
		return nil, fmt.Errorf("connect to %s: %w", s.options.Name, net.ErrClosed)
	}
	return theirs, nil
}

// Close cuts every connection and waits for all goroutines.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	if s.listener != nil {
		s.listener.Close()
	}
	s.CutConnections()
	s.all.Wait()
	return nil
}
