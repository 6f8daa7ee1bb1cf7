package text

import (
	"strings"
	"unicode"
)

// Defang writes a text so that no program makes a link of any part of it, and a person still reads what it said. To
// defang is the security trade's word, and so is the form:
//
//	https://evil.example/login, bob@evil.example   ->   hxxps[://]evil[.]example/login, bob[at]evil[.]example
//
// Mail programs and IRC clients make links of much that is no URL: a scheme and a colon, www., a name and a top-level
// domain, an address, four numbers with dots, the name of a Windows share. So a dot before anything that could be a
// top-level domain is written in brackets, whatever the name is: setup.py becomes setup[.]py. A version, a release such
// as 1.fc19, a time of day and the end of a sentence stay as they are. Nothing becomes a link where the text is cut.
//
// The text is cleaned first, as Clean does, so that nobody who cleans it later joins what was apart here. What is
// defanged already is left alone.
func Defang(s string) string {
	s = Clean(s)
	if !strings.ContainsAny(s, `.:@/\`+otherDots) {
		return s
	}
	d := defanger{runes: []rune(s)}
	for i, r := range d.runes {
		if !unicode.Is(unicode.Cf, r) {
			d.seen = append(d.seen, i)
		}
	}
	var b strings.Builder
	from := 0
	for at, i := range d.seen {
		instead := d.instead(at)
		if instead == "" {
			continue
		}
		b.WriteString(string(d.runes[from:i]))
		b.WriteString(instead)
		from = i + 1
	}
	b.WriteString(string(d.runes[from:]))
	return b.String()
}

// otherDots are what IDNA (UTS 46) and compatibility mappings take for a dot between labels.
const otherDots = "。．｡․﹒"

// A defanger is a text of which the characters that nobody sees are passed over: whoever shows it may drop them.
type defanger struct {
	runes []rune
	seen  []int // places in runes
}

// at gives a visible character, 0 before the first and behind the last.
func (d *defanger) at(n int) rune {
	if n < 0 || n >= len(d.seen) {
		return 0
	}
	return d.runes[d.seen[n]]
}

// instead gives what to write instead of the visible character n; "" to leave it.
func (d *defanger) instead(n int) string {
	switch r := d.at(n); {
	case r == ':' && d.endsScheme(n):
		if d.reads(n+1, "//") {
			return "[:"
		}
		return "[:]"
	case r == '/' && d.at(n-1) == '/' && d.at(n-2) == ':' && d.endsScheme(n-2):
		return "/]"
	case r == '/' && d.at(n-1) == '/' && !isGap(d.at(n+1)) && !d.reads(n-3, "[://]"):
		return "[/]"
	case (r == 't' || r == 'T') && d.inHTTP(n):
		return string(r + 'x' - 't')
	case r == '@' && !isGap(d.at(n-1)) && !isGap(d.at(n+1)):
		return "[at]"
	case r == '\\' && d.at(n+1) == '\\':
		return `[\]`
	case r == '.' || strings.ContainsRune(otherDots, r) && r != 0:
		if d.isLabelDot(n) || r == '.' && d.isAddressDot(n) {
			return "[" + string(r) + "]"
		}
	}
	return ""
}

// endsScheme reports a colon that ends the scheme of a URL (RFC 3986, section 3.1), of any scheme: a desktop may have a
// program for it. The colons of 12:30, C:\ and "error: text" end none.
func (d *defanger) endsScheme(n int) bool {
	next := d.at(n + 1)
	if isGap(next) || next == '(' || next == '\\' && isGap(d.at(n-2)) || isDigit(d.at(n-1)) && isDigit(next) {
		return false
	}
	for at := n - 1; isScheme(d.at(at)); at-- {
		if isLetter(d.at(at)) {
			return true
		}
	}
	return false
}

// inHTTP reports the two letters t of a scheme http or https.
func (d *defanger) inHTTP(n int) bool {
	for start := n - 2; start <= n-1; start++ {
		end := start + 4
		if l := d.at(end); l == 's' || l == 'S' {
			end++
		}
		if d.at(end) == ':' && d.endsScheme(end) && d.reads(start, "http") {
			return true
		}
	}
	return false
}

func (d *defanger) reads(start int, word string) bool {
	for i, r := range word {
		if unicode.ToLower(d.at(start+i)) != r {
			return false
		}
	}
	return true
}

// begins reports the first character of a word or of a name in a path.
func (d *defanger) begins(n int) bool {
	return !d.hides(n-1) && (isGap(d.at(n-1)) || strings.ContainsRune(`/\([{<"'`, d.at(n-1)))
}

// isLabelDot reports a dot before what may be a top-level domain: two letters or more of any script, or the ASCII form
// of such a label. Behind www and ftp it may be before anything. Digits behind the letters do not save a name, since
// whoever shows the text may cut it there; but 1.fc19, 1.el9 and 5.rc2 stay, because no domain is called so.
func (d *defanger) isLabelDot(n int) bool {
	if d.begins(n) || d.at(n-1) == '.' && !d.hides(n-1) {
		return false
	}
	if d.reads(n+1, "xn--") || d.reads(n-3, "www") || d.reads(n-3, "ftp") {
		return !isGap(d.at(n + 1))
	}
	letters := 0
	for r := d.at(n + 1); unicode.IsLetter(r) || unicode.Is(unicode.M, r); r = d.at(n + 1 + letters) {
		letters++
		// a program that knows ASCII only, or that sees what nobody does, ends the label here
		if next := d.at(n + 1 + letters); letters > 1 && (d.hides(n+letters) || r < 0x80 && next >= 0x80) {
			return true
		}
	}
	return letters > 1 && !(letters == 2 && isDigit(d.at(n+3)) && (d.reads(n+1, "fc") || d.reads(n+1, "el") ||
		d.reads(n+1, "rc")))
}

// hides reports whether something that nobody sees stands behind the visible character n, or before the first.
func (d *defanger) hides(n int) bool {
	if n < 0 {
		return len(d.seen) > 0 && d.seen[0] > 0
	}
	return n+1 < len(d.seen) && d.seen[n+1] != d.seen[n]+1 || n+1 == len(d.seen) && d.seen[n]+1 < len(d.runes)
}

// isAddressDot reports a dot in four numbers that may be an IPv4 address.
func (d *defanger) isAddressDot(n int) bool {
	return d.numbers(n, -1)+d.numbers(n, 1) > 3
}

// numbers counts the numbers with single dots between them that stand beside the dot n in a direction, up to three.
func (d *defanger) numbers(n, step int) int {
	count := 0
	for at := n; count < 3 && d.at(at) == '.'; count++ {
		digits := 0
		for at += step; isDigit(d.at(at)) && digits < 10; at += step {
			digits++
			if d.hides(at + min(step, 0)) {
				break
			}
		}
		if digits == 0 {
			break
		}
	}
	return count
}

func isGap(r rune) bool    { return r == 0 || unicode.IsSpace(r) }
func isDigit(r rune) bool  { return r >= '0' && r <= '9' }
func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
func isScheme(r rune) bool { return isLetter(r) || isDigit(r) || r == '+' || r == '-' || r == '.' }
