package text

import (
	"strings"
	"unicode/utf8"
)

// Mask hides the most of an address, so that whoever knows it recognises it and nobody else learns it: "a…@example.org"
// of a mail address or of a nick with its network, "a…" of anything else.
func Mask(address string) string {
	name, domain, found := strings.Cut(address, "@")
	_, size := utf8.DecodeRuneInString(name)
	masked := name[:size] + Ellipsis
	if found {
		masked += "@" + domain[strings.LastIndex(domain, "@")+1:]
	}
	return masked
}
