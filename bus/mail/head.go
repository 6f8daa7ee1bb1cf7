package mail

import (
	"bytes"
)

// cutHead cuts a mail into its headers, mended, and its body. Lines may end in LF or CRLF.
func cutHead(raw []byte) (head, body []byte) {
	var b bytes.Buffer
	begun, skipping := false, false
	for len(raw) > 0 && b.Len() < maxHead {
		line, rest, _ := bytes.Cut(raw, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		raw = rest
		switch {
		case len(line) == 0 && begun:
			return finish(&b), raw
		case len(line) == 0:
			continue // empty lines before the first header
		case line[0] == ' ' || line[0] == '\t':
			skipping = skipping || !begun
		default:
			skipping = !isHeader(line)
		}
		begun = true
		if !skipping {
			b.Write(bytes.ReplaceAll(line, []byte{0}, nil))
			b.WriteString("\r\n")
		}
	}
	if b.Len() >= maxHead { // what follows is the body only behind an empty line
		_, raw, _ = bytes.Cut(raw, []byte("\n\n"))
	}
	return finish(&b), raw
}

func finish(b *bytes.Buffer) []byte {
	b.WriteString("\r\n")
	return b.Bytes()
}

// isHeader reports whether a line begins a header. That of a mailbox ("From somebody Mon Jan ...") does not, though an
// MTA writes it before a mail; nor does what a broken program has written.
func isHeader(line []byte) bool {
	name, _, found := bytes.Cut(line, []byte(":"))
	name = bytes.TrimRight(name, " \t")
	return found && len(name) > 0 && bytes.IndexFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}
