package language

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A hole is where a sentence has nothing to say: an action that prints nothing.
type hole struct {
	at     int    // in the sentence
	source string // the action
}

// A span is a piece of a sentence that came from the message.
type span struct{ from, to int }

// A word of a sentence is what stands between two spaces of its template. A text of the message is never divided.
type word struct {
	text    string
	literal []bool // which bytes are the template's
	value   bool   // some are the message's
	holes   []int  // where in text nothing stands
	source  string // the action of the first hole
}

// words divides the sentence that was rendered last.
func (sc *Scope) words() []word {
	var out []word
	var w word
	open := false
	end := func() {
		if open {
			out = append(out, w)
		}
		w, open = word{}, false
	}
	spans, holes := sc.spans, sc.holes
	for i := 0; ; {
		for len(holes) > 0 && holes[0].at <= i {
			if len(w.holes) == 0 {
				w.source = holes[0].source
			}
			w.holes, open, holes = append(w.holes, len(w.text)), true, holes[1:]
		}
		for len(spans) > 0 && spans[0].to <= i {
			spans = spans[1:]
		}
		switch {
		case i >= len(sc.out):
			end()
			return out
		case len(spans) > 0 && spans[0].from <= i:
			to := min(spans[0].to, len(sc.out))
			w.text += string(sc.out[i:to])
			w.literal = append(w.literal, make([]bool, to-i)...)
			w.value, open = true, true
			i = to
		case strings.IndexByte(" \n\t\r", sc.out[i]) >= 0:
			end()
			i++
		default:
			w.text += string(sc.out[i : i+1]) // a byte, which may be a part of a letter
			w.literal = append(w.literal, true)
			open = true
			i++
		}
	}
}

// closed gives a word of which a part is there: without the separators and brackets at its holes.
func (w word) closed() string {
	keep := slices.Repeat([]bool{true}, len(w.text))
	for _, at := range w.holes {
		left, right := at, at
		for left > 0 && w.literal[left-1] && strings.IndexByte(separators, w.text[left-1]) >= 0 {
			left--
		}
		if left == 0 { // a number keeps its sign: #12
			for right < len(w.text) && w.literal[right] && strings.IndexByte("/-:@._=~+,", w.text[right]) >= 0 {
				right++
			}
		}
		for left > 0 && right < len(w.text) && w.literal[left-1] && w.literal[right] &&
			isPair(w.text[left-1], w.text[right]) {
			left, right = left-1, right+1
		}
		for i := left; i < right; i++ {
			keep[i] = false
		}
	}
	var b strings.Builder
	for i := range keep {
		if keep[i] {
			b.WriteByte(w.text[i])
		}
	}
	return b.String()
}

// hasLetters reports whether a text has at least that many letters or digits.
func hasLetters(s string, least int) bool {
	n := 0
	for _, r := range s {
		if isWord(r) {
			if n++; n >= least {
				return true
			}
		}
	}
	return least <= 0
}

func first(s string) byte {
	if s == "" {
		return 0
	}
	return s[0]
}

func isWord(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
