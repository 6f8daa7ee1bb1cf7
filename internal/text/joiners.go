package text

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// joined are the scripts in which the zero-width joiner and non-joiner (U+200D, U+200C) tell words or letters apart:
// Unicode Standard Annex 31, section 2.3, and chapters 9, 12 and 13 of the standard.
var joined = []*unicode.RangeTable{unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Nko, unicode.Mandaic,
	unicode.Manichaean, unicode.Adlam, unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati,
	unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Khmer,
	unicode.Myanmar, unicode.Tibetan, unicode.Javanese, unicode.Balinese}

// JoinerStays reports whether the joiner at s[i:], which is U+200C or U+200D, carries meaning: it stands behind a
// letter or mark of a script that has joiners and before another, behind a virama, or joins two pictures to one (U+200D
// only). Any other is invisible, and makes two names look alike.
func JoinerStays(s string, i int) bool {
	joiner, size := utf8.DecodeRuneInString(s[i:])
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	after, _ := utf8.DecodeRuneInString(s[i+size:])
	switch {
	case joiner != '\u200c' && joiner != '\u200d':
		return false
	case unicode.In(before, joined...):
		return unicode.In(after, joined...) || isVirama(before)
	}
	return joiner == '\u200d' && isPicture(before) && unicode.Is(unicode.So, after) && after != utf8.RuneError
}

// viramas are the marks that take a letter its vowel, of the scripts in joined.
var viramas = []rune("\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca\u17d2\u1039\ua9c0\u1b44")

func isVirama(r rune) bool { return slices.Contains(viramas, r) }

// isPicture reports what an emoji may end in: a symbol, its colour of skin, a selector of its form.
func isPicture(r rune) bool {
	return unicode.Is(unicode.So, r) || r >= 0x1f3fb && r <= 0x1f3ff || r == '\ufe0f'
}
