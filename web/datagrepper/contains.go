package datagrepper

import (
	"bytes"
	"context"
)

// words are the values of contains. datagrepper puts each between two % and hands it to LIKE: % stands for any text, _
// for one character, and a backslash takes the next character as it is.
type words []word

// A word is pieces that must follow each other, with anything between them.
type word struct {
	pieces   []piece
	atTheEnd bool   // the last piece ends the text
	letters  []byte // some of it in a row that are ASCII letters; nil: there are no three
}

// A piece is a text, of which some characters may be any.
type piece struct {
	text []byte
	any  []bool // by the place in text; nil: none
}

func compileAll(list []string) words {
	all := make(words, len(list))
	for i, text := range list {
		all[i] = compile(text)
	}
	return all
}

func compile(text string) (w word) {
	var p piece
	escaped, wild := false, false
	end := func() {
		if !wild {
			p.any = nil
		}
		if len(p.text) > 0 {
			w.pieces = append(w.pieces, p)
		}
		p, wild = piece{}, false
	}
	add := func(c byte, any bool) {
		p.text, p.any, wild = append(p.text, c), append(p.any, any), wild || any
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case escaped:
			add(c, false)
			escaped = false
		case c == '\\':
			escaped = true
		case c == '%':
			end()
		default:
			add(c, c == '_')
		}
	}
	if escaped { // it takes the % that datagrepper adds as a character, which then ends the text
		add('%', false)
		w.atTheEnd = true
	}
	end()
	for _, p := range w.pieces {
		w.letters = longer(w.letters, p)
	}
	return w
}

// longer gives letters in a row of a piece where these are more, and at least three.
func longer(letters []byte, p piece) []byte {
	from := 0
	for i := 0; i <= len(p.text); i++ {
		if i < len(p.text) && isLetter(p.text[i]) && (p.any == nil || !p.any[i]) {
			continue
		}
		if i-from >= max(3, len(letters)+1) {
			letters = p.text[from:i]
		}
		from = i + 1
	}
	return letters
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// mayMatch reports whether a message can have one of the words, by its payload as received: most messages need not be
// read and written as Python does. Letters are the same there, but for those of an escape.
func (all words) mayMatch(payload []byte) bool {
	for _, w := range all {
		if w.letters == nil || bytes.Contains(payload, w.letters) {
			return true
		}
	}
	return bytes.Contains(payload, []byte(`\u`)) || bytes.ContainsFunc(payload, func(r rune) bool { return r > 127 })
}

// within reports whether the content of a message has one of the words, by its payload as received. spaced is as for
// pythonJSON.
func (all words) within(ctx context.Context, payload []byte, spaced bool) bool {
	return all.mayMatch(payload) && all.match(ctx, pythonJSON(body(payload), spaced))
}

// match reports whether a text, which is ASCII, has one of the words. It ends early with ctx.
func (all words) match(ctx context.Context, text []byte) bool {
	for _, w := range all {
		if ctx.Err() == nil && w.match(text) {
			return true
		}
	}
	return false
}

// match finds each piece at the first place behind the one before: if they fit anywhere, they fit there.
func (w word) match(text []byte) bool {
	for i, p := range w.pieces {
		if w.atTheEnd && i == len(w.pieces)-1 {
			return len(text) >= len(p.text) && p.index(text[len(text)-len(p.text):]) == 0
		}
		at := p.index(text)
		if at < 0 {
			return false
		}
		text = text[at+len(p.text):]
	}
	return true
}

// index gives the first place of the piece; -1: it is nowhere.
func (p piece) index(text []byte) int {
	if p.any == nil {
		return bytes.Index(text, p.text)
	}
	for at := 0; at+len(p.text) <= len(text); at++ {
		if p.fits(text[at:]) {
			return at
		}
	}
	return -1
}

func (p piece) fits(text []byte) bool {
	for i, c := range p.text {
		if !p.any[i] && text[i] != c {
			return false
		}
	}
	return true
}
