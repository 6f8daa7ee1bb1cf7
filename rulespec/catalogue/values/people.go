package values

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
	"net/url"
	"strings"
)

// Avatar gives the URL of a person's picture at libravatar: by the SHA-256 of the account's OpenID, or by the MD5 of
// the mail address, as Libravatar's API description lays down and Fedora's applications use it. Nothing is fetched.
func Avatar(person string) string {
	const end = "?s=64&d=retro"
	const base = "https://seccdn.libravatar.org/avatar/"
	switch {
	case person == "":
		return ""
	case strings.Contains(person, "@"):
		sum := md5.Sum([]byte(strings.ToLower(strings.TrimSpace(person))))
		return base + hex.EncodeToString(sum[:]) + end
	}
	sum := sha256.Sum256([]byte("http://" + person + ".id.fedoraproject.org/"))
	return base + hex.EncodeToString(sum[:]) + end
}

// maxAddress bounds what is read as an address with a name, in bytes: to read some longer ones takes the square of
// their length.
const maxAddress = 1024

func parseAddress(from string) *mail.Address {
	if len(from) > maxAddress || !strings.Contains(from, "@") {
		return nil
	}
	a, err := mail.ParseAddress(from)
	if err != nil {
		return nil
	}
	return a
}

// Address gives the address in "Alice <alice@example.org>"; a text without an address gives "".
func Address(from string) string {
	if a := parseAddress(from); a != nil {
		return a.Address
	}
	inner, _, _ := strings.Cut(from[strings.LastIndexByte(from, '<')+1:], ">")
	if strings.Contains(inner, "@") {
		return strings.TrimSpace(inner)
	}
	return ""
}

// Person gives the name in "Alice <alice@example.org>", or the address where it has no name.
func Person(from string) string {
	if a := parseAddress(from); a != nil {
		if a.Name != "" {
			return a.Name
		}
		return a.Address
	}
	name, _, _ := strings.Cut(from, "<")
	if name = strings.TrimSpace(name); name != "" {
		return strings.Trim(name, `"`)
	}
	return from
}

// LocalPart gives what stands before the @ of the address in a text.
func LocalPart(address string) string {
	if found := Address(address); found != "" {
		address = found
	}
	local, _, _ := strings.Cut(address, "@")
	return local
}

// Account turns the ways in which messages name a person (nick, mail address, OpenID) into the account that the person
// knows. accounts has addresses and URLs in small letters.
func Account(accounts map[string]string, name string) string {
	name = strings.TrimSpace(name)
	if found, ok := accountOf(accounts, name); ok {
		return found
	}
	if address := Address(name); address != "" {
		if found, ok := accountOf(accounts, address); ok {
			return found
		}
		if local, ok := strings.CutSuffix(address, "@fedoraproject.org"); ok {
			return local
		}
		return name
	}
	nick := openID(name)
	if found, ok := accountOf(accounts, nick); ok {
		return found
	}
	return nick
}

// accountOf looks name up as it is and, where it is an address or URL, in small letters and without a slash at the end.
func accountOf(accounts map[string]string, name string) (string, bool) {
	if len(accounts) == 0 || name == "" {
		return "", false
	}
	found, ok := accounts[name]
	if !ok && strings.ContainsAny(name, "@:") {
		found, ok = accounts[strings.TrimSuffix(strings.ToLower(name), "/")]
	}
	return found, ok
}

// openID gives the account in an OpenID of the forms http://alice.id.fedoraproject.org/ and …/id/alice, or name as it
// is.
func openID(name string) string {
	rest, isURL := strings.CutPrefix(name, "https://")
	if !isURL {
		rest, isURL = strings.CutPrefix(name, "http://")
	}
	host, path, _ := strings.Cut(rest, "/")
	if nick, _, ok := strings.Cut(host, ".id."); ok && nick != "" {
		return nick
	}
	if !isURL {
		return name
	}
	if i := strings.LastIndex(path, "id/"); i >= 0 {
		if nick, err := url.PathUnescape(strings.Trim(path[i+3:], "/")); err == nil && nick != "" {
			return nick
		}
	}
	return name
}
