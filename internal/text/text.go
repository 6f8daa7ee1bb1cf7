// Package text holds the few things that every room does to a text before it shows, sends or stores it: cut it to a
// limit, clean it of what could act as more than text, make one line of it, count words and join them.
//
// # Cutting
//
// A limit is a promise: no function here returns more than it was asked for, the ellipsis included, and none cuts
// through a rune. There are two units and two ends:
//
//	             without a mark    with an ellipsis
//	bytes        CutBytes          ElideBytes
//	runes        CutRunes          ElideRunes
//
// Bytes bound what a column, a frame or a buffer holds; runes (Unicode code points) bound what a person sees. Cut is
// for what a machine reads on, elide for what a person reads: the ellipsis says that something is missing. (To elide is
// Qt's word; Pango says ellipsize, CSS text-overflow.) A cut may fall between a letter and its combining accent; where
// that matters a text must be segmented into grapheme clusters (Unicode Standard Annex 29), which nothing here does.
//
// # Cleaning
//
// What comes over a bus was written by a stranger. Control characters drive terminals, end mail headers and IRC lines;
// bidirectional controls (Unicode Standard Annex 9) make a text read otherwise than it is stored ("Trojan Source",
// CVE-2021-42574); hundreds of combining marks on one letter paint over the lines above.
//
//   - Clean keeps lines and tabs and drops the rest of those.
//   - OneLine is Clean for a title, a name or a header: every run of white space becomes one space.
//   - Storable changes only what a database column cannot hold, for texts that are kept as they came.
//
// Defang takes what could act in another way: it writes links so that nobody's program makes one of them.
//
// None of them escapes anything: HTML, markup and headers have rules of their own, which the room that writes them
// knows. Two rooms differ on purpose. The catalogue also drops zero-width characters, because its texts hold names and
// two names must not look alike; it makes a space of a control character, so that half a name is never joined to a
// whole one. The commands show what is hidden (as \u001b) instead of dropping it, because an operator looks for it.
//
// # Words
//
// Plural and Series write "2 messages" and "a, b and c". They know English only; all of notifyd's texts are English.
//
//	text.ElideRunes(text.OneLine("new\nbuild \u202eof bash"), 12) // "new build o…"
//	text.Plural(2, "message", "messages")                         // "2 messages"
//	text.Series([]string{"bash", "zsh", "fish"}, "or")            // "bash, zsh or fish"
package text
