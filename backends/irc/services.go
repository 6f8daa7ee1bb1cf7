package irc

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/ergochat/irc-go/ircmsg"
)

// servicesNick is who registers nicks on nearly every network that has services.
const servicesNick = "NickServ"

// watchServices looks for what only a network with services says. What shows them stays known: services that are down
// come again, and while they are down a stranger may have any nick.
func (s *session) watchServices() {
	s.conn.AddCallback("CAP", func(m ircmsg.Message) { // me, LS or NEW, perhaps *, capabilities
		if len(m.Params) < 3 || !slices.Contains([]string{"LS", "NEW"}, strings.ToUpper(m.Params[1])) {
			return
		}
		for name := range strings.FieldsSeq(m.Params[len(m.Params)-1]) {
			if name, _, _ = strings.Cut(name, "="); name == "sasl" {
				s.services("the server offers SASL")
			}
		}
	})
	for numeric, what := range map[string]string{
		"330": "a user is logged in to an account", "307": "a user has registered a nick", "900": "notifyd has logged in",
	} {
		s.conn.AddCallback(numeric, func(ircmsg.Message) { s.services(what) })
	}
}

// findServices asks who NickServ is. Anybody can take that nick where there are no services: but not as a server, or
// with the name of a server as host.
func (s *session) findServices(ctx context.Context) error {
	replies, err := s.exchange(ctx, servicesNick, "WHOIS", servicesNick)
	if err != nil {
		return err
	}
	host, server, official := "", "", false
	for _, m := range replies {
		if len(m.Params) < 2 || !sameNick(m.Params[1], servicesNick) {
			continue
		}
		switch {
		case m.Command == "311" && len(m.Params) > 3: // RPL_WHOISUSER: me, nick, user, host, *, real name
			host = m.Params[3]
		case m.Command == "312" && len(m.Params) > 2: // RPL_WHOISSERVER: me, nick, server, info
			server = m.Params[2]
		case m.Command == "313": // RPL_WHOISOPERATOR: "is a network service", or an operator
			official = true
		}
	}
	if official && host != "" || server != "" && strings.EqualFold(host, server) {
		s.services("there is a " + servicesNick)
	}
	return nil
}

// services notes that the network has shown that it has services.
func (s *session) services(what string) {
	s.mu.Lock()
	first := !s.shown
	s.shown = true
	s.mu.Unlock()
	if !first || s.memory == nil {
		return
	}
	fresh := s.memory.learn(s.config.Name, func(k *knowledge) {
		if k.services == "" {
			k.services = what
		}
	})
	if fresh {
		s.log.Info("the IRC network has services: notices need an account there, unless require_account says otherwise",
			"seen", what)
	}
}

// support reads a line of 005 (RPL_ISUPPORT), which may come again while the connection lasts.
func (s *session) support(m ircmsg.Message) {
	if len(m.Params) < 2 {
		return
	}
	s.mu.Lock()
	for _, token := range m.Params[1:] {
		name, value, _ := strings.Cut(token, "=")
		switch name {
		case "CASEMAPPING":
			s.casing = casemappingOf(value)
		case "MONITOR", "BOT":
			s.features[name] = value[:min(len(value), 20)]
		case "-MONITOR", "-BOT":
			delete(s.features, name[1:])
		}
	}
	s.mu.Unlock()
	if s.registered() {
		s.learnCasing()
	}
}

// feature gives a token of 005 that is of use here.
func (s *session) feature(name string) (value string, has bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, has = s.features[name]
	return value, has
}

// myInfo reads what the server runs, from 004: me, server, version, modes.
func (s *session) myInfo(m ircmsg.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(m.Params) > 2 {
		s.software = m.Params[2][:min(len(m.Params[2]), 60)]
	}
}

func (s *session) version() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.software
}

// learnCasing notes the casemapping. A server that says none has that of RFC 1459, as all had before there was a
// choice.
func (s *session) learnCasing() {
	s.mu.Lock()
	casing := cmp.Or(s.casing, rfc1459)
	s.mu.Unlock()
	if s.memory != nil {
		s.memory.learn(s.config.Name, func(k *knowledge) { k.casing = casing })
	}
}
