package fakesmtp

import (
	"fmt"
	"os"
	"path/filepath"
)

// makeMaildir makes the three folders of a maildir (D. J. Bernstein, "Using maildir format").
func makeMaildir(dir string) error {
	for _, sub := range []string{"tmp", "new", "cur"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// writeMaildir writes a message under tmp and moves it into new, so that a reader never sees half of one.
func writeMaildir(dir string, data []byte) error {
	f, err := os.CreateTemp(filepath.Join(dir, "tmp"), "notifyd.*.eml")
	if err != nil {
		return fmt.Errorf("write maildir: %w", err)
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, "new", filepath.Base(f.Name())))
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write maildir: %w", err)
	}
	return nil
}
