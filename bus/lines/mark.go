package lines

import (
	"hash/crc64"
	"slices"
	"sync"
)

// printed is how many bytes before a mark its checksum is of, at most.
const printed = 256

// A mark is a place in a file, after a line. Its zero value is the beginning of any file.
type mark struct {
	Offset int64  `json:"offset"`
	Line   int64  `json:"line"`
	Before int    `json:"before"` // bytes before the offset; negative: after it, at the beginning of a file (begins)
	Sum    uint64 `json:"sum"`    // of those
}

// begins is the beginning of a file whose first line this is.
func begins(text []byte) mark {
	head := text[:min(len(text), printed)]
	return mark{Before: -len(head), Sum: sum(head)}
}

var table = crc64.MakeTable(crc64.ECMA)

func sum(before []byte) uint64 { return crc64.Checksum(before, table) }

// A span is the bytes from one offset up to another.
type span [2]int64

// A place says what of a file is committed: all before the mark, and some spans behind it.
type place struct {
	mark
	Done []span `json:"done,omitempty"`
}

// has reports whether the line that begins at an offset is committed.
func (p place) has(offset int64) bool {
	return slices.ContainsFunc(p.Done, func(s span) bool { return s[0] <= offset && offset < s[1] })
}

// A tracker follows what of an input is committed, over all files that it is made of: a file that takes the place of
// another is behind it.
type tracker struct {
	changed func() // is called after each change, without the lock

	mu    sync.Mutex
	place mark      // of which all before is committed
	lines []*handed // behind it, in order; the first is not done with
}

// A handed is some lines, one after the other, that are done with, or one that was handed over.
type handed struct {
	file  int // the number of the file, as they come
	bytes span
	end   mark
	left  int // frames that are not done with
}

// add notes a line that becomes so many frames. The function that it gives is called for each that is done with.
func (t *tracker) add(file int, from int64, end mark, frames int) (done func()) {
	h := &handed{file, span{from, end.Offset}, end, frames}
	t.mu.Lock()
	if last := len(t.lines) - 1; frames == 0 && last >= 0 && t.lines[last].left == 0 && t.lines[last].file == file {
		t.lines[last].bytes[1], t.lines[last].end = end.Offset, end // so that many of them need no room
	} else {
		t.lines = append(t.lines, h)
	}
	t.settle()
	t.mu.Unlock()
	if frames == 0 {
		t.changed()
	}
	return func() {
		t.mu.Lock()
		h.left--
		t.settle()
		t.mu.Unlock()
		t.changed()
	}
}

// begin notes the beginning of the first file; false where reading has begun before.
func (t *tracker) begin(m mark) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.place != (mark{}) || len(t.lines) > 0 {
		return false
	}
	t.place = m
	return true
}

// settle moves the mark on.
func (t *tracker) settle() {
	n := 0
	for ; n < len(t.lines) && t.lines[n].left == 0; n++ {
		t.place = t.lines[n].end
	}
	t.lines = slices.Delete(t.lines, 0, n)
}

// at gives what is committed now; all says that nothing is handed over and not done with.
func (t *tracker) at() (p place, all bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.mark = t.place
	if len(t.lines) == 0 {
		return p, true
	}
	for _, h := range t.lines {
		if h.left == 0 && h.file == t.lines[0].file {
			p.Done = append(p.Done, h.bytes)
		}
	}
	return p, false
}
