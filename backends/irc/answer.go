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
	answerEvery  = 20 * time.Second // to one nick
	answerWait   = 10 * time.Second // for the pace; after that the question is forgotten
	maxRemember  = 200              // nicks that have had an answer
	answersBurst = 4
)

// A question is a private message that somebody sent to us.
type question struct{ nick, text, account string } // the account as its server says it; "": it says none

// An answerLimit keeps answers rare, so that two robots cannot talk to each other for ever. One goroutine uses it.
type answerLimit struct {
	all  *rate.Limiter
	last map[string]time.Time
}

// allow reports whether nick may have an answer now.
func (m *answerLimit) allow(nick string, now time.Time) bool {
	if m.all == nil {
		m.all, m.last = rate.NewLimiter(rate.Every(5*time.Second), answersBurst), map[string]time.Time{}
	}
	nick = lowerASCII(nick)
	for other, at := range m.last {
		if now.Sub(at) >= answerEvery {
			delete(m.last, other)
		}
	}
	if _, recent := m.last[nick]; recent || len(m.last) >= maxRemember || !m.all.AllowN(now, 1) {
		return false
	}
	m.last[nick] = now
	return true
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
			switch stop := wants(q.text, stopWord); {
			case stop && n.answers.allow(stopWord+" "+q.nick, time.Now()), !stop && n.answers.allow(q.nick, time.Now()):
				n.reply(s, q)
			}
		}
	}
}

func (n *network) reply(s *session, q question) {
	ctx, cancel := context.WithTimeout(context.Background(), answerWait)
	defer cancel()
	lines := helpLines(q.text, n.manage)
	if wants(q.text, stopWord) {
		lines = []string{n.stopLine(ctx, s, q)}
	}
	for _, line := range lines {
		if n.pace(ctx) != nil {
			return
		}
		for _, piece := range split(line, s.room(q.nick)) {
			if err := s.conn.Notice(q.nick, piece); err != nil {
				return // the connection is gone, and with it the question
			}
		}
	}
}

// helpLines is the answer to a private message.
func helpLines(text, manage string) []string {
	if !wants(text, "help") {
		return []string{"I only tell of messages that you have asked for. Say help for more."}
	}
	lines := []string{"I tell you of what happens in the services you have chosen filters for. I understand: help, and stop, which ends " +
		"what is sent to your nick."}
	if manage = clean(manage); manage != "" {
		lines = append(lines, "Change or stop what I send: "+manage)
	} else {
		lines = append(lines, "To change or stop what I send, use the preferences page.")
	}
	return lines
}

// foldAccount gives the one form of an account's name.
func (s *session) foldAccount(account string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cmp.Or(s.casing, rfc1459).fold(account)
}
