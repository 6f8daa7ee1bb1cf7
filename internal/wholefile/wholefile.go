// Package wholefile replaces a file so that whoever reads it sees the old one or the new one, and never a part: also
// after a crash, and where the disk is full.
package wholefile

import (
	"errors"
	"os"
	"path/filepath"
)

// Replace writes text beside the file, makes sure that it is on the disk, and renames it. Only the owner can read it.
func Replace(file string, text []byte) error {
	fresh, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	_, err = fresh.Write(text)
	err = errors.Join(err, fresh.Sync(), fresh.Close())
	if err == nil {
		err = os.Rename(fresh.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(fresh.Name()))
	}
	folder, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
