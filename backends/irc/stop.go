package irc

import (
	"context"
	"strings"

	"github.com/notifyd/notifyd/backends"
)

// stopWord is what whoever has a nick says to end what is sent to it: a person may have passed a code on, and what a
// stranger then has sent there has no other end.
const stopWord = "stop"

// obey does what somebody says, and gives the answer. What each word does is the program's to know. "stop" alone is
// done here, since codes that strangers have sent to a nick end with it too.
func (n *network) obey(ctx context.Context, s *session, q question) []string {
	account, err := n.speaker(ctx, s, q)
	if err != nil {
		return []string{"That did not work. Say it again in a minute."}
	}
	if wants(q.text, stopWord) {
		return []string{n.stopLine(ctx, s, q, account)}
	}
	if n.command != nil {
		for _, nick := range s.addressesOf(n.casing(), q.nick) {
			answer, err := n.command(ctx, backends.Command{Backend: Info.Name, Address: nick + "@" + n.config.Name,
				Account: account, About: s.lastParcel(n.casing(), q.nick), Text: q.text})
			if err != nil {
				n.log.Error("cannot do what somebody said", "error", err)
				return []string{"That did not work. Say it again in a minute."}
			}
			if answer.Known {
				return answer.Lines
			}
		}
	}
	return helpLines(q.text, n.manage)
}

// speaker gives the account of who has said something; "": none.
func (n *network) speaker(ctx context.Context, s *session, q question) (string, error) {
	if q.account != "" || n.memory.of(n.config.Name).services == "" {
		return q.account, nil
	}
	h, err := n.whois(ctx, s, q.nick)
	return h.account, err
}

// helpLines is the answer to a stranger: nothing is sent to that nick.
func helpLines(text, manage string) []string {
	if !wants(text, "help") {
		return []string{"I only tell of messages that people have asked for, and nothing is sent to this nick. Say help for more."}
	}
	lines := []string{"I tell people of what happens in the services that they have chosen filters for. Nothing is sent to " +
		"this nick now. I understand stop, which makes codes that were sent here worthless."}
	if manage = clean(manage); manage != "" {
		return append(lines, "Add this nick, or change what I send: "+manage)
	}
	return append(lines, "Add this nick, or change what I send, on the preferences page.")
}

// stopLine does what stopWord asks for, and gives the answer.
func (n *network) stopLine(ctx context.Context, s *session, q question, account string) string {
	if n.stop == nil {
		return "Nobody can stop anything here. Use the preferences page."
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

// sentTo notes the parcel that went to a nick last: "why" and "mute" are about it.
func (s *session) sentTo(casing casemapping, nick, parcel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lastSent) >= maxFollowed {
		clear(s.lastSent)
	}
	s.lastSent[casing.fold(nick)] = parcel
}

func (s *session) lastParcel(casing casemapping, nick string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastSent[casing.fold(nick)]
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
