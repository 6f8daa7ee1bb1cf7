package irc

import (
	"slices"
	"strconv"

	"github.com/ergochat/irc-go/ircmsg"
)

// addCallbacks has the library call this session. Callbacks run one after the other in the library's reading goroutine:
// none of them may wait for the server.
func (s *session) addCallbacks() {
	s.conn.AddDisconnectCallback(func(ircmsg.Message) {
		s.conn.Quit() // nothing can be sent any more: this only tells Loop to return instead of reconnecting
		close(s.done)
	})
	for _, numeric := range slices.Concat(replyNumerics, bareNumerics) {
		bare := slices.Contains(bareNumerics, numeric)
		s.conn.AddCallback(numeric, func(m ircmsg.Message) { s.note(m, bare) })
	}
	s.conn.AddCallback("NOTICE", func(m ircmsg.Message) { s.note(m, false) })
	s.watchServices()
	s.conn.AddCallback("004", s.myInfo)
	s.conn.AddCallback("251", s.counted)
	s.conn.AddCallback("005", s.support)
	s.conn.AddCallback("ERROR", s.hearFarewell)
	s.conn.AddCallback("PONG", s.pong)
	s.conn.AddCallback("432", s.badNick)
	s.conn.AddCallback("PRIVMSG", s.hear)
	s.conn.AddCallback("NICK", func(m ircmsg.Message) {
		if nick := s.conn.CurrentNick(); len(m.Params) > 0 && m.Params[0] == nick { // the library has noted it before
			s.change(func(k *hostmask) { k.nick = nick })
		}
	})
	s.conn.AddCallback("CHGHOST", func(m ircmsg.Message) { // IRCv3 chghost: user, host
		if len(m.Params) > 1 && sameNick(m.Nick(), s.conn.CurrentNick()) {
			s.change(func(k *hostmask) { k.user, k.host = m.Params[0], m.Params[1] })
		}
	})
	s.conn.AddCallback("396", func(m ircmsg.Message) { // RPL_HOSTHIDDEN: me, host, text
		if len(m.Params) > 1 && s.registered() {
			s.change(func(k *hostmask) { k.host = m.Params[1] })
		}
	})
}

func (s *session) registered() bool { return s.conn.CurrentNick() != "" }

func (s *session) change(edit func(*hostmask)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	edit(&s.hostmask)
}

// note adds a reply to the oldest barrier, where it is about the command there: the server answers in order. What is
// about an earlier line comes from another server of the network, for whom nobody waited: it goes to who still listens.
func (s *session) note(m ircmsg.Message, bare bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) > 0 {
		if b := s.waiting[0]; (bare || isBare(m) || isAbout(b.target, m)) && len(b.replies) < maxReplies {
			b.replies = append(b.replies, m)
			return
		}
	}
	for _, l := range s.listening {
		if isAbout(l.target, m) && len(l.late) < maxReplies {
			l.late = append(l.late, m)
			l.came()
		}
	}
}

// pong ends the barrier of that token and, as the server answers in order, all before it.
func (s *session) pong(m ircmsg.Message) {
	if len(m.Params) == 0 {
		return
	}
	s.mu.Lock()
	at := slices.IndexFunc(s.waiting, func(b *barrier) bool { return b.token == m.Params[len(m.Params)-1] })
	over := slices.Clone(s.waiting[:at+1])
	s.waiting = slices.Delete(s.waiting, 0, at+1)
	s.mu.Unlock()
	for _, b := range over {
		b.done(b.replies)
	}
}

// badNick tries a nick of at most the nine characters of RFC 2812 when the server does not accept ours; the library
// itself tries another only where the nick is in use. After ten attempts the connect timeout ends the session.
func (s *session) badNick(ircmsg.Message) {
	if s.registered() {
		return
	}
	s.mu.Lock()
	try := s.nickTries
	s.nickTries++
	s.mu.Unlock()
	if try >= 10 {
		return
	}
	nick := s.config.Nick[:min(9, len(s.config.Nick))]
	if try > 0 {
		nick = s.config.Nick[:min(7, len(s.config.Nick))] + "_" + strconv.Itoa(try-1)
	}
	if err := s.conn.Send("NICK", nick); err != nil {
		s.log.Debug("cannot try another nick", "error", err)
	}
}
