package scan

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec"
)

// Prefilter judges a message that Names lets pass by its sentence, link and payload (JSON, as it came), at a tenth of
// the work of decoding it: literals of the expressions are searched in the bytes, in upper case. sure: Match would
// say the same.
func (s *Scan) Prefilter(summary, link string, payload []byte) (matches, sure bool) {
	s.folded = s.folded[:0]
	matches, sure = true, true
	for i := range s.texts {
		r := &s.texts[i]
		holds, known := s.judge(r.predicate.Search, summary, link, payload)
		switch {
		case !known:
			sure = false
		case holds == r.not:
			return false, true
		}
	}
	return matches && sure, sure
}

// judge says whether a search in texts finds what it looks for, as far as that is known without decoding the payload.
func (s *Scan) judge(search *rulespec.Search, summary, link string, payload []byte) (holds, known bool) {
	if search == nil {
		return false, false
	}
	known = true
	for _, field := range search.Fields {
		switch text := summary; field {
		case "link":
			text = link
			fallthrough
		case "summary":
			if fits, err := search.Matches(text); err != nil || fits {
				return fits, err == nil
			}
		case "body":
			known = known && !s.mayHave(search, payload)
		default:
			return false, false
		}
	}
	return false, known
}

// mayHave says whether a body may have a literal of each set.
func (s *Scan) mayHave(search *rulespec.Search, payload []byte) bool {
	if len(search.Literals) == 0 {
		return true
	}
	if len(s.folded) == 0 {
		s.folded = upper(s.folded, payload)
	}
	return hasParts(s.folded, search.Literals) || rewritten(payload)
}

// hasParts says whether JSON in upper case has, of each set, the part of one literal at least that must stand in it.
func hasParts(text []byte, sets [][]string) bool {
	for _, set := range sets {
		if !slices.ContainsFunc(set, func(literal string) bool { return bytes.Contains(text, []byte(inJSON(literal))) }) {
			return false
		}
	}
	return true
}

// inJSON gives the longest part of a literal that stands in JSON as it does in the text of a body, whatever blanks and
// escapes the sender wrote: printable ASCII that has no meaning in JSON.
func inJSON(literal string) string {
	best := ""
	changes := func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(`"\/,:{}[]`, r) }
	for _, part := range strings.FieldsFunc(literal, changes) {
		if len(part) > len(best) {
			best = part
		}
	}
	return best
}

// upper appends text with its ASCII letters in upper case, eight bytes at a time: H. Warren, "Hacker's Delight"
// (2012), 6-1, shows how to find the bytes of a range without a branch.
func upper(dst, text []byte) []byte {
	const ones = 0x0101010101010101
	from := len(dst)
	dst = append(dst, text...)
	out := dst[from:]
	for ; len(out) >= 8; out = out[8:] {
		w := binary.LittleEndian.Uint64(out)
		low := w & (0x7f * ones)
		letters := (low + (0x80-'a')*ones) &^ (low + (0x7f-'z')*ones) &^ w & (0x80 * ones)
		binary.LittleEndian.PutUint64(out, w^letters>>2)
	}
	for i, c := range out {
		if 'a' <= c && c <= 'z' {
			out[i] = c - ('a' - 'A')
		}
	}
	return dst
}

// rewritten says whether the text of a body may have ASCII that its JSON has in another form: as an escape, as a
// character that folds to it (U+212A to K, U+017F to S), or as a number that JSON does not know.
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
