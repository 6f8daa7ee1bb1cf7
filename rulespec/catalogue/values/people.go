package values

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
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

// LocalPart gives what stands before the @ of the address in a text.
func LocalPart(address string) string {
	if found := Address(address); found != "" {
		address = found
	}
	local, _, _ := strings.Cut(address, "@")
	return local
}
