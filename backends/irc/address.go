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
}

// maxNick is the longest nick of any address, in bytes. RFC 2812 says 9; networks allow up to 32 and announce it as
// NICKLEN.
const maxNick = 40

// checkAddress gives the canonical form nick@network, or nick alone where the network was not said; both in lower case,
// because nicks are compared without case and one person at one nick must be one address.
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
	fold := strings.NewReplacer("[", "{", "]", "}", "\\", "|", "~", "^")
	return fold.Replace(lowerASCII(a)) == fold.Replace(lowerASCII(b))
}
