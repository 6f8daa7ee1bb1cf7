package values

import (
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/notifyd/notifyd/internal/text"
)

// The bounds on what an event carries.
const (
	MaxLink = 2048 // bytes
	MaxName = 256  // bytes of one user, package or object
	MaxSet  = 2000 // members of one set
)

// Line makes s fit to stand in one line: whatever a terminal, a mail header or an IRC server could take for more than
// text becomes a space or goes, spaces are folded, and what is longer than max runes is cut with an ellipsis. It is
// stricter than text.OneLine, because names are among what it cleans: no two may look alike. Of the zero-width
// characters only joiners that carry meaning stay.
func Line(s string, max int) string {
	if len(s) <= max && text.IsPlainLine(s) {
		return s
	}
	s = text.CutBytes(s, MaxText) // nobody reads what follows so many bytes that cannot be seen
	var b strings.Builder
	runes, space := 0, false
	for i, r := range s {
		switch {
		case r == utf8.RuneError, isInvisible(r) && !text.JoinerStays(s, i):
			continue
		case unicode.IsSpace(r), unicode.IsControl(r), r == '\u2028', r == '\u2029':
			space = runes > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			runes++
			space = false
		}
		b.WriteRune(r)
		if runes++; runes > max {
			break
		}
	}
	return text.ElideRunes(b.String(), max)
}

// joiners takes the zero-width joiners out, which no name needs.
var joiners = strings.NewReplacer("\u200c", "", "\u200d", "")

// isInvisible reports a rune that changes how its neighbours are shown: marks that turn the direction of writing
// (Unicode Standard Annex 9), zero-width ones that let two names look alike, byte order marks, tags and variation
// selectors.
func isInvisible(r rune) bool {
	switch {
	case r == '\u061c', r >= '\u200b' && r <= '\u200f', r >= '\u202a' && r <= '\u202e',
		r >= '\u2060' && r <= '\u206f', r == '\ufeff', r >= '\ufff9' && r <= '\ufffb', r >= 0xe0000 && r <= 0xe007f:
		return true
	}
	return false
}

// notInLinks are the characters that would end a link in a mail or on IRC.
const notInLinks = " \"<>`\\{}|^"

// Link gives link where it is an absolute http or https URL that can stand in a text, and "" otherwise. Characters
// that would end the link in a mail or on IRC (spaces, quotes, brackets) are escaped.
func Link(link string) string {
	link = strings.TrimSpace(link)
	if len(link) > MaxLink {
		return ""
	}
	u, err := url.Parse(link)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return ""
	}
	if text.IsPlainLine(link) && !strings.ContainsAny(link, notInLinks) {
		return link
	}
	var b strings.Builder
	for _, r := range link {
		switch {
		case r == utf8.RuneError || isInvisible(r) || unicode.IsControl(r):
			return ""
		case unicode.IsSpace(r) || strings.ContainsRune(notInLinks, r):
			b.WriteString(url.PathEscape(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return text.CutBytes(b.String(), MaxLink)
}

// maxSetBytes bounds the names that are looked at for a set, in bytes. A set of MaxSet names is much smaller.
const maxSetBytes = 256 << 10

// Set makes a set of names: strings of one line, not empty, sorted, unique, bounded in number and length. A name that
// is too long is left out, for half of it would be another name.
func Set(names []string) []string {
	kept, left := names[:0], maxSetBytes
	for _, name := range names {
		if len(name) > MaxName {
			continue
		}
		if left -= len(name) + 16; left < 0 {
			break
		}
		if name = Name(name); name != "" {
			kept = append(kept, name)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	slices.Sort(kept)
	kept = slices.Compact(kept)
	return kept[:min(len(kept), MaxSet)]
}

// First gives the first name that a set would keep, before the set is sorted.
func First(names []string) string {
	for _, name := range names {
		if len(name) <= MaxName {
			if name = Name(name); name != "" {
				return name
			}
		}
	}
	return ""
}

// Name makes a name fit to stand in one line.
func Name(name string) string {
	for i := 0; i < len(name); i++ { // nearly all names are plain ASCII words
		if c := name[i]; c <= ' ' || c >= 0x7f {
			return Line(joiners.Replace(name), MaxName)
		}
	}
	return name
}

// PackageOf gives the name in name-version-release, with or without a path before it: all before the second dash from
// the right.
func PackageOf(nvr string) string {
	if nvr = strings.TrimRight(nvr, "/"); nvr == "" {
		return ""
	}
	nvr = path.Base(nvr)
	name := nvr
	for range 2 {
		if i := strings.LastIndexByte(name, '-'); i >= 0 {
			name = name[:i]
		}
	}
	if name == "" {
		return nvr
	}
	return name
}

// IsIdentifier says whether s can name a variable: a letter or _, then letters, digits and _.
func IsIdentifier(s string) bool {
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
