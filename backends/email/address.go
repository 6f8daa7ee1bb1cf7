package email

import (
	"errors"
	"net/mail"
	"strings"
	"unicode/utf8"
)

// The limits of RFC 5321, section 4.5.3.1; an address with its angle brackets is a path of 256 octets.
const (
	maxLocal   = 64
	maxDomain  = 253
	maxAddress = 254
)

// CheckAddress gives the canonical form of a mail address: as typed before the @, the domain in lower case and ASCII
// (RFC 5890 A-labels). It is stricter than RFC 5322: no quoted local part, no comment, no domain literal, no name. The
// local part is ASCII, because a message to any other needs every server on its way to know SMTPUTF8 (RFC 6531).
func CheckAddress(address string) (string, error) {
	address = strings.Trim(address, " ") // pasted; a line end is not forgiven
	local, domain, found := cutLast(address, '@')
	switch {
	case address == "":
		return "", errors.New("there is no address")
	case len(address) > maxAddress || !utf8.ValidString(address):
		return "", errors.New("the address is longer than 254 characters or has invalid ones")
	case strings.ContainsAny(address, "<> ,;"):
		return "", errors.New("give one address alone, without a name: alice@example.org")
	case !found || local == "" || domain == "":
		return "", errors.New("an address has the form alice@example.org")
	}
	if err := checkLocal(local); err != nil {
		return "", err
	}
	domain, err := asciiDomain(domain)
	if err != nil {
		return "", err
	}
	canonical := local + "@" + domain
	parsed, err := mail.ParseAddress(canonical)
	if err != nil || parsed.Address != canonical || parsed.Name != "" || len(canonical) > maxAddress {
		return "", errors.New("this is not a valid mail address")
	}
	return canonical, nil
}

// checkLocal accepts a dot-atom of RFC 5322, section 3.2.3.
func checkLocal(local string) error {
	if len(local) > maxLocal {
		return errors.New("the part before the @ is longer than 64 characters")
	}
	if strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return errors.New("the part before the @ has a dot at its begin or end, or two in a row")
	}
	for _, r := range local {
		if r > utf8.RuneSelf-1 {
			return errors.New("the part before the @ may only have unaccented letters, digits and signs like . - _ +")
		}
		if !isAtext(byte(r)) && r != '.' {
			return errors.New("the part before the @ has a character that is not allowed there")
		}
	}
	return nil
}

func isAtext(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
