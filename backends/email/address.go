package email

import (
	"errors"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// The limits of RFC 5321, section 4.5.3.1; an address with its angle brackets is a path of 256 octets.
const (
	maxLocal   = 64
	maxAddress = 254
)

// CheckAddress returns the canonical form of a mail address: as typed before the @, the domain in lower case and ASCII
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
	domain, err := mailDomain(domain)
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
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

// domains maps what a person types to a domain name that DNS knows, by UTS 46: lower case, normal form, full stops of
// other scripts, A-labels. It is x/net's Lookup, which is made for what people type (Registration maps nothing and
// refuses "Example.org"), with three settings of ours:
//   - names and labels keep the lengths of RFC 1035, because an address is stored before it is looked up;
//   - hyphens in the third and fourth place pass: such names exist ("r3---sn-x"), and RFC 5321 allows them;
//   - sharp s and final sigma stay letters of their own (nontransitional), as registries have them.
//
// The bidi rule (RFC 5893) and the contexts of joiners (RFC 5892) are checked, and every A-label must decode.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false),
	idna.VerifyDNSLength(true), idna.CheckHyphens(false))

var errDomain = errors.New("the part after the @ is not a domain name")

// mailDomain returns the ASCII form of the domain of a mail address. Names of one label are mistyped more often than
// meant, so only localhost is taken.
func mailDomain(domain string) (string, error) {
	ascii, err := hostName(domain)
	if err != nil {
		return "", err
	}
	if !strings.Contains(ascii, ".") && ascii != "localhost" {
		return "", errors.New("the part after the @ has no dot: example.org")
	}
	if _, top, _ := cutLast("."+ascii, '.'); strings.Trim(top, "0123456789") == "" {
		return "", errors.New("the part after the @ is a number, not a domain name")
	}
	return ascii, nil
}

// hostName returns a host name in lower case and ASCII: letters, digits and hyphens (RFC 1123, section 2.1), no dot at
// the end.
func hostName(name string) (string, error) {
	name = fullStops.Replace(name)
	ascii, err := domains.ToASCII(name)
	if err != nil || strings.ContainsFunc(name, isSymbol) || !isDivided(name) || !isDivided(ascii) {
		return "", errDomain
	}
	return ascii, nil
}

// fullStops are those of other scripts that divide labels (UTS 46, section 2.3).
var fullStops = strings.NewReplacer("。", ".", "．", ".", "｡", ".")

// isDivided reports a name without empty labels and without labels that begin or end with a hyphen.
func isDivided(name string) bool {
	name = "." + name + "."
	return !strings.Contains(name, "..") && !strings.Contains(name, ".-") && !strings.Contains(name, "-.")
}

// isSymbol reports what IDNA2008 does not allow in a name although UTS 46 does: what is neither letter, mark nor digit.
// Joiners are left to the rules of their contexts.
func isSymbol(r rune) bool {
	return r >= utf8.RuneSelf && !unicode.In(r, unicode.L, unicode.M, unicode.Nd) && r != '\u200c' && r != '\u200d'
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
