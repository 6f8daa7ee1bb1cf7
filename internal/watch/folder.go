package watch

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Files are those of a folder that people write YAML into: *.yaml and *.yml that are not hidden.
type Files struct {
	Of    string // what they hold, for errors, such as "reports"
	Most  int    // files of any kind that the folder may have
	Bytes int64  // that a file may have; of a larger one Read gives one byte more
}

// Names lists the files, sorted.
func (f Files) Names(folder fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, fmt.Errorf("read the folder of %s: %w", f.Of, err)
	}
	if len(entries) > f.Most {
		return nil, fmt.Errorf("the folder of %s has %d files; at most %d", f.Of, len(entries), f.Most)
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") && slices.Contains([]string{".yaml", ".yml"}, path.Ext(e.Name())) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Read reads a file. Who opens a pipe waits, and a device has no end: neither is read.
func (f Files) Read(folder fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(folder, name)
	if err != nil {
		return nil, fmt.Errorf("look at a file of %s: %w", f.Of, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: it is no regular file", name)
	}
	file, err := folder.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open a file of %s: %w", f.Of, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, f.Bytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return text, nil
}

// InFolder is the Source of a value that load makes of the files of a folder. A nil folder has none.
func InFolder[T any](folder fs.FS, files Files, load func() (T, error)) Source[T] {
	source := Source[T]{Read: func() (Content[T], error) {
		sum, err := files.sum(folder)
		return Content[T]{Sum: sum, Make: load}, err
	}}
	if folder != nil {
		source.Look = func() ([]fs.FileInfo, error) { return files.look(folder) }
	}
	return source
}

// look gives how the files look from outside.
func (f Files) look(folder fs.FS) (all []fs.FileInfo, err error) {
	names, err := f.Names(folder)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		info, err := fs.Stat(folder, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was removed just now; the next look sees it
		}
		if err != nil {
			return nil, fmt.Errorf("look at a file of %s: %w", f.Of, err)
		}
		all = append(all, info)
	}
	return all, nil
}

// sum gives the sum of the names and bytes of the files.
func (f Files) sum(folder fs.FS) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	if folder == nil {
		return [sha256.Size]byte(h.Sum(nil)), nil
	}
	names, err := f.Names(folder)
	if err != nil {
		return sum, err
	}
	for _, name := range names {
		text, err := f.Read(folder, name)
		if err != nil {
			return sum, err
		}
		fmt.Fprintf(h, "%q %d\n", name, len(text))
		h.Write(text)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
