// Package lock lets one process own an SQLite file: the daemon, or a command that needs the file for itself.
//
// At its start the outbox takes over the sends that an earlier process had in hand, and another running process must
// not lose its own that way. On PostgreSQL leases see to this (package leases).
//
// The lock is that of the kernel on a file beside the database (flock), so it ends with the process, also after
// kill -9. The file stays, and names who had the lock last.
package lock

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Take takes the lock of a database, until the file is closed. name is what others are told of who has it. An error
// that IsTaken means that somebody else has it, and names them.
func Take(database, name string) (*os.File, error) {
	path := database
	if target, err := filepath.EvalSymlinks(path); err == nil { // one file, one lock
		path = target
	}
	file, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock database: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		err = fmt.Errorf("another notifyd runs on %s (%s): %w", database, readHolder(file), err)
		return nil, errors.Join(err, file.Close())
	}
	if err := writeHolder(file, name); err != nil {
		return nil, errors.Join(fmt.Errorf("lock database: %w", err), file.Close())
	}
	return file, nil
}

// IsTaken reports whether an error of Take says that another process has the lock.
func IsTaken(err error) bool { return errors.Is(err, syscall.EWOULDBLOCK) }

// maxHolder bounds what is read of the name of the lock's holder, in bytes.
const maxHolder = 256

// writeHolder writes into the lock file which process holds the lock.
func writeHolder(file *os.File, name string) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(name+"\n"), 0)
	return err
}

// readHolder returns the process that holds the lock, in words.
func readHolder(file *os.File) string {
	text, err := io.ReadAll(io.LimitReader(file, maxHolder))
	if err != nil {
		return err.Error()
	}
	return cmp.Or(strings.TrimSpace(string(text)), "it does not say which") // an older notifyd writes nothing
}
