package irc

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/ergochat/irc-go/ircevent"
	"github.com/ergochat/irc-go/ircmsg"
)

const (
	maxOutstanding = 4               // commands without an answer: 2 kB, under the least that any server queues
	quitTimeout    = 2 * time.Second // for the server to answer QUIT
)

// A session is one connection, from dialling to its end. The network's run owns it; callers of Send use it.
type session struct {
	config    Network
	conn      *ircevent.Connection
	done      chan struct{} // closed when the connection has ended after registration
	asked     chan question
	log       *slog.Logger
	mu        sync.Mutex
	socket    *guard
	hostmask  hostmask
	tokens    int
	waiting   []*barrier // oldest first, as the server answers
	listening []*listener
	open      int // commands sent and not answered
	nickTries int
	dialer    func(ctx context.Context, network, address string) (net.Conn, error) // nil: the net
	features  map[string]string                                                    // tokens of 005 that are of use
	software  string                                                               // of the server, from 004
	servers   int                                                                  // of the network, from 251; 0: not said
	farewell  string                                                               // its ERROR
	loggedIn  bool
	login     *login
	regains   int     // the watching goroutine's
	memory    *memory // of what is known of networks; nil: none
	casing    casemapping
	shown     bool              // that there are services
	seenAs    map[string]string // nicks by the accounts that spoke to us
	lastSent  map[string]string // the last parcel to each nick
	sentFor   map[string]string // nicks of addresses by the nicks that their notices go to
}

// A barrier is a PING behind a command. The server works in order, so its PONG says that the command is done.
type barrier struct {
	token, target string
	replies       []ircmsg.Message
	done          func([]ircmsg.Message)
}

func newSession(ctx context.Context, config Network, tlsConfig *tls.Config, log *slog.Logger) *session {
	s := &session{config: config, log: log, done: make(chan struct{}), asked: make(chan question, 8),
		seenAs: map[string]string{}, sentFor: map[string]string{}, lastSent: map[string]string{},
		features: map[string]string{}}
	s.conn = &ircevent.Connection{
		Server: config.Address, Nick: config.Nick, User: config.User, RealName: config.RealName, Password: config.Password,
		RequestCaps: []string{"message-tags", "batch", "labeled-response", "echo-message", "chghost", "account-tag"},
		QuitMessage: "notifyd ends", Version: "notifyd",
		// The library has one timeout for the registration, a write and a PONG; the first needs the longest.
		Timeout: config.ConnectTimeout, KeepAlive: max(config.KeepAlive, config.ConnectTimeout),
		Log: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		// The library's context knows only its own timeout, so ours takes its place; TLS is done here to be behind the guard.
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			s.chooseLogin()
			return s.dial(ctx, tlsConfig)
		},
	}
	s.prepareLogin()
	s.addCallbacks()
	return s
}

func (s *session) dial(ctx context.Context, tlsConfig *tls.Config) (net.Conn, error) {
	dial := s.dialer
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	raw, err := dial(ctx, "tcp", s.config.Address)
	if err != nil {
		return nil, err
	}
	if tlsConfig != nil {
		secure := tls.Client(raw, tlsConfig)
		if err := secure.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, fmt.Errorf("start TLS: %w", err)
		}
		raw = secure
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil { // hangUp has been and gone
		raw.Close()
		return nil, context.Cause(ctx)
	}
	s.socket = newGuard(raw, s.config.PerSecond)
	return s.socket, nil
}

