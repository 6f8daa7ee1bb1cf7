package irc

import (
	"context"
	"errors"
	"fmt"

	"github.com/ergochat/irc-go/ircmsg"

	"github.com/notifyd/notifyd/backends"
)

// A nick belongs to whoever has it at the moment; an account of the network's services belongs to one person. So where
// a network has services, a destination is bound to the account that had the nick when the code was sent there, and a
// notice goes to the nick only while that account has it.
//
//	code:    WHOIS alice -> 330 alice alice_acc   the secret's holder is alice_acc, then the code is sent
//	notice:  WHOIS alice -> 330 alice alice_acc   it is sent
//	         WHOIS alice -> 330 alice mallory     it waits; or goes to alice_, where alice_acc was seen and is
//
// Nothing is cached between two parcels: notifyd is in no channel, and so it does not see who takes a nick.

var (
	errStranger = errors.New("whoever has the nick is not logged in to the account that has confirmed it")
	errNoOwner  = errors.New("whoever has the nick is not logged in to the account of that name, which this network's " +
		"notices need")
	errNoAccount = errors.New("whoever has the nick is not logged in to an account of this network's services: " +
		"log in there, then the code comes")
)

// The values of require_account.
const (
	requireAuto = "auto" // where the network has services
	requireYes  = "true"
	requireNo   = "false"
)

// requires reports whether notices need an account.
func (n *network) requires() bool {
	switch n.config.RequireAccount {
	case requireYes:
		return true
	case requireNo:
		return false
	}
	return n.memory.of(n.config.Name).services != ""
}

// A holding is what a WHOIS says of a nick.
type holding struct {
	online  bool
	account string // that its user is logged in to, folded; "": none
	owner   bool   // the server says that the nick is its user's, whatever the account is called
}

// holdingOf reads the replies to a WHOIS. The account is that of RPL_WHOISACCOUNT (330: nick, account). Where there is
// none, RPL_WHOISREGNICK (307) says that the user is logged in to the nick itself.
func holdingOf(nick string, casing casemapping, replies []ircmsg.Message) (h holding) {
	for _, m := range replies {
		if len(m.Params) < 2 || !sameNick(m.Params[1], nick) {
			continue
		}
		switch m.Command {
		case "311":
			h.online = true
		case "307":
			h.owner = true
		case "330":
			if len(m.Params) > 2 && m.Params[2] != "0" && m.Params[2] != "*" {
				h.account = casing.fold(m.Params[2])
			}
		}
	}
	if h.account == "" && h.owner {
		h.account = casing.fold(nick)
	}
	h.owner = h.owner || h.account == casing.fold(nick)
	return h
}

// whois asks who has a nick.
func (n *network) whois(ctx context.Context, s *session, nick string) (holding, error) {
	if err := n.pace(ctx); err != nil {
		return holding{}, err
	}
	replies, err := s.exchange(ctx, nick, "WHOIS", nick)
	if err != nil {
		return holding{}, fmt.Errorf("look up who has the nick: %w", err)
	}
	return holdingOf(nick, n.casing(), replies), nil
}

func (n *network) casing() casemapping { return n.memory.of(n.config.Name).casing }

// addressee gives the nick that a parcel for nick goes to, which is nearly always the same. For a parcel with a secret
// it notes who gets it.
func (n *network) addressee(ctx context.Context, s *session, nick string, p backends.Parcel) (string, error) {
	requires := n.requires()
	if p.Held == nil && !requires {
		return nick, nil
	}
	bound := ""
	if p.Holder != nil && p.Held == nil {
		var err error
		if bound, err = p.Holder(ctx); err != nil {
			return "", fmt.Errorf("look up whose nick it is: %w", err)
		}
	}
	h, err := n.whois(ctx, s, nick)
	switch {
	case err != nil:
		return "", err
	case p.Held != nil:
		return nick, n.noteHolder(ctx, h, requires, p)
	case bound != "" && h.account == bound, bound == "" && h.owner:
		return nick, nil
	}
	if other := s.followed(n.casing(), bound); other != "" && !sameNick(other, nick) {
		seen, err := n.whois(ctx, s, other)
		if err == nil && seen.account == bound {
			s.sendsFor(n.casing(), nick, other)
		}
		if err != nil || seen.account == bound {
			return other, err
		}
	}
	switch {
	case !h.online:
		return "", &backends.Wait{For: awayFor, Hold: backends.HeldAway, Err: errOffline}
	case bound == "":
		return "", errNoOwner
	}
	return "", errStranger
}

// noteHolder notes who gets the secret of a parcel, before it is sent.
func (n *network) noteHolder(ctx context.Context, h holding, requires bool, p backends.Parcel) error {
	switch {
	case !h.online:
		return &backends.Wait{For: awayFor, Hold: backends.HeldAway, Err: errOffline}
	case requires && h.account == "":
		return errNoAccount
	}
	if err := p.Held(ctx, h.account); err != nil {
		return fmt.Errorf("note who gets it: %w", err)
	}
	return nil
}

// maxFollowed bounds the accounts that a session has seen.
const maxFollowed = 1000

// saw notes that an account spoke to us under a nick, as the server's account-tag says (IRCv3).
func (s *session) saw(account, nick string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seenAs) >= maxFollowed {
		clear(s.seenAs)
	}
	s.seenAs[account] = nick
}

// followed gives the nick under which an account spoke to us last; "": it has not.
func (s *session) followed(casing casemapping, account string) string {
	if account == "" {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seenAs[casing.fold(account)]
}
