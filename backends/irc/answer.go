package irc

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
	"golang.org/x/time/rate"
)

const (
	answerEvery  = 10 * time.Second // to one nick, once it has had its first few
	answerFirst  = 3
	answerWait   = 30 * time.Second // for the pace; after that the question is forgotten
	answerLines  = 15
	maxRemember  = 200 // nicks that have had an answer
	answersBurst = 8
	answersEvery = 2 * time.Second
)

// A question is a private message that somebody sent to us.
type question struct{ nick, text, account string } // the account as its server says it; "": it says none

// An answerLimit keeps answers rare, so that two robots cannot talk to each other for ever. One goroutine uses it.
type answerLimit struct {
	all  *rate.Limiter
	each map[string]*rate.Limiter
}

// allow reports whether nick may have an answer now.
func (m *answerLimit) allow(nick string, now time.Time) bool {
	if m.all == nil {
		m.all, m.each = rate.NewLimiter(rate.Every(answersEvery), answersBurst), map[string]*rate.Limiter{}
	}
	nick = rfc1459.fold(nick)
	own := m.each[nick]
	if own == nil {
		for other, l := range m.each {
			if l.TokensAt(now) >= answerFirst {
				delete(m.each, other)
			}
		}
		if len(m.each) >= maxRemember {
			return false
		}
		own = rate.NewLimiter(rate.Every(answerEvery), answerFirst)
	}
	if own.TokensAt(now) < 1 || !m.all.AllowN(now, 1) {
		return false
	}
	m.each[nick] = own
	return own.AllowN(now, 1)
}

// hear takes a PRIVMSG from a person to us. Our own echoes, servers, channels, CTCP and bots (IRCv3 bot-mode) get no
// answer, and no NOTICE does: RFC 2812, section 3.3.2, forbids it.
func (s *session) hear(m ircmsg.Message) {
	from, ok := parseHostmask(m.Source)
	self := s.conn.CurrentNick()
	if !ok || len(m.Params) < 2 || !sameNick(m.Params[0], self) {
		return
	}
	if sameNick(from.nick, self) || checkNick(from.nick) != nil {
		return
	}
	if bot, _ := m.GetTag("bot"); bot || strings.HasPrefix(m.Params[1], "\x01") {
		return
	}
	_, account := m.GetTag("account")
	if account = s.foldAccount(account); account != "" {
		s.saw(account, from.nick)
	}
	select {
	case s.asked <- question{nick: from.nick, text: m.Params[1], account: account}:
	default: // nobody types so fast
	}
}

// answer replies to questions by NOTICE, until the connection ends.
func (n *network) answer(s *session) {
	for {
		select {
		case <-s.done:
			return
		case q := <-s.asked:
			folded := n.casing().fold(q.nick)
			n.openings.spoke(folded)
			n.presence.arrive(folded)
			stop := wants(q.text, stopWord)
			if stop && n.answers.allow(stopWord+" "+q.nick, time.Now()) || !stop && n.answers.allow(q.nick, time.Now()) {
				n.reply(s, q)
			}
		}
	}
}

func (n *network) reply(s *session, q question) {
	ctx, cancel := context.WithTimeout(context.Background(), answerWait)
	defer cancel()
	lines := n.obey(ctx, s, q)
	for _, line := range lines[:min(len(lines), answerLines)] {
		for _, piece := range split(clean(line), s.room(q.nick)) {
			if n.pace(ctx) != nil || s.conn.Notice(q.nick, piece) != nil {
				return // the connection is gone, and with it the question
			}
		}
	}
}

// foldAccount gives the one form of an account's name.
func (s *session) foldAccount(account string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cmp.Or(s.casing, rfc1459).fold(account)
}
