package watch

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"time"
)

// settle is how far apart two looks are at which files must look the same; the interval, where that is shorter.
const settle = 2 * time.Second

// maxLooks is how often files may look changed in a row before they are read all the same.
const maxLooks = 10

// poll looks once, and reads what looks changed and has settled. It gives the time until the next look.
func (w *Watcher[T]) poll() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.source.Look == nil {
		return w.interval
	}
	now, err := w.look()
	switch {
	case err != nil:
		w.seen, w.read = nil, nil
	case same(now, w.read) && w.confirmed:
		return w.interval
	case !same(now, w.seen) && !same(now, w.read) && w.looks < maxLooks:
		w.seen = now
		w.looks++
		return min(settle, w.interval)
	default:
		w.confirmed = same(now, w.read)
		err = w.take()
	}
	w.looks = 0
	w.report(err)
	return w.interval
}

// look gives the files as they look now. It is nil only where it fails.
func (w *Watcher[T]) look() ([]fs.FileInfo, error) {
	if w.source.Look == nil {
		return []fs.FileInfo{}, nil
	}
	files, err := w.source.Look()
	if err != nil {
		return nil, err
	}
	return append([]fs.FileInfo{}, files...), nil
}

// take reads the files, and makes the value of them when their bytes have changed. Bytes with a mistake are tried once,
// however often they are seen.
func (w *Watcher[T]) take() error {
	looked, err := w.look() // before the reading: what changes during it is seen at the next look
	if err != nil {
		return err
	}
	content, err := w.source.Read()
	if err != nil {
		return err
	}
	w.seen, w.read = looked, looked
	if content.Sum == w.sum && w.sum != [sha256.Size]byte{} {
		return w.wrong
	}
	w.sum = content.Sum
	value, err := content.Make()
	w.wrong = err
	if err != nil {
		return err
	}
	w.value.Store(&value)
	select {
	case w.updates <- struct{}{}:
	default: // one is waiting
	}
	w.log.Info(w.source.Name+" loaded", w.attributes(value)...)
	return nil
}

// report logs a failure that is new, and the end of one.
func (w *Watcher[T]) report(err error) {
	before := w.Err()
	w.failure.Store(&err)
	switch {
	case err != nil && (before == nil || before.Error() != err.Error()):
		w.log.Error(w.source.Name+" not reloaded; the last good one stays", append(w.file(), "error", err)...)
	case err == nil && before != nil:
		w.log.Info(w.source.Name+" readable again", w.file()...)
	}
}

func (w *Watcher[T]) attributes(value T) []any {
	if w.source.Figures == nil {
		return w.file()
	}
	return append(w.file(), w.source.Figures(value)...)
}

func (w *Watcher[T]) file() []any {
	if w.source.File == "" {
		return nil
	}
	return []any{"file", w.source.File}
}

// same says whether files look the same. Time and size tell most changes, the identity tells a file that was moved into
// place.
func same(a, b []fs.FileInfo) bool {
	if len(a) != len(b) || (a == nil) != (b == nil) {
		return false
	}
	for i, x := range a {
		y := b[i]
		known := os.SameFile(x, x) // files of other kinds than those of the system have no identity
		if x.Name() != y.Name() || x.Size() != y.Size() || !x.ModTime().Equal(y.ModTime()) || known && !os.SameFile(x, y) {
			return false
		}
	}
	return true
}
