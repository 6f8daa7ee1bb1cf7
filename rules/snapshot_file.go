package rules

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/notifyd/notifyd/rulespec"
)

// SaveSnapshot writes a snapshot into the file at path, which only its owner may read. Until it is whole and on the disk
// the file that was there stays, also when the machine stops: the new one is called path and ".new" until then.
func (x *Index) SaveSnapshot(path, key string) error {
	x.saving.Lock()
	defer x.saving.Unlock()
	if err := x.saveAs(path+".new", key); err != nil {
		return errors.Join(fmt.Errorf("save snapshot: %w", err), gone(os.Remove(path+".new")))
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

func (x *Index) saveAs(path, key string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := x.WriteSnapshot(f, key); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// gone makes nothing of an error that says that a file is not there.
func gone(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// syncFolder makes the names in a folder last.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// OpenSnapshot is ReadSnapshot of the file at path. When it is not there, the error wraps fs.ErrNotExist. Whatever is
// wrong with it: the filters in their store are still there.
func OpenSnapshot(env rulespec.Env, path, key string) (*Index, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open snapshot: %w", err)
	}
	x, err := ReadSnapshot(env, f, key)
	return x, errors.Join(err, f.Close())
}
