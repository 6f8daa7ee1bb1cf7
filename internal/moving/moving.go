// Package moving counts what came in a window of time that moves along.
//
// It is the jumping window of Rathgeb ("Modeling and Performance Comparison of Policing Mechanisms for ATM Networks",
// IEEE Journal on Selected Areas in Communications 9(3), 1991) in small jumps: the window is cut into ten parts, and
// each has a number. What came in the part that the window is leaving counts as long as any moment of it is inside. So
// Count is never below the number of the last window, and at most a part too old: a bound on it is never passed. A
// window takes a few words, however much comes; the exact moving window of that paper keeps every moment.
//
//	w := moving.New(10 * time.Minute)
//	w.Add(now, 1)
//	w.Count(now.Add(time.Minute)) // 1
package moving

import (
	"strconv"
	"strings"
	"time"
)

// parts are the parts of a window.
const parts = 10

// A Window counts. The zero Window has no length: use New or Read.
type Window struct {
	part   int64 // length of a part, in microseconds
	newest int64 // number of the newest part, since 1970
	counts [parts + 1]uint32
}

// New makes an empty Window of a length.
func New(length time.Duration) Window { return Window{part: max(1, length.Microseconds()/parts)} }

// Add counts n more.
func (w *Window) Add(now time.Time, n int) {
	w.advance(now)
	at := &w.counts[0]
	*at = uint32(min(int64(*at)+int64(n), 1<<31))
}

// Count gives how many came in the last window.
func (w *Window) Count(now time.Time) int {
	w.advance(now)
	n := 0
	for _, c := range w.counts {
		n += int(c)
	}
	return n
}

// advance moves the window to now. A clock that goes back counts in the newest part; one that goes back further than
// the window begins anew.
func (w *Window) advance(now time.Time) {
	at := now.UnixMicro() / w.part
	switch steps := at - w.newest; {
	case steps > parts || steps < -parts:
		*w = Window{part: w.part, newest: at}
	case steps > 0:
		copy(w.counts[steps:], w.counts[:])
		clear(w.counts[:steps])
		w.newest = at
	}
}

// String gives the window as Read takes it: short, and "" where it is empty.
func (w *Window) String() string {
	last := -1
	for i, c := range w.counts {
		if c > 0 {
			last = i
		}
	}
	if last < 0 {
		return ""
	}
	b := strconv.AppendInt(nil, w.part, 36)
	b = strconv.AppendInt(append(b, ' '), w.newest, 36)
	for _, c := range w.counts[:last+1] {
		b = strconv.AppendUint(append(b, ' '), uint64(c), 36)
	}
	return string(b)
}

// Read gives a Window of a length that was stored. One that was stored by another length, or cannot be read, is empty.
func Read(stored string, length time.Duration) Window {
	w := New(length)
	fields := strings.Fields(stored)
	if len(fields) < 2 || len(fields) > 2+len(w.counts) || fields[0] != strconv.FormatInt(w.part, 36) {
		return w
	}
	newest, err := strconv.ParseInt(fields[1], 36, 64)
	if err != nil {
		return w
	}
	read := Window{part: w.part, newest: newest}
	for i, f := range fields[2:] {
		n, err := strconv.ParseUint(f, 36, 32)
		if err != nil {
			return w
		}
		read.counts[i] = uint32(min(n, 1<<31))
	}
	return read
}
