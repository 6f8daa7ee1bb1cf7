package ircsink

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// splitReason is how a QUIT by a netsplit is known: two names of servers, and nothing else.
const splitReason = "hub.sink.invalid leaf.sink.invalid"

// A User is somebody whom a test puts on the network, without a connection.
type User struct{ Nick, Account, Away string }

// Add puts users on the network.
func (s *Server) Add(users ...User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range users {
		c := &client{server: s, nick: u.Nick, user: "~" + strings.ToLower(cleanUser(u.Nick)), host: "sink.invalid",
			real: u.Nick, account: u.Account, away: u.Away, registered: true, caps: map[string]bool{},
			joined: map[*channel]bool{}, watched: map[string]string{}}
		if old := s.users[s.fold(u.Nick)]; old == nil && len(s.users) < maxUsers {
			s.users[s.fold(u.Nick)] = c
			s.tellWatchers(c, true)
		}
	}
}

// Remove takes a user off the network, as if it had quit. A connection of that nick is cut.
func (s *Server) Remove(nick string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.users[s.fold(nick)]; c != nil {
		s.leave(c, "Quit: gone")
		if c.conn != nil {
			c.conn.Close()
		}
	}
}

// Rename gives a user another nick, as itself or as services do.
func (s *Server) Rename(nick, other string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.users[s.fold(nick)]; c != nil && isNick(other) && s.users[s.fold(other)] == nil {
		s.rename(c, other)
	}
}

// Say has a user of the network say something to another, or to a channel.
func (s *Server) Say(from, to, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.users[s.fold(from)]
	if c == nil {
		return fmt.Errorf("nobody is %q here", from)
	}
	c.tellUser("PRIVMSG", to, text)
	return nil
}

// Tell says a line to whoever has a nick, as the server: "NOTICE {me} :…" with {me} written out.
func (s *Server) Tell(nick, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.users[s.fold(nick)]; c != nil {
		c.push(s.fill(line, c, Event{}))
	}
}

// Split takes users off the network as a netsplit does. heal brings them back.
func (s *Server) Split(nicks ...string) (heal func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var gone []*client
	for _, nick := range nicks {
		if c := s.users[s.fold(nick)]; c != nil {
			s.leave(c, splitReason)
			gone = append(gone, c)
		}
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, c := range gone {
			if s.users[s.fold(c.nick)] == nil && !c.gone {
				s.users[s.fold(c.nick)] = c
				s.tellWatchers(c, true)
			}
		}
	}
}

// leave takes a client off the network.
func (s *Server) leave(c *client, reason string) {
	if s.users[s.fold(c.nick)] != c {
		return
	}
	delete(s.users, s.fold(c.nick))
	for o := range c.neighbours() {
		if o != c {
			o.hear(c, "QUIT :"+reason)
		}
	}
	for ch := range c.joined {
		s.takeOut(ch, c)
	}
	s.tellWatchers(c, false)
}

// neighbours are those who share a channel with a client, and it itself.
func (c *client) neighbours() map[*client]bool {
	all := map[*client]bool{c: true}
	for ch := range c.joined {
		for m := range ch.members {
			all[m] = true
		}
	}
	return all
}

func (s *Server) rename(c *client, nick string) {
	for o := range c.neighbours() {
		o.hear(c, "NICK :"+nick)
	}
	delete(s.users, s.fold(c.nick))
	if s.fold(nick) != s.fold(c.nick) {
		s.tellWatchers(c, false)
	}
	c.nick = nick
	s.users[s.fold(nick)] = c
	s.tellWatchers(c, true)
}

// CutConnections closes every connection without a word, as a crashing server does. The server goes on.
func (s *Server) CutConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		c.conn.Close()
	}
}

// Connections is how many connections were taken so far.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections
}

// OpenConnections is how many there are now.
func (s *Server) OpenConnections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// Messages are those that are kept, oldest first.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Wait waits until n messages have been taken since the start and returns those that are kept; when ctx ends before
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
