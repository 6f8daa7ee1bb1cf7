package irc

import "strings"

// A casemapping says which nicks of a network are one: the value of CASEMAPPING in the server's 005 (RPL_ISUPPORT).
type casemapping string

// The casemappings. A network that never said one tells apart all that any network does.
const (
	unsaid  casemapping = ""
	ascii   casemapping = "ascii"          // A-Z are a-z
	rfc1459 casemapping = "rfc1459"        // and []\~ are {}|^
	strict  casemapping = "strict-rfc1459" // and []\ are {}|
)

var (
	foldRFC1459 = strings.NewReplacer("[", "{", "]", "}", `\`, "|", "~", "^")
	foldStrict  = strings.NewReplacer("[", "{", "]", "}", `\`, "|")
)

// casemappingOf reads the token's value. What it does not know, as rfc7613, folds ASCII letters at least, and the nicks
// that are taken here have no others.
func casemappingOf(value string) casemapping {
	switch strings.ToLower(value) {
	case "":
		return unsaid
	case "rfc1459":
		return rfc1459
	case "strict-rfc1459", "rfc1459-strict":
		return strict
	}
	return ascii
}

// fold gives the one form of a nick, or of the name of an account, that all its spellings have.
func (c casemapping) fold(nick string) string {
	nick = lowerASCII(nick)
	switch c {
	case rfc1459:
		return foldRFC1459.Replace(nick)
	case strict:
		return foldStrict.Replace(nick)
	}
	return nick
}
