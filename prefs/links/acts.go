package links

import (
	"net/url"
	"strings"
)

// acting are the pages of this site that act for whoever holds the address.
var acting = []string{"/signin", "/undo", "/stop", "/mute/", "/fresh", "/welcome"}

// Acts reports whether a text names a page of this site that acts for whoever holds its address: a link to sign in, to
// undo, to stop. No message of the bus has reason to. A stranger's link would sign the reader in to the stranger's
// account, and stand in a mail that comes from here. What is percent-encoded or written in capitals counts too.
func (s *Signer) Acts(text string) bool {
	if s == nil || s.base == "" {
		return false
	}
	_, host, _ := strings.Cut(strings.ToLower(s.base), "://")
	host, _, _ = strings.Cut(host, "/")
	text = strings.ToLower(text)
	for range 3 { // encoded twice, and once more
		if strings.Contains(text, host) && containsAny(text, acting) {
			return true
		}
		plain, err := url.PathUnescape(text)
		if err != nil || plain == text {
			return false
		}
		text = strings.ToLower(plain)
	}
	return false
}

func containsAny(text string, list []string) bool {
	for _, part := range list {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
