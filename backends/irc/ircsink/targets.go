package ircsink

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Targets is the limit on new conversations that Solanum, UnrealIRCd and bahamut have: so many at once, then one more
// after a while. Whoever is among the last partners costs nothing, and who has answered does not either.
type Targets struct {
	Free    int           // at once; 0: there is no limit
	Every   time.Duration // until one more is free
	Numeric string        // of the refusal: 707 as Solanum, 439 as UnrealIRCd, NOTICE about flooding
}

// maxReplies is how many partners who spoke first a client has besides.
const maxReplies = 5

// conversations are those of one nick, which a new connection does not forget.
type conversations struct {
	free int
	last time.Time
	with []string // the latest first, folded
	back []string // who spoke to it
}

// mayTalk counts a conversation, by the rules of Solanum (tgchange.c): one is freed for each whole period since the
// last time that one was freed.
func (s *Server) mayTalk(c, other *client) bool {
	t := s.options.Targets
	if t.Free == 0 || c == other {
		return true
	}
	now, partner := s.options.Now(), s.fold(other.nick)
	l := s.conversationsOf(c)
	if l.last.IsZero() {
		l.free, l.last = t.Free, now
	}
	if slices.Contains(l.with, partner) || slices.Contains(l.back, partner) {
		l.with = latest(l.with, partner, t.Free)
		return true
	}
	freed := int(now.Sub(l.last) / t.Every)
	switch {
	case l.free == t.Free:
		l.last = now
	case freed > 0:
		l.free, l.last = min(t.Free, l.free+freed), now
	case l.free == 0:
		s.refusals++
		c.tooFast(other.nick, t.Every-now.Sub(l.last))
		return false
	}
	l.free--
	l.with = latest(l.with, partner, t.Free)
	return true
}

func (c *client) tooFast(nick string, wait time.Duration) {
	switch c.server.options.Targets.Numeric {
	case "439":
		seconds := strconv.Itoa(int((wait + time.Second - 1) / time.Second))
		c.numeric("439", nick, ":Message target change too fast. Please wait "+seconds+" seconds")
	case "NOTICE":
		c.say(fmt.Sprintf("NOTICE %s :*** Message to %s throttled due to flooding", c.nick, nick))
	default:
		c.numeric("707", nick, ":Targets changing too fast, message dropped")
	}
}

// conversed notes that a client was spoken to.
func (s *Server) conversed(c, by *client) {
	l := s.conversationsOf(c)
	l.back = latest(l.back, s.fold(by.nick), maxReplies)
}

// conversationsOf gives those of a nick.
func (s *Server) conversationsOf(c *client) *conversations {
	nick := s.fold(c.nick)
	if s.talks[nick] == nil {
		if len(s.talks) >= maxUsers {
			clear(s.talks)
		}
		s.talks[nick] = &conversations{}
	}
	return s.talks[nick]
}

// latest puts a name first, in a list of at most so many.
func latest(list []string, name string, most int) []string {
	list = slices.DeleteFunc(slices.Clone(list), func(n string) bool { return n == name })
	list = slices.Insert(list, 0, name)
	return list[:min(len(list), most)]
}

// Refusals is how many messages the limit on new conversations has refused.
func (s *Server) Refusals() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusals
}
