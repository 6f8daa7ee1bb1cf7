package irc

import (
	"errors"
	"fmt"
	"strings"

	"github.com/notifyd/notifyd/backends"
)

// Info is what pages and commands need to know of IRC.
var Info = backends.Info{
	Name:         "irc",
	Title:        "IRC",
	Doc:          "A private message on IRC. When you are not online, it waits and comes later.",
	AddressTitle: "Nick, as nick@network",
	CheckAddress: checkAddress,
	StopWord:     stopWord,
	Options:      options,
}

// maxNick is the longest nick of any address, in bytes. RFC 2812 says 9; networks allow up to 32 and announce it as
// NICKLEN.
const maxNick = 40

// checkAddress gives nick@network, or nick alone where the network was not said, where no network is known: both in
// lower case. A Backend does more: see Backend.checkAddress.
func checkAddress(address string) (string, error) {
	nick, network, err := parseAddress(address)
	if err != nil {
		return "", err
	}
	if network == "" {
		return nick, nil
	}
	return nick + "@" + network, nil
}

// Info is Info for the networks of the configuration.
func (b *Backend) Info() backends.Info {
	info := Info
	info.CheckAddress, info.Caution = b.checkAddress, b.caution
	if len(b.networks) == 1 {
		info.AddressTitle = "Nick on " + b.networks[0].config.Name
	}
	return info
}

// checkAddress gives the one form of an address, nick@network: one person at one nick is one address. The network goes
// by its name here, and may be left out where there is one. The nick is folded as the network does it.
func (b *Backend) checkAddress(address string) (string, error) {
	nick, name, err := parseAddress(address)
	if err != nil {
		return "", err
	}
	n := b.find(name)
	switch {
	case n == nil && name == "":
		return "", fmt.Errorf("the network is missing: write nick@network, with one of %s", b.names())
	case n == nil:
		return "", fmt.Errorf("there is no network %q here; there is %s", name, b.names())
	}
	return n.casing().fold(nick) + "@" + n.config.Name, nil
}

func (b *Backend) names() string {
	var names []string
	for _, n := range b.networks {
		names = append(names, n.config.Name)
	}
	return strings.Join(names, ", ")
}

// Spelling is the casemappings of the networks: with another one, other nicks are the same.
func (b *Backend) Spelling() string {
	var all []string
	for _, n := range b.networks {
		all = append(all, n.config.Name+"="+string(n.casing()))
	}
	return strings.Join(all, " ")
}

// caution warns of a network where nobody can own a nick.
func (b *Backend) caution(address string) string {
	_, name, err := parseAddress(address)
	if err != nil {
		return ""
	}
	n := b.find(name)
	switch {
	case n == nil:
		return "This network is not configured here any more, so nothing can be sent."
	case n.requires():
		return ""
	case n.config.RequireAccount == requireNo:
		return "Whoever takes this nick while you are away reads your notices: nothing here asks for an account."
	}
	return "Whoever takes this nick while you are away reads your notices: the network has no accounts to know you by."
}

// parseAddress understands nick, nick@network, irc://network/nick and ircs://network/nick (with or without ",isnick").
func parseAddress(address string) (nick, network string, err error) {
	address = strings.TrimSpace(address)
	if len(address) > 200 {
		return "", "", errors.New("the address is too long")
	}
	hasNetwork := false
	if scheme, rest, ok := strings.Cut(address, "://"); ok {
		if scheme = strings.ToLower(scheme); scheme != "irc" && scheme != "ircs" {
			return "", "", errors.New("an IRC address is written nick@network or irc://network/nick")
		}
		network, nick, hasNetwork = strings.Cut(rest, "/")
		if !hasNetwork {
			return "", "", errors.New("the address names no nick: write irc://network/nick")
		}
		nick = strings.TrimSuffix(nick, ",isnick")
	} else {
		nick, network, hasNetwork = strings.Cut(address, "@")
	}
	nick, network = lowerASCII(nick), lowerASCII(network)
	if hasNetwork && !isNetworkName(network) {
		return "", "", errors.New("the name of the network has only letters, digits, dots and hyphens")
	}
	return nick, network, checkNick(nick)
}

// checkNick holds a nick against the grammar of RFC 2812 section 2.3.1, with a longer bound. The error is for who typed
// it.
func checkNick(nick string) error {
	switch {
	case nick == "":
		return errors.New("the nick is missing")
	case strings.ContainsRune("#&+!", rune(nick[0])):
		return errors.New("this is a channel; notices go only to a person's nick")
	case len(nick) > maxNick:
		return fmt.Errorf("the nick is longer than %d characters", maxNick)
	}
	for i := range len(nick) {
		if c := nick[i]; !isNickStart(c) && (i == 0 || !isDigit(c) && c != '-') {
			return fmt.Errorf("a nick has letters, digits and []\\`_^{|}- and begins with no digit; "+
				"%q has another character", nick)
		}
	}
	return nil
}

func isNickStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte("[]\\`_^{|}", c) >= 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isNetworkName(name string) bool {
	if name == "" || len(name) > 63 {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !('a' <= c && c <= 'z' || isDigit(c) || i > 0 && (c == '.' || c == '-')) {
			return false
		}
	}
	return true
}

// lowerASCII leaves every byte alone that is no ASCII letter: the strings are checked only afterwards.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// sameNick compares two nicks as servers do under rfc1459 casemapping, where {|}^ are the lower case of []\~. Under
// "ascii" casemapping it may call two different nicks the same, which only makes this package more careful.
func sameNick(a, b string) bool {
	return rfc1459.fold(a) == rfc1459.fold(b)
}
