package catalogue

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
)

// statOf writes down how the files of a catalogue look from outside: names, sizes and times.
func statOf(site fs.FS) (string, error) {
	files, err := catalogueFiles(site)
	if err != nil {
		return "", err
	}
	var out []byte
	for _, f := range files {
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // it went just now; the next look tells
		}
		if err != nil {
			return "", fmt.Errorf("look at catalogue file: %w", err)
		}
		out = fmt.Appendf(out, "%q %d %d\n", f.Name(), info.Size(), info.ModTime().UnixNano())
	}
	return string(out), nil
}

func hashOf(site fs.FS) (sum [sha256.Size]byte, err error) {
	files, err := catalogueFiles(site)
	if err != nil {
		return sum, err
	}
	h := sha256.New()
	for _, f := range files {
		data, err := readFile(site, f.Name())
		if err != nil {
			return sum, err
		}
		fmt.Fprintf(h, "%q %d\n", f.Name(), len(data))
		h.Write(data)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
