package literals

import "encoding/binary"

// window is how many offsets of a text are hashed at once, and then looked up: neither waits for the other, and the
// hits in between stay in the nearest cache.
const window = 512

// A scan is what is noted of a window.
type scan struct {
	offsets    [window]uint32 // those whose q-gram has its bit set
	candidates [window]candidate
}

// A candidate is an entry whose q-gram probably stands at an offset of the text.
type candidate struct{ entry, at uint32 }

// Scan calls found with each literal that is in text, and where it begins. The text must have its Padding. A nil Index
// has no literals.
func (x *Index) Scan(text []byte, found func(e *Entry, at int)) {
	if x == nil {
		return
	}
	var s scan
	for size := range gramSizes {
		if !x.sizes[size].Load() {
			continue
		}
		for from := 0; from+gramSizes[size] <= len(text); from += window {
			x.scanWindow(&s, text, from, size, found)
		}
	}
}

func (x *Index) scanWindow(s *scan, text []byte, from, size int, found func(e *Entry, at int)) {
	var (
		n      int
		to     = min(from+window, len(text)-gramSizes[size]+1)
		words  = text[from : to+Padding-1]
		left   = 64 - 8*gramSizes[size]
		factor = gramFactors[size]
		shift  = x.shift - 4
		bitmap = x.bitmap
	)
	// Without a jump, since a processor would guess it wrong too often: an offset that does not count is overwritten.
	for i := range to - from {
		h := binary.LittleEndian.Uint64(words[i:]) << (left & 63) * factor
		bit := h >> (shift & 63)
		s.offsets[n&(window-1)] = uint32(from + i)
		n += int(bitmap[bit/64].Load() >> (bit % 64) & 1)
	}
	m := 0
	for _, at := range s.offsets[:n] {
		h := binary.LittleEndian.Uint64(text[at:at+Padding:at+Padding]) << (left & 63) * factor
		for next := x.buckets[h>>x.shift].Load(); next != 0; {
			l := x.link(next - 1)
			if l.hash == uint32(h) {
				s.candidates[m] = candidate{next - 1, at}
				if m++; m == len(s.candidates) {
					x.compare(text, s.candidates[:m], found)
					m = 0
				}
			}
			next = l.next
		}
	}
	x.compare(text, s.candidates[:m], found)
}

// compare calls found with the candidates that are there.
func (x *Index) compare(text []byte, candidates []candidate, found func(e *Entry, at int)) {
	for _, c := range candidates {
		e := x.at(c.entry)
		at := int(c.at) - int(e.offset)
		if at >= 0 && at+int(e.size) <= len(text) && e.is(text[at:]) {
			found(e, at)
		}
	}
}

// is says whether text, which is not shorter, begins with the literal of e.
func (e *Entry) is(text []byte) bool {
	if e.size <= headSize {
		return string(text[:e.size]) == string(e.head[:e.size])
	}
	return string(text[:headSize]) == string(e.head[:]) && string(text[headSize:e.size]) == e.rest
}