// connect dials, registers and learns our hostmask, within the connect timeout. Its error is for the log only.
func (s *session) connect(ctx context.Context) error {
	stop := context.AfterFunc(ctx, s.hangUp)
	defer stop()
	if err := s.conn.Connect(); err != nil {
		_, sasl := s.conn.AcknowledgedCaps()["sasl"]
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, ircevent.SASLFailed) && !sasl:
			return errors.New("log in: the server offers no SASL; its services may be down")
		}
		return s.cause(err)
	}
	if err := s.checkLogin(); err != nil {
		s.end()
		return err
	}
	s.socket.registered()
	s.learnCasing()
	nick := s.conn.CurrentNick()
	s.learn(hostmask{nick: nick})
	replies, err := s.exchange(ctx, nick, "WHOIS", nick)
	for _, m := range replies { // RPL_WHOISUSER: me, nick, user, host, *, real name
		if m.Command == "311" && len(m.Params) > 3 && sameNick(m.Params[1], nick) {
			s.learn(hostmask{nick: nick, user: m.Params[2], host: m.Params[3]})
		}
	}
	if err == nil {
		err = s.findServices(ctx)
	}
	if err != nil {
		s.end()
		return s.cause(err)
	}
	return nil
}

// cause gives why the guard has cut the connection off, or err when it has not.
func (s *session) cause(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket == nil {
		return err
	}
	return cmp.Or(s.socket.cause(), err)
}

// end closes the connection of a session that will not be used and waits for what the library started.
func (s *session) end() {
	s.hangUp()
	s.conn.Loop()
}

// serve stays until the connection ends. When ctx ends first it says QUIT.
func (s *session) serve(ctx context.Context) {
	var own sync.WaitGroup
	own.Go(func() {
		select {
		case <-s.done:
		case <-ctx.Done():
			late := time.AfterFunc(quitTimeout, s.hangUp)
			s.conn.Quit()
			<-s.done
			late.Stop()
		}
	})
	s.conn.Loop() // returns at the end of this connection: the disconnect callback has called Quit
	own.Wait()
}

func (s *session) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket != nil {
		s.socket.Close()
	}
}

// exchange sends a command and gives the server's replies to it. It waits until the server is done with the command:
// for the labelled response, otherwise for a barrier. A server that stays silent loses the connection, because its late
// reply could be taken for the reply to another command.
func (s *session) exchange(ctx context.Context, target, command string, params ...string) ([]ircmsg.Message, error) {
	if err := s.reserve(); err != nil {
		return nil, err
	}
	answer := make(chan []ircmsg.Message, 1)
	done := func(replies []ircmsg.Message) {
		s.release()
		answer <- replies
	}
	late := time.AfterFunc(s.config.SendTimeout, s.hangUp) // it also ends a write to a server that does not read
	defer late.Stop()
	err := s.conn.SendWithLabel(func(b *ircevent.Batch) { done(flatten(b)) }, nil, command, params...)
	if errors.Is(err, ircevent.CapabilityNotNegotiated) {
		err = s.sendWithBarrier(target, done, command, params...)
	}
	if err != nil {
		s.release()
		return nil, fmt.Errorf("queue the line: %w", err)
	}
	select {
	case replies := <-answer:
		if replies != nil {
			return replies, nil
		}
	case <-s.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if !late.Stop() {
		return nil, errSilent
	}
	return nil, errLost
}

// reserve counts a command in. While too many are not answered it refuses: the library's queue could fill and block.
func (s *session) reserve() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open >= maxOutstanding {
		return errBusy
	}
	s.open++
	return nil
}

func (s *session) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
}

func (s *session) sendWithBarrier(target string, done func([]ircmsg.Message), command string, params ...string) error {
	s.mu.Lock()
	s.tokens++
	b := &barrier{token: "notifyd-" + strconv.Itoa(s.tokens), target: target, replies: []ircmsg.Message{}, done: done}
	s.waiting = append(s.waiting, b)
	s.mu.Unlock()
	if err := s.conn.Send(command, params...); err != nil {
		s.mu.Lock()
		s.waiting = slices.DeleteFunc(s.waiting, func(w *barrier) bool { return w == b })
		s.mu.Unlock()
		return err
	}
	return s.conn.Send("PING", b.token)
}

// learn remembers our hostmask.
func (s *session) learn(m hostmask) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hostmask = m
}

// room is how many bytes of text fit in one line to nick.
func (s *session) room(nick string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hostmask.room(nick)
}
