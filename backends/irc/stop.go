package irc

import (
	"context"
	"strings"

	"github.com/notifyd/notifyd/backends"
)

// stopWord is what whoever has a nick says to end what is sent to it: a person may have passed a code on, and what a
// stranger then has sent there has no other end.
const stopWord = "stop"

// stopLine does what stopWord asks for, and gives the answer.
func (n *network) stopLine(ctx context.Context, s *session, q question) string {
	if n.stop == nil {
		return "Nobody can stop anything here. Use the preferences page."
	}
	account := q.account
	if account == "" && n.memory.of(n.config.Name).services != "" {
		h, err := n.whois(ctx, s, q.nick)
		if err != nil {
			return "That did not work. Say stop again in a minute."
		}
		account = h.account
	}
	all := backends.Stopped{}
	for _, nick := range s.addressesOf(n.casing(), q.nick) {
		did, err := n.stop(ctx, nick+"@"+n.config.Name, account)
		if err != nil {
			n.log.Error("cannot stop what is sent to a nick", "error", err)
			return "That did not work. Say stop again in a minute."
		}
		all.Destinations, all.Claims, all.Bound = all.Destinations+did.Destinations, all.Claims+did.Claims,
			all.Bound || did.Bound
	}
	return stoppedWords(all, clean(n.manage))
}

// stoppedWords says what was stopped, in one line.
func stoppedWords(all backends.Stopped, manage string) string {
	switch {
	case all.Destinations > 0 && manage != "":
		return "Stopped: nothing more is sent to this nick. Its owner can switch it on again at " + manage
	case all.Destinations > 0:
		return "Stopped: nothing more is sent to this nick, until its owner switches it on again."
	case all.Claims > 0:
		return "Stopped: the codes that were sent to this nick are worthless now."
	case all.Bound:
		return "This nick was confirmed by a services account that you are not logged in to, so you get nothing. " +
			"Log in to it, then say stop."
	}
	return "Nothing is sent to this nick."
}

// wants reports whether a message consists of that word.
func wants(text, word string) bool {
	said, _, _ := strings.Cut(strings.ToLower(clean(text)), " ")
	return strings.Trim(said, "!/.?") == word
}

// addressesOf gives the nicks in addresses whose notices go to a nick: itself, and one that its account was followed
// from.
func (s *session) addressesOf(casing casemapping, nick string) []string {
	own := casing.fold(nick)
	s.mu.Lock()
	defer s.mu.Unlock()
	if from := s.sentFor[own]; from != "" && from != own {
		return []string{own, from}
	}
	return []string{own}
}

// sendsFor notes that notices for a nick go to another one.
func (s *session) sendsFor(casing casemapping, nick, other string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sentFor) >= maxFollowed {
		clear(s.sentFor)
	}
	s.sentFor[casing.fold(other)] = casing.fold(nick)
}
