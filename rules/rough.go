package rules

import (
	"bytes"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec"
)

// Rough says whether a message with this sentence, link and payload (JSON, as it came) may have what the expressions of
// the filter need: literals in upper case that are searched in the bytes, a hundredth of the work of decoding them. It
// may say yes of what does not match, never no of what does.
func (s *Sieve) Rough(summary, link string, payload []byte) bool {
	s.folded = s.folded[:0]
	for i := range s.texts {
		r := &s.texts[i]
		if search := r.predicate.Search; search != nil && !r.not && len(search.Literals) > 0 && !s.mayFit(search, summary, link, payload) {
			return false
		}
	}
	return true
}

// mayFit says whether one of the texts that a search looks at may have a literal of each set.
func (s *Sieve) mayFit(search *rulespec.Search, summary, link string, payload []byte) bool {
	for _, field := range search.Fields {
		may := true
		switch field {
		case "summary":
			may = hasParts(rulespec.Fold(nil, summary), search.Literals, whole)
		case "link":
			may = hasParts(rulespec.Fold(nil, link), search.Literals, whole)
		case "body":
			if len(s.folded) == 0 {
				s.folded = upper(s.folded, payload)
			}
			may = hasParts(s.folded, search.Literals, inJSON) || rewritten(payload)
		}
		if may {
			return true
		}
	}
	return false
}

// hasParts says whether text has, of each set, one literal at least: the part of it that must stand in such a text.
func hasParts(text []byte, sets [][]string, part func(string) string) bool {
	for _, set := range sets {
		if !slices.ContainsFunc(set, func(literal string) bool { return bytes.Contains(text, []byte(part(literal))) }) {
			return false
		}
	}
	return true
}

func whole(literal string) string { return literal }

// inJSON gives the longest part of a literal that stands in JSON as it does in the text of a body, whatever blanks and
// escapes the sender wrote: printable ASCII that has no meaning in JSON.
func inJSON(literal string) string {
	best := ""
	for _, part := range strings.FieldsFunc(literal, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(`"\/,:{}[]`, r) }) {
		if len(part) > len(best) {
			best = part
		}
	}
	return best
}

// upper appends text with its ASCII letters in upper case.
func upper(dst, text []byte) []byte {
	dst = append(dst, text...)
	for i, c := range dst {
		if 'a' <= c && c <= 'z' {
			dst[i] = c - ('a' - 'A')
		}
	}
	return dst
}

// rewritten says whether the text of a body may have ASCII that its JSON has in another form: as an escape, as a character
// that folds to it (U+212A to K, U+017F to S), or as a number that JSON does not know.
func rewritten(payload []byte) bool {
	for _, form := range []string{"\u212a", "\u017f", "NaN", "Infinity"} {
		if bytes.Contains(payload, []byte(form)) {
			return true
		}
	}
	for rest := payload; ; {
		at := bytes.IndexByte(rest, '\\')
		if at < 0 || at+1 >= len(rest) {
			return false
		}
		escape := rest[at+1:]
		switch escape[0] {
		case 'b', 'f':
			return true
		case 'u':
			if len(escape) < 5 {
				return true
			}
			if code := strings.ToLower(string(escape[1:5])); code < "0080" || code == "212a" || code == "017f" {
				return true
			}
		}
		rest = escape[1:]
	}
}
