// Package literals finds which of very many literals occur in a text: a prefilter for searches that need one of them.
//
// # The idea
//
// A q-gram (also n-gram) is q bytes in a row. An Index files each literal under the hash of one of its q-grams, of 3, 4
// or 6 bytes, and among these the one that the fewest other literals are filed under. A search hashes every q-gram of
// the text, as in the multiple-pattern search of R. Karp and M. Rabin ("Efficient randomized pattern-matching
// algorithms", 1987; G. Navarro, M. Raffinot, "Flexible Pattern Matching in Strings", 2002, shows q-grams as filters),
// and compares only literals whose hash occurs. One bit for each hash, in a bitmap that stays in the cache, answers
// most q-grams of a text: no literal has this one. The cost follows the length of the text and what it contains, and
// hardly how many literals there are; adding a literal takes no rebuilding, unlike an Aho-Corasick automaton.
//
// A Bloom answers the opposite question: does this one text have that literal? It is a Bloom filter (B. Bloom,
// "Space/Time Trade-offs in Hash Coding with Allowable Errors", CACM 1970) of the text's q-grams, so that most literals
// which are not there are ruled out without reading the text again.
//
// # Invariants
//
//   - Index.Scan calls found with every literal that occurs, at every offset; it never leaves one out and never calls
//     found for one that is not there. FuzzLiterals holds both to strings.Index.
//   - Bloom.Contains is strings.Contains; the filter only saves work.
//   - Case does not count here: callers fold literals and texts alike.
//   - One goroutine adds to an Index while others scan. Nothing is ever taken out.
package literals

import "encoding/binary"

// A Target is what a literal leads to. It is the caller's: an Index keeps it beside the literal, in the same line of
// the cache.
type Target struct {
	ID    uint32
	Texts uint8 // the texts in which the literal counts, a bit each
	Plain bool  // the literal alone is enough
}

// Padding is how many bytes of an array must follow the text in it: q-grams are read eight bytes at a time.
const Padding = 8

// Pad makes room for the padding behind a text.
func Pad(text []byte) []byte { return append(text, make([]byte, Padding)...)[:len(text)] }

// gramSizes are the lengths of q-grams, and gramFactors the factors of their hashes (D. Knuth, "The Art of Computer
// Programming", volume 3, 6.4, multiplicative hashing): odd, with their bits well mixed, and different, so that q-grams
// of different lengths have different hashes.
var (
	gramSizes   = [...]int{3, 4, 6}
	gramFactors = [...]uint64{0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f, 0xd6e8feb86659fd93}
)

// gramOf gives the index in gramSizes of the q-grams that a literal of so many bytes is filed under.
func gramOf(bytes int) int {
	size := len(gramSizes) - 1
	for size > 0 && gramSizes[size] > bytes {
		size--
	}
	return size
}

// hashAt is the hash of the q-gram at an offset of a literal.
func hashAt(literal string, offset, size int) uint64 {
	var word [8]byte
	for i := range gramSizes[size] {
		word[i] = literal[offset+i]
	}
	return binary.LittleEndian.Uint64(word[:]) << (64 - 8*gramSizes[size]) * gramFactors[size]
}

// ValidOffset says whether a literal of so many bytes has a q-gram at an offset that it can be filed under.
func ValidOffset(bytes, offset int) bool { return offset+gramSizes[gramOf(bytes)] <= bytes }
