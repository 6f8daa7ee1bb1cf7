package lines

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"time"
)

// A kind is what can be read.
type kind int

const (
	plain      kind = iota // a file: it has places, and may grow
	compressed             // a file in gzip's form; its places are those of what it holds
	pipe                   // it has none
)

// kindOf gives the kind of what is no archive yet by its head. A device has no end, a folder no lines.
func kindOf(mode fs.FileMode) (kind, error) {
	switch {
	case mode.IsRegular():
		return plain, nil
	case mode&fs.ModeNamedPipe != 0:
		return pipe, nil
	case mode.IsDir():
		return 0, errors.New("it is a folder; a file was expected, a named pipe, or a pattern such as FOLDER/*.jsonl")
	}
	return 0, errors.New("it is neither a file nor a named pipe")
}

// A file is an open file or pipe.
type file struct {
	*os.File
	kind  kind
	in    io.Reader
	ended func() error // of the reading
	stop  func() bool
}

func (f *file) close() {
	if f.stop != nil {
		f.stop()
	}
	f.Close()
}

// open opens a file, and waits for nothing. A read that waits ends with an error when ctx ends.
func open(ctx context.Context, path string) (f *file, err error) {
	opened, err := openPath(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			opened.Close()
		}
	}()
	info, err := opened.Stat()
	if err != nil {
		return nil, err
	}
	f = &file{File: opened, in: opened, ended: ctx.Err}
	if path == standardInput {
		f.kind = pipe // whatever it is, it is read once
	} else if f.kind, err = kindOf(info.Mode()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if f.kind == plain {
		magic := make([]byte, 2)
		if n, _ := opened.ReadAt(magic, 0); n == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
			f.kind = compressed
		}
		return f, nil
	}
	f.stop = context.AfterFunc(ctx, func() { _ = opened.SetReadDeadline(time.Unix(1, 0)) })
	return f, nil
}

// openPath opens a path so that a pipe without a writer does not stop it. Standard input is opened anew: its own
// descriptor belongs to other processes, too, and they do not expect that reading it does not wait.
func openPath(path string) (*os.File, error) {
	const flags = os.O_RDONLY | syscall.O_NONBLOCK | syscall.O_CLOEXEC
	if path != standardInput {
		return os.OpenFile(path, flags, 0)
	}
	if opened, err := os.OpenFile("/dev/stdin", flags, 0); err == nil {
		return opened, nil
	}
	fd, err := syscall.Dup(0) // a socket cannot be opened
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	return os.NewFile(uintptr(fd), "standard input"), errors.Join(syscall.SetNonblock(fd, true))
}

// An endable reads until ended gives an error: a line, or what gzip has packed, may go on for hours.
type endable struct {
	io.Reader
	ended func() error
}

func (e endable) Read(p []byte) (int, error) {
	if err := e.ended(); err != nil {
		return 0, err
	}
	return e.Reader.Read(p)
}

// errOther says that a file is not the one that a mark is of.
var errOther = errors.New("another file")

// seek goes to a mark, and gives the bytes before it.
func (f *file) seek(m mark) (before []byte, err error) {
	if m.Before < 0 {
		head := make([]byte, -m.Before)
		if _, err := f.ReadAt(head, 0); f.kind == plain && (err != nil || sum(head) != m.Sum) {
			return nil, errOther
		}
		m = mark{}
	}
	if f.kind == compressed {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		unpacked, err := gzip.NewReader(f.File)
		if err != nil {
			return nil, err
		}
		f.in = endable{unpacked, f.ended}
		if _, err := io.CopyN(io.Discard, f.in, m.Offset-int64(m.Before)); err != nil {
			return nil, cmp.Or(shorter(err), err)
		}
		before = make([]byte, m.Before)
		if _, err := io.ReadFull(f.in, before); err != nil && m.Before > 0 {
			return nil, cmp.Or(shorter(err), err)
		}
	} else {
		before = make([]byte, m.Before)
		if _, err := f.ReadAt(before, m.Offset-int64(m.Before)); err != nil {
			return nil, cmp.Or(shorter(err), err)
		}
		f.in = endable{&growing{file: f.File, at: m.Offset, seen: before}, f.ended}
	}
	if m.Before > 0 && sum(before) != m.Sum {
		return nil, errOther
	}
	return before, nil
}

// shorter is errOther for the error of a file that ends too soon.
func shorter(err error) error {
	if errors.Is(err, io.EOF) {
		return errOther
	}
	return nil
}

// A growing reads a file that may grow, from an offset on. Before each read it looks whether what it has read last is
// still there. If not, the file was truncated, and perhaps written anew, and the error is errOther.
type growing struct {
	file *os.File
	at   int64
	seen []byte // before at, at most printed bytes
	look []byte // as many
}

func (g *growing) Read(p []byte) (int, error) {
	g.look = append(g.look[:0], g.seen...)
	if n, err := g.file.ReadAt(g.look, g.at-int64(len(g.look))); n < len(g.look) && !errors.Is(err, io.EOF) {
		return 0, err
	} else if n < len(g.look) || !bytes.Equal(g.look, g.seen) {
		return 0, errOther
	}
	n, err := g.file.ReadAt(p, g.at)
	g.at += int64(n)
	g.seen = tail(g.seen, p[:n])
	if n > 0 {
		err = nil
	}
	return n, err
}

// replaced reports whether path is another file now, and one that has something: who wrote into f writes there.
func (f *file) replaced(path string) bool {
	there, err := os.Stat(path)
	if err != nil || there.Size() == 0 && there.Mode().IsRegular() {
		return false
	}
	if _, err := kindOf(there.Mode()); err != nil { // a folder: nobody writes there
		return false
	}
	here, err := f.Stat()
	return err == nil && !os.SameFile(here, there)
}

// rotatedName is what rotation puts behind the name of a file, such as .1, -20261129 and .2026-11-29.
var rotatedName = regexp.MustCompile(`^[.-][0-9][0-9-]*$`)

// rotated looks beside path for the file that a mark is of, and gives it with those that were rotated after it, the
// oldest first; none where it is not there. Their order is that of their last change.
func rotated(ctx context.Context, path string, m mark) []string {
	if m == (mark{}) {
		return nil // it is of any file
	}
	beside, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil
	}
	type old struct {
		path string
		time time.Time
	}
	var all []old
	for _, entry := range beside {
		suffix, isOurs := bytes.CutPrefix([]byte(entry.Name()), []byte(filepath.Base(path)))
		info, err := entry.Info()
		if isOurs && rotatedName.Match(suffix) && err == nil && info.Mode().IsRegular() {
			all = append(all, old{filepath.Join(filepath.Dir(path), entry.Name()), info.ModTime()})
		}
	}
	slices.SortFunc(all, func(a, b old) int { return a.time.Compare(b.time) })
	for n, one := range all {
		f, err := open(ctx, one.path)
		if err != nil {
			continue
		}
		_, err = f.seek(m)
		f.close()
		if err == nil {
			var names []string
			for _, o := range all[n:] {
				names = append(names, o.path)
			}
			return names
		}
	}
	return nil
}
